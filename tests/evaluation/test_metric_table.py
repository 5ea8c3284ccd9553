"""The table of metrics: one name each, groups, and help for names that are not in it."""

from __future__ import annotations

import pytest

from strangers.errors import UsageError
from strangers.evaluation.metric_table import FEATURES, GROUPS, METRICS, higher_is_better, select_metrics


def test_a_name_says_its_features() -> None:
    suffixes = {"768": "inception768", "192": "inception192", "64": "inception64", "-face": "face"}
    for name, metric in METRICS.items():
        assert metric.features in FEATURES
        found = [features for suffix, features in suffixes.items() if suffix in name]
        assert [metric.features] == (found or [metric.features]), name
        assert metric.meaning.endswith(".")


def test_groups_stand_for_metrics_each_once() -> None:
    assert select_metrics(["quick"]) == GROUPS["quick"]
    assert set(GROUPS["quick"]) < set(GROUPS["standard"]) < set(GROUPS["all"]) == set(METRICS)
    assert select_metrics(["fd", "kd"]) == ("fd-face", "kd-face")
    assert select_metrics(["fid768", "quick", "fd-face"]) == ("fid768", *GROUPS["quick"])


@pytest.mark.parametrize(
    ("wrong", "meant"), [("fid2048", "fid"), ("presicion", "precision"), ("quik", "quick"), ("fdi", "fid")]
)
def test_an_unknown_name_is_answered_with_the_nearest(wrong: str, meant: str) -> None:
    with pytest.raises(UsageError, match=rf"Unknown metric '{wrong}'\. Did you mean .*{meant}"):
        select_metrics([wrong])


def test_no_metric_is_a_wrong_call() -> None:
    with pytest.raises(
        UsageError, match=r"at least one metric\. The groups are quick, standard, all, fd, kd;"
    ):
        select_metrics([])


def test_larger_values_are_better_for_shares_only() -> None:
    assert higher_is_better("recall-face")
    assert not higher_is_better("fid768")
