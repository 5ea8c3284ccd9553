"""Nearest neighbors: exact, whatever the rounding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strangers.errors import DataError
from strangers.evaluation.neighbors import nearest

from .test_metrics import FAKE, REAL, features


def test_nearest_finds_copies_and_their_order() -> None:
    positions, distances = nearest(REAL[[7, 3]], REAL, count=4)
    assert positions[:, 0].tolist() == [7, 3]
    assert distances[:, 0].tolist() == [0, 0]
    assert (np.diff(distances, axis=1) >= 0).all()
    exact = np.linalg.norm(REAL - REAL[7], axis=1)
    np.testing.assert_allclose(distances[0], np.sort(exact)[:4], rtol=1e-12)


@settings(max_examples=20, deadline=None)
@given(nearness=st.sampled_from([1.0, 1e-3, 1e-6]), seed=st.integers(0, 99), count=st.integers(1, 9))
def test_nearest_is_exact_where_float32_is_not(nearness: float, seed: int, count: int) -> None:
    """Crowded far from the mean, and each of them twice: of equals the first."""
    crowd = 50 + nearness * features(seed, 40)
    bank = np.concatenate([crowd, crowd, -100 * features(seed + 1, 30)])
    queries = crowd[:10] + nearness * features(seed + 2, 10)
    exact = np.stack([np.linalg.norm(bank - query, axis=1) for query in queries])
    positions, distances = nearest(queries, bank, count=count)
    expected = np.argsort(exact, axis=1, kind="stable")[:, :count]
    np.testing.assert_array_equal(positions, expected)
    np.testing.assert_array_equal(distances, np.take_along_axis(exact, expected, axis=1))


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = nearest(FAKE, REAL, count=3)
    monkeypatch.setattr("strangers.evaluation.neighbors.QUERY_BLOCK_ROWS", 7)
    for part, other in zip(nearest(FAKE, REAL, count=3), whole, strict=True):
        np.testing.assert_array_equal(part, other)


def test_wrong_banks_are_refused() -> None:
    with pytest.raises(DataError, match="6 nearest of 5 pictures do not exist"):
        nearest(REAL, REAL[:5], count=6)
    broken = REAL.copy()
    broken[11, 3] = np.nan
    with pytest.raises(DataError, match="picture 11 are not finite"):
        nearest(FAKE, broken)
