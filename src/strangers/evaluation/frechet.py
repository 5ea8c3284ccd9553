"""Frechet distances between Gaussians that are fitted to features, in float64."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strangers.data.prepared import positions
from strangers.errors import DataError

Floats = NDArray[np.float64]

INFINITY_SIZES = 15
"""Numbers of faces, evenly spaced from half of them to all, that `frechet_infinity` extrapolates from."""


@dataclass(frozen=True)
class Statistics:
    """Mean (d,) and unbiased covariance (d, d) of `count` feature vectors; None if it is not stated."""

    count: int | None
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
    return frechet_distances(first, [second], shrinkage=shrinkage)[0]


def frechet_distances(
    first: Statistics, others: Sequence[Statistics], *, shrinkage: bool = False
) -> list[float]:
    """Return the `frechet_distance` of `first` to each of the others; its root is computed once."""
    for other in others:
        if first.mean.shape != other.mean.shape:
            raise DataError(
                f"Features of {len(first.mean)} and {len(other.mean)} dimensions cannot be compared."
            )
    for side in (first, *others):
        if side.count is not None and side.count <= len(side.mean) and not shrinkage:
            raise DataError(
                f"{side.count:,} pictures are too few for features of {len(side.mean):,} dimensions. Use at "
                f"least {len(side.mean) + 1:,} pictures, better ten times as many, or features of fewer "
                "dimensions, or --shrinkage, which is comparable only with other results of --shrinkage."
            )
    one, *covariances = (oas_covariance(side) if shrinkage else side.covariance for side in (first, *others))
    values, vectors = np.linalg.eigh(one)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    distances = []
    for other, covariance in zip(others, covariances, strict=True):
        overlap = np.sqrt(np.linalg.eigvalsh(root @ covariance @ root).clip(min=0)).sum()
        shift = first.mean - other.mean
        distance = float(shift @ shift + np.trace(one) + np.trace(covariance) - 2 * overlap)
        distances.append(max(0.0, distance))
    return distances


def frechet_infinity(real: Statistics, fake: ArrayLike, *, shrinkage: bool = False) -> float:
    """Return the Frechet distance to `fake` (n, d), extrapolated to infinitely many faces.

    Chong and Forsyth 2020, section 4: a line through the distances of INFINITY_SIZES random selections of
    faces over 1/n, at 1/n = 0. It removes the bias of the number of faces, not that of the photographs, and
    can be negative. Raises DataError as `frechet_distance` does, for half of the faces.
    """
    features = finite(fake)
    sizes = np.linspace(len(features) // 2, len(features), INFINITY_SIZES).astype(int)
    order = positions(len(features), len(features), 0, 0)
    parts = [statistics(features[order[:size]]) for size in sizes]
    distances = frechet_distances(real, parts, shrinkage=shrinkage)
    return float(np.polyfit(1 / sizes, distances, 1)[1])


def oas_covariance(of: Statistics) -> Floats:
    """Return the covariance, shrunk toward a multiple of the identity by an amount that falls with n.

    Oracle approximating shrinkage: Chen et al. 2010, eq. 23. Raises DataError for an unstated count.
    """
    if of.count is None:
        raise DataError("Statistics that do not state their number of pictures cannot be shrunk.")
    dimensions, trace = len(of.mean), float(np.trace(of.covariance))
    squares = float((of.covariance**2).sum())
    above = (1 - 2 / dimensions) * squares + trace**2
    below = (of.count + 1 - 2 / dimensions) * (squares - trace**2 / dimensions)
    weight = 1.0 if below <= 0 else min(1.0, above / below)
    identity = np.eye(dimensions) * (trace / dimensions)
    result: Floats = (1 - weight) * of.covariance + weight * identity
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
