"""Metrics: pure functions from features to numbers, in float64.

features -> statistics -> frechet_distance     how far apart two sets of pictures lie, as Gaussians
features -> kernel_distance                    the same by a kernel: unbiased, so fit for few pictures
features -> prdc                      precision, recall, density, coverage
probabilities -> diversity                     how many kinds of faces there are
features -> nearest                            who resembles whom

Features are (n, d). No result depends on the order of the pictures or on how they were batched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strangers.errors import DataError

Floats = NDArray[np.float64]

BLOCK = 1024
"""Rows of a matrix of distances that are in memory at once."""

ROUNDING = 1e-12
"""Squared distances that differ by less than this share of the largest squared norm count as equal: more than
float64 loses at 2048 dimensions, so that who lies on the surface of a ball is not left to rounding."""


@dataclass(frozen=True)
class Statistics:
    """Mean (d,) and unbiased covariance (d, d) of `count` feature vectors."""

    count: int
    mean: Floats
    covariance: Floats


class RunningStatistics:
    """Statistics of features that come in batches; its memory does not grow with their number.

    Sums are of the differences from the first batch's mean, so that little is lost to rounding.
    """

    def __init__(self) -> None:
        self.count = 0
        self._origin: Floats | None = None
        self._sum: Floats | None = None
        self._products: Floats | None = None

    def add(self, features: ArrayLike) -> None:
        """Take in (n, d) more. Raises DataError if a value is not finite."""
        batch = _finite(features, self.count)
        if len(batch) == 0:
            return
        if self._origin is None or self._sum is None or self._products is None:
            self._origin = batch.mean(axis=0)
            self._sum = np.zeros_like(self._origin)
            self._products = np.zeros((len(self._origin), len(self._origin)))
        centerd = batch - self._origin
        self.count += len(batch)
        self._sum += centerd.sum(axis=0)
        self._products += centerd.T @ centerd

    def statistics(self) -> Statistics:
        """Of all that was added. Raises DataError for fewer than two."""
        if self.count < 2 or self._origin is None or self._sum is None or self._products is None:
            raise DataError(f"Statistics need at least 2 pictures, not {self.count}.")
        mean = self._sum / self.count
        covariance = (self._products - self.count * np.outer(mean, mean)) / (self.count - 1)
        return Statistics(self.count, self._origin + mean, covariance)


def statistics(features: ArrayLike) -> Statistics:
    """Of all the features at once. Raises DataError for fewer than two, or values that are not finite."""
    moments = RunningStatistics()
    moments.add(features)
    return moments.statistics()


def frechet_distance(first: Statistics, second: Statistics, *, shrinkage: bool = False) -> float:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)), at least 0.

    Dowson and Landau 1982; Heusel et al. 2017, eq. 6. (S1 S2)^(1/2) has the trace of
    (S1^(1/2) S2 S1^(1/2))^(1/2), whose eigenvalues are real and not negative.
    shrinkage: draw both covariances toward a multiple of the identity first (`oas_covariance`). Without it
    DataError is raised where pictures are not more than dimensions, since such a covariance is singular.
    """
    if first.mean.shape != second.mean.shape:
        raise DataError(
            f"Features of {len(first.mean)} and of {len(second.mean)} dimensions cannot be compared."
        )
    for side in (first, second):
        if side.count <= len(side.mean) and not shrinkage:
            raise DataError(
                f"{side.count:,} pictures are too few for features of {len(side.mean):,} dimensions: take "
                f"at least {len(side.mean) + 1:,}, better ten times as many; or features of fewer "
                "dimensions; or add --shrinkage, and compare only with results that say so too."
            )
    one, other = (oas_covariance(side) if shrinkage else side.covariance for side in (first, second))
    values, vectors = np.linalg.eigh(one)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    overlap = np.sqrt(np.linalg.eigvalsh(root @ other @ root).clip(min=0)).sum()
    shift = first.mean - second.mean
    return max(0.0, float(shift @ shift + np.trace(one) + np.trace(other) - 2 * overlap))


def oas_covariance(of: Statistics) -> Floats:
    """The covariance, drawn toward a multiple of the identity; the more, the fewer pictures it is of.

    Oracle approximating shrinkage: Chen et al. 2010, eq. 23.
    """
    dimensions, trace = len(of.mean), float(np.trace(of.covariance))
    squares = float((of.covariance**2).sum())
    above = (1 - 2 / dimensions) * squares + trace**2
    below = (of.count + 1 - 2 / dimensions) * (squares - trace**2 / dimensions)
    weight = 1.0 if below <= 0 else min(1.0, above / below)
    identity = np.eye(dimensions) * (trace / dimensions)
    result: Floats = (1 - weight) * of.covariance + weight * identity
    return result


