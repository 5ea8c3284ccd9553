"""Metrics: pure functions from features to numbers, in float64.

features -> statistics -> frechet_distance     distance of two Gaussians fitted to the features
features -> kernel_distance                    unbiased kernel distance, suited to few pictures
features -> prdc                               precision, recall, density, coverage
probabilities -> diversity                     effective number of values per attribute

Features are (n, d). No result depends on the order or the batching of the pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strangers.errors import DataError

Floats = NDArray[np.float64]

DISTANCE_BLOCK_ROWS = 1024
"""Rows of a distance matrix in memory at once."""

ROUNDING = 1e-12
"""Relative tolerance of squared distances, as a fraction of the largest squared norm. It exceeds the float64
rounding error at 2048 dimensions, so points on the surface of a ball are decided the same way everywhere."""


@dataclass(frozen=True)
class Statistics:
    """Mean (d,) and unbiased covariance (d, d) of `count` feature vectors."""

    count: int
    mean: Floats
    covariance: Floats


class RunningStatistics:
    """Mean and covariance of features that arrive in batches, in constant memory.

    Sums are taken relative to the first batch's mean, which limits rounding errors.
    """

    def __init__(self) -> None:
        self.count = 0
        self._origin: Floats | None = None
        self._sum: Floats | None = None
        self._products: Floats | None = None

    def add(self, features: ArrayLike) -> None:
        """Add features (n, d). Raises DataError for values that are not finite."""
        batch = finite(features, self.count)
        if len(batch) == 0:
            return
        if self._origin is None or self._sum is None or self._products is None:
            self._origin = batch.mean(axis=0)
            self._sum = np.zeros_like(self._origin)
            self._products = np.zeros((len(self._origin), len(self._origin)))
        centered = batch - self._origin
        self.count += len(batch)
        self._sum += centered.sum(axis=0)
        self._products += centered.T @ centered

    def statistics(self) -> Statistics:
        """Return the statistics so far. Raises DataError for fewer than two pictures."""
        if self.count < 2 or self._origin is None or self._sum is None or self._products is None:
            raise DataError(f"Statistics need at least 2 pictures (got {self.count}).")
        mean = self._sum / self.count
        covariance = (self._products - self.count * np.outer(mean, mean)) / (self.count - 1)
        return Statistics(self.count, self._origin + mean, covariance)


def statistics(features: ArrayLike) -> Statistics:
    """Return the statistics of features (n, d).

    Raises DataError for fewer than two pictures and for values that are not finite.
    """
    running = RunningStatistics()
    running.add(features)
    return running.statistics()


def frechet_distance(first: Statistics, second: Statistics, *, shrinkage: bool = False) -> float:
    """Return the squared Frechet distance |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)), at least 0.

    Dowson and Landau 1982; Heusel et al. 2017, eq. 6. The trace of (S1 S2)^(1/2) is computed as that of
    (S1^(1/2) S2 S1^(1/2))^(1/2), whose eigenvalues are real and not negative.
    shrinkage: use `oas_covariance` on both sides.
    Raises DataError for features of different dimensions and, without shrinkage, for n <= d pictures,
    whose covariance is singular.
    """
    if first.mean.shape != second.mean.shape:
        raise DataError(
            f"Features of {len(first.mean)} and {len(second.mean)} dimensions cannot be compared."
        )
    for side in (first, second):
        if side.count <= len(side.mean) and not shrinkage:
            raise DataError(
                f"{side.count:,} pictures are too few for features of {len(side.mean):,} dimensions. Use at "
                f"least {len(side.mean) + 1:,} pictures, better ten times as many, or features of fewer "
                "dimensions, or --shrinkage, which is comparable only with other results of --shrinkage."
            )
    one, other = (oas_covariance(side) if shrinkage else side.covariance for side in (first, second))
    values, vectors = np.linalg.eigh(one)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    overlap = np.sqrt(np.linalg.eigvalsh(root @ other @ root).clip(min=0)).sum()
    shift = first.mean - second.mean
    return max(0.0, float(shift @ shift + np.trace(one) + np.trace(other) - 2 * overlap))


def oas_covariance(of: Statistics) -> Floats:
    """Return the covariance, shrunk toward a multiple of the identity by an amount that falls with n.

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
    """Return the squared maximum mean discrepancy under the kernel (x.y / d + 1)^3, with its standard error.

    Binkowski et al. 2018, section 4: the mean of unbiased estimates (`mmd2`) over `subsets` random pairs of
    subsets, each of at most half of either side. The value can be negative.
    The standard error estimates the spread over other pictures from the same two sources: the subsets'
    spread, scaled to all pictures (delete-d jackknife, Shao and Wu 1989), plus the sampling error of few
    subsets. It is somewhat too large for similar sources. The commonly reported spread divided by the root
    of `subsets` vanishes as subsets are added, however few the pictures.
    Raises DataError for fewer than four pictures on a side and for values that are not finite.
    """
    one, other = finite(first), finite(second)
    fewer = min(len(one), len(other))
    size = min(subset_size, fewer // 2)
    if size < 2:
        raise DataError(f"A kernel distance needs at least 4 pictures on each side (got {fewer}).")
    random = np.random.Philox(key=np.array([seed, 0], np.uint64))
    values = []
    for _ in range(subsets):
        chosen = [np.argsort(random.random_raw(len(side)), kind="stable")[:size] for side in (one, other)]
        values.append(mmd2(one[chosen[0]], other[chosen[1]]))
    scale = np.sqrt(size / (fewer - size) + 1 / subsets)
    return Estimate(float(np.mean(values)), float(np.std(values, ddof=1) * scale))


def mmd2(first: Floats, second: Floats) -> float:
    """Return the unbiased estimate of the squared maximum mean discrepancy between n and n pictures.

    Gretton et al. 2012, eq. 3, with the cubic kernel of `kernel_distance`.
    """

    def kernel(x: Floats, y: Floats) -> Floats:
        product: Floats = (x @ y.T / x.shape[1] + 1) ** 3
        return product

    count = len(first)
    within = sum((k.sum() - np.trace(k)) for k in (kernel(first, first), kernel(second, second)))
    return float(within / (count * (count - 1)) - 2 * kernel(first, second).mean())


@dataclass(frozen=True)
class PRDC:
    """Precision, recall and coverage in [0, 1]; density, whose expectation is 1 for real pictures."""

    precision: float
    recall: float
    density: float
    coverage: float


def prdc(real: ArrayLike, fake: ArrayLike, *, k_precision: int = 3, k_density: int = 5) -> PRDC:
    """Return precision, recall, density and coverage of `fake` (n, d) with respect to `real` (m, d).

    Each picture's ball reaches to its k-th nearest neighbor on its own side; its surface is outside.
    precision, recall: fraction of fake in any real ball, and of real in any fake ball, k = `k_precision`
    (Kynkaanniemi et al. 2019, eq. 1 and 2).
    density, coverage: mean number of real balls around a fake, over k, and fraction of real balls that hold
    a fake, k = `k_density` (Naeem et al. 2020, eq. 3 and 4).
    Raises DataError for at most k pictures on a side and for values that are not finite.
    """
    photographs, faces = finite(real), finite(fake)
    k = max(k_precision, k_density)
    if min(len(photographs), len(faces)) <= k:
        raise DataError(
            f"Precision, recall, density and coverage need more than {k} pictures on each side "
            f"(got {len(photographs)} and {len(faces)})."
        )
    center = photographs.mean(axis=0)  # smaller norms, smaller rounding errors
    photographs, faces = photographs - center, faces - center
    tolerance = ROUNDING * max(float((side**2).sum(axis=1).max()) for side in (photographs, faces))
    real_radii = _radii(photographs, (k_precision, k_density)) - tolerance
    fake_radii = _radii(faces, (k_precision,))[:, 0] - tolerance
    inside = np.zeros(len(faces), bool)
    balls = 0
    recalled, covered = [], []
    for start, distances in _distances(photographs, faces):
        narrow, wide = real_radii[start : start + len(distances)].T
        inside |= (distances < narrow[:, None]).any(axis=0)
        recalled.append((distances < fake_radii).any(axis=1))
        balls += int((distances < wide[:, None]).sum())
        covered.append(distances.min(axis=1) < wide)
    return PRDC(
        precision=float(inside.mean()),
        recall=float(np.concatenate(recalled).mean()),
        density=balls / (k_density * len(faces)),
        coverage=float(np.concatenate(covered).mean()),
    )


def diversity(probabilities: ArrayLike) -> float:
    """Return the effective number of values per attribute: 1 for equal faces, 2 for balanced attributes.

    The exponential of the mutual information between face and attribute, H(mean p) - mean H(p), averaged
    over the columns of `probabilities` (n, k) in [0, 1]: an Inception Score (Salimans et al. 2016, section
    4) of k independent binary labels, per label. Only values of the same network are comparable.
    """
    p = finite(probabilities)
    information = _entropy(p.mean(axis=0)) - _entropy(p).mean(axis=0)
    return float(np.exp(information.mean()))


def _radii(points: Floats, ranks: tuple[int, ...]) -> Floats:
    """Squared distance of each point to its k-th nearest other point, (n, len(ranks)), for k in `ranks`."""
    radii = []
    for start, distances in _distances(points, points):
        rows = np.arange(len(distances))
        distances[rows, start + rows] = -np.inf  # the point itself takes rank 0
        radii.append(np.partition(distances, ranks, axis=1)[:, list(ranks)])
    return np.concatenate(radii)


def _distances(first: Floats, second: Floats) -> Iterator[tuple[int, Floats]]:
    """Yield blocks of the squared distance matrix: position of the first row, and (rows, len(second))."""
    squares = (second**2).sum(axis=1)
    for start in range(0, len(first), DISTANCE_BLOCK_ROWS):
        block = first[start : start + DISTANCE_BLOCK_ROWS]
        yield start, (block**2).sum(axis=1)[:, None] + squares - 2 * (block @ second.T)


def _entropy(p: Floats) -> Floats:
    """Entropy of Bernoulli variables with these probabilities, in nats."""
    inside = p.clip(1e-12, 1 - 1e-12)
    result: Floats = -(inside * np.log(inside) + (1 - inside) * np.log(1 - inside))
    return result


def finite(features: ArrayLike, before: int = 0) -> Floats:
    """Convert to float64 (n, d). Raises DataError that names the first row with a non-finite value."""
    values = np.asarray(features, np.float64)
    if values.ndim != 2:
        raise DataError(f"Features must have shape (pictures, dimensions) (got {values.shape}).")
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        raise DataError(
            f"The features of picture {before + bad[0]} are not finite: it or the network is damaged."
        )
    return values
