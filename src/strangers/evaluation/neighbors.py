"""Exact nearest neighbors among feature vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strangers.errors import DataError
from strangers.evaluation.frechet import Floats, finite

QUERY_BLOCK_ROWS = 1024
"""Queries compared at once; it bounds memory and changes no result."""


def nearest(queries: ArrayLike, bank: ArrayLike, *, count: int = 1) -> tuple[NDArray[np.int64], Floats]:
    """Return positions and distances (n, count) of the `count` nearest bank rows to each query.

    Nearest first; of equal distances the lower position first. Exact: candidates are selected in float32,
    with a margin for its rounding error, and compared in float64. Raises DataError for a bank of fewer than
    `count` rows and for values that are not finite.
    """
    asked, known = np.asarray(queries), np.asarray(bank)  # not converted: float64 copies cost more time
    for side in (asked, known):
        finite(side)
    if not 1 <= count <= len(known):
        raise DataError(f"The {count} nearest of {len(known)} pictures do not exist.")
    center = known.mean(axis=0, dtype=np.float32)
    rough_asked, rough_known = ((side - center).astype(np.float32, copy=False) for side in (asked, known))
    norms = (rough_known**2).sum(axis=1)
    lengths = np.linalg.norm(rough_asked.astype(np.float64), axis=1) + np.sqrt(norms.max())
    # Rounding error of both compared values (Higham 2002, section 3.1).
    tolerance = 2 * (known.shape[1] + 8) * 2.0**-24 * lengths**2
    positions, distances = np.zeros((len(asked), count), np.int64), np.zeros((len(asked), count))
    for start in range(0, len(asked), QUERY_BLOCK_ROWS):
        # Squared distances, up to the query's own norm.
        squared = norms - 2 * (rough_asked[start : start + QUERY_BLOCK_ROWS] @ rough_known.T)
        limits = np.partition(squared, count - 1, axis=1)[:, count - 1]
        for query, (row, limit) in enumerate(zip(squared, limits, strict=True), start):
            candidates = np.flatnonzero(row <= limit + tolerance[query])
            exact = np.linalg.norm(known[candidates].astype(np.float64) - asked[query], axis=1)
            order = np.argsort(exact, kind="stable")[:count]
            positions[query], distances[query] = candidates[order], exact[order]
    return positions, distances
