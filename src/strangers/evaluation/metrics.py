"""Metrics: pure functions from features to numbers, in float64.

features -> kernel_distance      unbiased kernel distance, suited to few pictures
features -> cmmd                 kernel distance with a Gaussian kernel
features -> mind                 sliced Wasserstein distance
features -> prdc                 precision, recall, density, coverage
probabilities -> diversity       effective number of values per attribute
logits -> inception_score        effective number of ImageNet classes

Features are (n, d). No result but `inception_score` depends on the order of the pictures, and none on their
batches. Frechet distances are in `frechet`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from strangers.data.prepared import positions
from strangers.errors import DataError
from strangers.evaluation.frechet import Floats, finite
from strangers.sampling.latents import latents

JACKKNIFE_HALVES = 10
"""Random halves that give a standard error."""

CMMD_SIGMA = 10
CMMD_SCALE = 1000
"""Width of the Gaussian kernel of `cmmd`, and the factor of its values, as published."""

ERROR_PROJECTIONS = 200
"""Directions that the standard error of `mind` is computed along."""

DISTANCE_BLOCK_ROWS = 1024
"""Rows of a distance matrix in memory at once."""

ROUNDING = 1e-12
"""Relative tolerance of squared distances, as a fraction of the largest squared norm. It exceeds the float64
rounding error at 2048 dimensions, so points on the surface of a ball are decided the same way everywhere."""


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


def cmmd(first: ArrayLike, second: ArrayLike) -> Estimate:
    """Return the CLIP Maximum Mean Discrepancy of features (n, d) and (m, d), with its standard error.

    Jayasumana et al. 2024, section 4: CMMD_SCALE times the squared maximum mean discrepancy under the kernel
    exp(-|x - y|^2 / (2 sigma^2)), sigma = CMMD_SIGMA, for features of length 1. As in their code the estimate
    is the biased one (Gretton et al. 2012, eq. 5), which n and m of thousands hardly show.
    The standard error is the spread over random halves of both sides (delete-half jackknife, Shao and Wu
    1989). Raises DataError for fewer than four pictures a side.
    """
    sides = [finite(first), finite(second)]
    if min(map(len, sides)) < 4:
        raise DataError(f"CMMD needs at least 4 pictures on each side (got {min(map(len, sides))}).")
    weights = []
    for number, side in enumerate(sides):
        columns = np.zeros((len(side), 1 + JACKKNIFE_HALVES))
        columns[:, 0] = 1 / len(side)
        for draw in range(JACKKNIFE_HALVES):
            half = positions(len(side), len(side) // 2, 2 * draw + number, 0)
            columns[half, 1 + draw] = 1 / len(half)
        weights.append(columns)

    def mean(one: int, other: int) -> Floats:
        """Mean of the kernel between two sides, of all pictures and of each pair of halves."""
        total = np.zeros(1 + JACKKNIFE_HALVES)
        for start, distances in _distances(sides[one], sides[other]):
            kernel = np.exp(distances / (-2 * CMMD_SIGMA**2))
            rows = weights[one][start : start + len(kernel)]
            total += ((kernel @ weights[other]) * rows).sum(axis=0)
        return total

    values = CMMD_SCALE * (mean(0, 0) + mean(1, 1) - 2 * mean(0, 1))
    return Estimate(float(values[0]), float(np.std(values[1:], ddof=1)))


def mind(first: ArrayLike, second: ArrayLike, *, projections: int = 1000) -> Estimate:
    """Return the Monge Inception Distance of features (n, d) and (m, d), with its standard error.

    Berthet et al. 2026 (arXiv:2605.06797): 3 d times the squared sliced Wasserstein distance, the mean over
    random directions of the mean squared difference of the sorted projections. Directions are the normalized
    latents of the seeds from 0. The larger side is reduced to the smaller's number, drawn with seed 0. It
    falls as n grows: compare results of equal n only.
    The standard error is the spread over random halves of both sides (delete-half jackknife, Shao and Wu
    1989), along the first ERROR_PROJECTIONS directions. Raises DataError for fewer than four pictures a side.
    """
    sides = [finite(first), finite(second)]
    count = min(map(len, sides))
    if count < 4:
        raise DataError(f"MIND needs at least 4 pictures on each side (got {count}).")
    dimensions = sides[0].shape[1]
    directions = latents(range(projections), dimensions, "normal").astype(np.float64)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    one, other = (directions @ side[positions(len(side), count, 0, 0)].T for side in sides)

    def distance(left: Floats, right: Floats) -> float:
        return float(3 * dimensions * ((np.sort(left) - np.sort(right)) ** 2).mean())

    halves = []
    for draw in range(JACKKNIFE_HALVES):
        which = [positions(count, count // 2, 2 * draw + side, 0) for side in (0, 1)]
        halves.append(distance(one[:ERROR_PROJECTIONS, which[0]], other[:ERROR_PROJECTIONS, which[1]]))
    return Estimate(distance(one, other), float(np.std(halves, ddof=1)))


@dataclass(frozen=True)
class PRDC:
    """Precision, recall and coverage in [0, 1]; density, whose expectation is 1 for real pictures.

    precision_error, density_error: standard errors over the faces, given the photographs.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    precision_error: float
    density_error: float


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
    balls = np.zeros(len(faces))
    recalled, covered = [], []
    for start, distances in _distances(photographs, faces):
        narrow, wide = real_radii[start : start + len(distances)].T
        inside |= (distances < narrow[:, None]).any(axis=0)
        recalled.append((distances < fake_radii).any(axis=1))
        balls += (distances < wide[:, None]).sum(axis=0)
        covered.append(distances.min(axis=1) < wide)
    return PRDC(
        precision=float(inside.mean()),
        recall=float(np.concatenate(recalled).mean()),
        density=float(balls.sum() / (k_density * len(faces))),
        coverage=float(np.concatenate(covered).mean()),
        precision_error=float(inside.std() / np.sqrt(len(faces))),
        density_error=float(balls.std() / (k_density * np.sqrt(len(faces)))),
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


def inception_score(logits: ArrayLike, *, splits: int = 10) -> Estimate:
    """Return the Inception Score of logits (n, classes), with its standard error over consecutive splits.

    Salimans et al. 2016, section 4: the exponential of the mean KL divergence of p(class | face) from
    p(class). Raises DataError for fewer pictures than splits.
    """
    values = finite(logits)
    if len(values) < splits:
        raise DataError(f"An Inception Score needs at least {splits} pictures (got {len(values)}).")
    values = values - values.max(axis=1, keepdims=True)
    log_p = values - np.log(np.exp(values).sum(axis=1, keepdims=True))
    scores = []
    for part in np.array_split(log_p, splits):
        marginal = np.log(np.exp(part).mean(axis=0))
        scores.append(np.exp((np.exp(part) * (part - marginal)).sum(axis=1).mean()))
    return Estimate(float(np.mean(scores)), float(np.std(scores, ddof=1) / np.sqrt(splits)))


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
