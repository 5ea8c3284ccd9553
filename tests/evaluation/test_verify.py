"""Verification: a result is inside its own intervals, and another model is noticed."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from strangers.errors import DataError, UsageError
from strangers.evaluation.evaluate import Settings, evaluate
from strangers.evaluation.result import Result, Value
from strangers.evaluation.verify import Check, read_entry, verify

from ..support import write_model

RECORD = Path(__file__).parents[2] / "benchmarks" / "results" / "celeba-64.json"

SETTINGS = Settings(metrics=("fd-face", "kd-face", "recall-face"), count=60, shrinkage=True)


@pytest.fixture
def drawn(trained: Path) -> Path:
    """The set that `trained` was trained on."""
    return trained.with_name("drawn")


@pytest.fixture
def entry(trained: Path, drawn: Path) -> Result:
    return evaluate(trained, drawn, settings=SETTINGS, progress=False).result


def test_a_result_is_inside_its_own_intervals(entry: Result) -> None:
    checks = verify(entry, progress=False)
    assert [check.metric for check in checks] == list(SETTINGS.metrics)
    assert all(check.recorded == check.found and check.is_inside for check in checks)


def test_kernel_distances_may_be_repeated_with_fewer_faces(entry: Result) -> None:
    [check] = verify(entry, metrics=("kd-face",), count=40, progress=False)
    assert check.recorded != check.found
    assert check.is_inside
    with pytest.raises(UsageError, match="fd-face, recall-face depend on the number of faces"):
        verify(entry, count=40, progress=False)


def test_other_sides_are_refused_by_their_hash(entry: Result, tmp_path: Path) -> None:
    other = write_model(tmp_path / "other.safetensors", crop="square", filter="drawn")
    with pytest.raises(UsageError, match="is not what the entry measured"):
        verify(entry, generated=str(other), progress=False)
    with pytest.raises(UsageError, match="no fid; it has fd-face, kd-face, recall-face"):
        verify(entry, metrics=("fid",), progress=False)


def test_a_value_is_inside_within_the_interval_of_the_difference() -> None:
    recorded = Value(value=5.0, error=0.3)
    assert Check("fd-face", recorded, Value(value=5.8, error=0.3)).is_inside
    assert not Check("fd-face", recorded, Value(value=6.0, error=0.3)).is_inside
    assert "OUTSIDE" in str(Check("fd-face", recorded, Value(value=6.0, error=0.3)))
    assert Check("recall-face", Value(value=0.5), Value(value=0.504)).is_inside
    assert not Check("recall-face", Value(value=0.5), Value(value=0.52)).is_inside


@pytest.mark.parametrize(
    ("place", "number", "says"),
    [
        ("values.fd-face.value", math.nan, "values.fd-face.value must be finite"),
        ("values.fd-face.error", math.inf, "values.fd-face.error must be finite"),
        ("values.fd-face.error", -1.0, "values.fd-face.error must be at least 0"),
        ("seconds", math.inf, "seconds must be finite"),
        ("generated", 10**30, "generated must be at most 1e+09"),
        ("reference", 10**30, "reference must be at most 1e+15"),
    ],
    ids=str,
)
def test_a_number_that_no_measurement_has_is_an_error_that_names_its_place(
    place: str, number: float, says: str, tmp_path: Path
) -> None:
    fields = json.loads(RECORD.read_bytes())
    *outer, name = place.split(".")
    within = fields
    for part in outer:
        within = within[part]
    within[name] = number
    (tmp_path / "r.json").write_text(json.dumps(fields))
    with pytest.raises(DataError, match=re.escape(says)):
        read_entry(tmp_path / "r.json")


def test_records_of_the_repository_are_results() -> None:
    assert read_entry(RECORD).values["fd-face"].error
    with pytest.raises(DataError, match="is no result of `strangers evaluate`"):
        read_entry(Path(__file__))
