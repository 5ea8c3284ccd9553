"""Values: what was asked for, from enough pictures, with an error or a reason."""

from __future__ import annotations

import numpy as np
import pytest

from strangers.errors import DataError
from strangers.evaluation.features import FeatureSet
from strangers.evaluation.frechet import statistics
from strangers.evaluation.inception import DIMENSIONS
from strangers.evaluation.metric_table import METRICS
from strangers.evaluation.values import FORMULAS, check_counts, compute_values

from .test_metrics import FAKE, REAL

LENGTHS = {**DIMENSIONS, "face": 256, "attributes": 40, "dinov2": 1024, "clip": 768}


def feature_set(features: np.ndarray) -> FeatureSet:
    return FeatureSet(statistics(features), features.astype(np.float32))


ON_REAL = {name: feature_set(REAL) for name in LENGTHS}
ON_FAKE = {name: feature_set(FAKE) for name in LENGTHS} | {"attributes": feature_set(np.abs(np.sin(FAKE)))}


def test_every_metric_has_an_error_or_a_reason() -> None:
    names = [name for name, metric in METRICS.items() if metric.formula in FORMULAS]
    found = compute_values(names, ON_REAL, ON_FAKE, shrinkage=False)
    assert list(found) == names == [name for name in METRICS if name != "memorization"]
    for name, value in found.items():
        assert np.isfinite(value.value), name
        assert (value.error is None) == bool(value.reason), name


def test_only_requested_metrics_are_computed() -> None:
    found = compute_values(["recall768", "fid768"], ON_REAL, ON_FAKE, shrinkage=False)
    assert list(found) == ["recall768", "fid768"]


def test_an_error_needs_halves_larger_than_the_dimensions() -> None:
    few = {"face": feature_set(FAKE[:40])}
    found = compute_values(["fd-face"], ON_REAL, few, shrinkage=False)["fd-face"]
    assert found.error is None
    assert "50 are needed" in found.reason
    assert compute_values(["fd-face"], ON_REAL, few, shrinkage=True)["fd-face"].error is not None


@pytest.mark.parametrize(
    ("metric", "needed"),
    [
        ("fd-face", 257), ("fid", 2049), ("fid64", 65), ("fid768-infinity", 1538), ("kd-face", 4),
        ("mind", 4), ("cmmd", 4), ("fd-dinov2", 1025), ("precision-face", 6), ("is", 10), ("diversity", 2),
    ],
)  # fmt: skip
def test_each_side_needs_enough_pictures_for_each_metric(metric: str, needed: int) -> None:
    check_counts([metric], LENGTHS, {"faces": needed, "set": needed}, shrinkage=False)
    with pytest.raises(DataError, match=f"^set has {needed - 1:,} picture.* at least {needed:,} are needed"):
        check_counts([metric], LENGTHS, {"faces": needed, "set": needed - 1}, shrinkage=False)


def test_shrinkage_allows_few_pictures() -> None:
    check_counts(["fd-face", "fid"], LENGTHS, {"faces": 2}, shrinkage=True)