@dataclass(frozen=True)
class Estimate:
    """A value and its standard error."""

    value: float
    error: float


def kernel_distance(
    first: ArrayLike, second: ArrayLike, *, subsets: int = 100, subset_size: int = 1000, seed: int = 0
) -> Estimate:
    """The squared maximum mean mmd2 under the kernel (x.y / d + 1)^3.

    Binkowski et al. 2018, section 4: the mean of unbiased estimates (Gretton et al. 2012, eq. 3) on `subsets`
    random pairs of subsets, of at most half the pictures of either side. The value can be below 0.
    The standard error is of what other pictures from the same two sources would give: the subsets' spread,
    scaled to all the pictures (delete-d jackknife, Shao and Wu 1989), and what few subsets leave to chance.
    It is somewhat too large, the more so the more alike the sources are. The spread over the root of
    `subsets`, which is often reported, would vanish as subsets are added, however few the pictures.
    Raises DataError for fewer than four pictures, or values that are not finite.
    """
    one, other = _finite(first), _finite(second)
    fewer = min(len(one), len(other))
    size = min(subset_size, fewer // 2)
    if size < 2:
        raise DataError(f"A kernel distance needs at least 4 pictures on each side, not {fewer}.")
    random = np.random.Philox(key=np.array([seed, 0], np.uint64))
    values = []
    for _ in range(subsets):
        chosen = [np.argsort(random.random_raw(len(side)), kind="stable")[:size] for side in (one, other)]
        values.append(mmd2(one[chosen[0]], other[chosen[1]]))
    scale = np.sqrt(size / (fewer - size) + 1 / subsets)
    return Estimate(float(np.mean(values)), float(np.std(values, ddof=1) * scale))


def mmd2(first: Floats, second: Floats) -> float:
    """The unbiased estimate of the squared maximum mean mmd2 between n and n pictures."""

    def kernel(x: Floats, y: Floats) -> Floats:
        product: Floats = (x @ y.T / x.shape[1] + 1) ** 3
        return product

    count = len(first)
    within = sum((k.sum() - np.trace(k)) for k in (kernel(first, first), kernel(second, second)))
    return float(within / (count * (count - 1)) - 2 * kernel(first, second).mean())


@dataclass(frozen=True)
class Neighborhood:
    """How the generated lie among the real: shares in [0, 1], and density, which is 1 for the real."""

    precision: float
    recall: float
    density: float
    coverage: float


def prdc(real: ArrayLike, fake: ArrayLike, *, neighbors: int = 3, wider: int = 5) -> Neighborhood:
    """Balls that reach to the k-th nearest of a picture's own kind stand for where that kind lives.

    precision, recall: the share of the generated in any ball of the real, and of the real in any of the
    generated, with k = `neighbors` (Kynkaanniemi et al. 2019, eq. 1 and 2). density, coverage: how many
    balls of the real hold a generated one, over k; and the share of these balls that hold any, with
    k = `wider` (Naeem et al. 2020, eq. 3 and 4). A ball's surface is outside.
    Raises DataError where a side has not more than k pictures, or values that are not finite.
    """
    photographs, faces = _finite(real), _finite(fake)
    most = max(neighbors, wider)
    if min(len(photographs), len(faces)) <= most:
        raise DataError(f"Precision and its like need more than {most} pictures on each side.")
    center = photographs.mean(axis=0)  # nearer to 0 less is lost to rounding
    photographs, faces = photographs - center, faces - center
    doubt = ROUNDING * max(float((side**2).sum(axis=1).max()) for side in (photographs, faces))
    real_radii = _radii(photographs, (neighbors, wider)) - doubt
    fake_radii = _radii(faces, (neighbors,))[:, 0] - doubt
    inside = np.zeros(len(faces), bool)
    balls = 0
    recalled, covered = [], []
    for start, distances in _distances(photographs, faces):
        narrow, wide = real_radii[start : start + len(distances)].T
        inside |= (distances < narrow[:, None]).any(axis=0)
        recalled.append((distances < fake_radii).any(axis=1))
        balls += int((distances < wide[:, None]).sum())
        covered.append(distances.min(axis=1) < wide)
    return Neighborhood(
        precision=float(inside.mean()),
        recall=float(np.concatenate(recalled).mean()),
        density=balls / (wider * len(faces)),
        coverage=float(np.concatenate(covered).mean()),
    )


def diversity(probabilities: ArrayLike) -> float:
    """How many values each attribute takes, effectively: 1 if all faces are alike, 2 if all are clear halves.

    exp of the mutual information between face and attribute, H(mean p) - mean H(p), in the mean over the
    attributes of `probabilities`, (n, k) in [0, 1]: the Inception Score (Salimans et al. 2016, section 4)
    of labels that are k independent yes or no, per label. Only values of the same network are comparable.
    """
    chances = _finite(probabilities)
    information = _entropy(chances.mean(axis=0)) - _entropy(chances).mean(axis=0)
    return float(np.exp(information.mean()))


def nearest(queries: ArrayLike, bank: ArrayLike, *, count: int = 1) -> tuple[NDArray[np.int64], Floats]:
    """The `count` nearest of the bank to each query, nearest first: positions and distances (n, count).

    Exact, and of equally near ones the first: candidates are chosen in float32, with all that its rounding
    may have misplaced, and compared in float64. Raises DataError if the bank has fewer than `count`, or for
    values that are not finite.
    """
    asked, known = np.asarray(queries), np.asarray(bank)  # as they are: copies in float64 cost more time
    for side in (asked, known):
        _finite(side)
    if not 1 <= count <= len(known):
        raise DataError(f"There are {len(known)} pictures, so no {count} nearest ones.")
    center = known.mean(axis=0, dtype=np.float32)
    rough_asked, rough_known = ((side - center).astype(np.float32, copy=False) for side in (asked, known))
    norms = (rough_known**2).sum(axis=1)
    lengths = np.linalg.norm(rough_asked.astype(np.float64), axis=1) + np.sqrt(norms.max())
    doubt = 2 * (known.shape[1] + 8) * 2.0**-24 * lengths**2  # Higham 2002, section 3.1, for both compared
    positions, distances = np.zeros((len(asked), count), np.int64), np.zeros((len(asked), count))
    for start in range(0, len(asked), BLOCK):
        squared = norms - 2 * (rough_asked[start : start + BLOCK] @ rough_known.T)  # less the query's norm
        limits = np.partition(squared, count - 1, axis=1)[:, count - 1]
        for query, (row, limit) in enumerate(zip(squared, limits, strict=True), start):
            candidates = np.flatnonzero(row <= limit + doubt[query])
            exact = np.linalg.norm(known[candidates].astype(np.float64) - asked[query], axis=1)
            order = np.argsort(exact, kind="stable")[:count]
            positions[query], distances[query] = candidates[order], exact[order]
    return positions, distances


def _radii(points: Floats, ranks: tuple[int, ...]) -> Floats:
    """(n, len(ranks)): each point's squared distance to its k-th nearest other, for each k."""
    radii = []
    for start, distances in _distances(points, points):
        rows = np.arange(len(distances))
        distances[rows, start + rows] = -np.inf  # a point is no neighbor of itself: it takes place 0
        radii.append(np.partition(distances, ranks, axis=1)[:, list(ranks)])
    return np.concatenate(radii)


def _distances(first: Floats, second: Floats) -> Iterator[tuple[int, Floats]]:
    """Blocks of the matrix of squared distances: the first row's position, and (rows, len(second))."""
    squares = (second**2).sum(axis=1)
    for start in range(0, len(first), BLOCK):
        block = first[start : start + BLOCK]
        yield start, (block**2).sum(axis=1)[:, None] + squares - 2 * (block @ second.T)


def _entropy(chances: Floats) -> Floats:
    """Of yes or no with these chances, in nats."""
    inside = chances.clip(1e-12, 1 - 1e-12)
    result: Floats = -(inside * np.log(inside) + (1 - inside) * np.log(1 - inside))
    return result


def _finite(features: ArrayLike, before: int = 0) -> Floats:
    """As float64 (n, d). Raises DataError that names the first row with a value that is not finite."""
    values = np.asarray(features, np.float64)
    if values.ndim != 2:
        raise DataError(f"Features are (pictures, dimensions), not of shape {values.shape}.")
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        raise DataError(
            f"The features of picture {before + bad[0]} are not finite: it or the network is damaged."
        )
    return values
