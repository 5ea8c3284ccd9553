"""Frechet distances: published reference values, and properties that no library has to vouch for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strangers.errors import DataError
from strangers.evaluation.frechet import (
    RunningStatistics,
    frechet_distance,
    frechet_distances,
    frechet_infinity,
    oas_covariance,
    statistics,
)

from .test_metrics import FAKE, REAL, REFERENCE, features


def test_frechet_distance_is_scipys() -> None:
    assert frechet_distance(statistics(REAL), statistics(FAKE)) == pytest.approx(REFERENCE["frechet"], 1e-9)


def test_frechet_distance_of_known_normals() -> None:
    """N(0, 1) and N(3, 4) in each of two directions: 2 * (3^2 + (2 - 1)^2)."""
    square = np.array([[1.0, 1], [1, -1], [-1, 1], [-1, -1]] * 500)
    one = square * np.sqrt((len(square) - 1) / len(square))  # unbiased variance exactly 1
    assert frechet_distance(statistics(one), statistics(3 + 2 * one)) == pytest.approx(20, 1e-12)


def test_frechet_distance_survives_singular_covariances() -> None:
    flat = REAL.copy()
    flat[:, 5:9] = flat[:, :4]
    assert frechet_distance(statistics(flat), statistics(flat)) == pytest.approx(0, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(parts=st.lists(st.integers(1, 120), min_size=1, max_size=6), offset=st.sampled_from([0.0, 1e4]))
def test_running_statistics_do_not_depend_on_batches(parts: list[int], offset: float) -> None:
    running = RunningStatistics()
    for batch in np.split(REAL + offset, np.cumsum(parts)[np.cumsum(parts) < len(REAL)]):
        running.add(batch)
    found = running.statistics()
    assert found.count == len(REAL)
    np.testing.assert_allclose(found.mean, (REAL + offset).mean(axis=0), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found.covariance, np.cov(REAL + offset, rowvar=False), rtol=1e-10, atol=1e-12)


def test_too_few_pictures_need_shrinkage() -> None:
    few = statistics(REAL[:20])
    with pytest.raises(DataError, match=r"20 pictures are too few .* at least 25.*--shrinkage"):
        frechet_distance(few, statistics(FAKE))
    assert frechet_distance(few, statistics(FAKE), shrinkage=True) > 0
    assert np.linalg.eigvalsh(oas_covariance(few)).min() > 0
    assert np.trace(oas_covariance(few)) == pytest.approx(np.trace(few.covariance))


def test_shrinkage_fades_as_pictures_grow() -> None:
    def change(count: int) -> float:
        found = statistics(REAL[:count])
        return float(np.abs(oas_covariance(found) - found.covariance).max())

    assert change(400) < change(100) < change(30)


def test_several_distances_are_those_of_each() -> None:
    others = [statistics(FAKE), statistics(features(3, 100))]
    found = frechet_distances(statistics(REAL), others)
    assert found == [frechet_distance(statistics(REAL), other) for other in others]


def test_infinity_removes_the_bias_of_few_faces() -> None:
    """A distance to the same source falls as 1 / n; its extrapolation is nearer to that of many faces."""
    real, many = statistics(features(1, 4_000)), features(2, 4_000)
    whole = frechet_distance(real, statistics(many))
    few = [many[start : start + 200] for start in range(0, 4_000, 200)]
    plain = np.mean([frechet_distance(real, statistics(part)) for part in few])
    found = np.mean([frechet_infinity(real, part) for part in few])
    assert abs(found - whole) < 0.3 * (plain - whole)


def test_a_set_has_distance_zero_to_itself_in_any_order() -> None:
    assert frechet_distance(statistics(REAL), statistics(REAL[::-1])) == pytest.approx(0, abs=1e-9)


def test_distances_grow_as_sets_part() -> None:
    away = [frechet_distance(statistics(REAL), statistics(features(3, 400, shift=s))) for s in (0.1, 0.5, 2)]
    assert away == sorted(away)


def test_non_finite_values_are_reported_with_their_picture() -> None:
    broken = REAL.copy()
    broken[11, 3] = np.nan
    with pytest.raises(DataError, match="picture 11 are not finite"):
        statistics(broken)
    running = RunningStatistics()
    running.add(REAL)
    with pytest.raises(DataError, match="picture 411 are not finite"):
        running.add(broken)


def test_statistics_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(DataError, match="24 and 5 dimensions"):
        frechet_distance(statistics(REAL), statistics(REAL[:, :5]))
    with pytest.raises(DataError, match="at least 2"):
        statistics(REAL[:1])
    with pytest.raises(DataError, match="must have shape"):
        statistics(REAL[0])
