"""Values: named for what they are, from enough pictures."""

from __future__ import annotations

import numpy as np
import pytest

from strangers.errors import DataError
from strangers.evaluation.attributes import load_attributes
from strangers.evaluation.features import FeatureSet
from strangers.evaluation.metrics import statistics
from strangers.evaluation.values import check_counts, compute_values, metric_name

from .test_metrics import FAKE, REAL


def feature_set(features: np.ndarray) -> FeatureSet:
    return FeatureSet(statistics(features), features.astype(np.float32))


def test_metrics_are_named_for_their_features() -> None:
    assert metric_name("fd", "face") == "fd-face"
    assert metric_name("fd", "inception768") == "fid768"
    assert metric_name("kd", "inception768") == "kid768"
    assert metric_name("fd", "inception2048") == "fid"
    assert metric_name("precision", "inception768") == "precision768"
    assert metric_name("recall", "inception2048") == "recall"


def test_only_requested_metrics_are_computed() -> None:
    real, fake = feature_set(REAL), feature_set(FAKE)
    found = compute_values("inception768", real, fake, ("fd", "pr"), shrinkage=False)
    assert set(found) == {"fid768", "precision768", "recall768", "density768", "coverage768"}
    assert found["fid768"].error is not None


def test_an_error_needs_halves_larger_than_the_dimensions() -> None:
    few = feature_set(FAKE[:40])
    found = compute_values("face", feature_set(REAL), few, ("fd",), shrinkage=False)
    assert found["fd-face"].error is None
    found = compute_values("face", feature_set(REAL), few, ("fd",), shrinkage=True)
    assert found["fd-face"].error is not None


@pytest.mark.parametrize(
    ("metric", "count", "needed"), [("fd", 256, 257), ("kd", 3, 4), ("pr", 5, 6), ("diversity", 1, 2)]
)
def test_each_side_needs_enough_pictures_for_each_metric(metric: str, count: int, needed: int) -> None:
    network = load_attributes()
    check_counts([metric], [network], {"faces": needed, "set": needed}, shrinkage=False)
    with pytest.raises(DataError, match=f"^set has {count} picture.* at least {needed} are needed"):
        check_counts([metric], [network], {"faces": needed, "set": count}, shrinkage=False)


def test_shrinkage_allows_few_pictures() -> None:
    check_counts(["fd"], [load_attributes()], {"faces": 2}, shrinkage=True)
