"""Comparisons: the same photographs for all, differences with intervals, runs pooled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from strangers.data.prepare import prepare
from strangers.data.synthetic.faces import draw
from strangers.errors import UsageError
from strangers.evaluation.compare import Comparison, compare, label_of
from strangers.evaluation.evaluate import Settings, evaluate
from strangers.sampling.model import Model

from ..support import write_model

SETTINGS = Settings(metrics=("fd-face", "kd-face", "recall-face"), count=120, shrinkage=True)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set, drawn faces of the same kind twice, and faces of another kind."""
    place = tmp_path_factory.mktemp("compared")
    prepare("synthetic:120", place / "set", size=32, workers=1, progress=False)
    for number, start in enumerate((1_000, 2_000, 3_000)):
        np.save(place / f"good-{number}.npy", draw(range(start, start + 120), 32)[0])
    np.save(place / "bad.npy", 255 - np.load(place / "good-0.npy"))
    return place


@pytest.fixture(scope="module")
def compared(place: Path) -> Comparison:
    groups = [[place / f"{name}.npy"] for name in ("good-0", "good-1", "bad")]
    return compare(groups, place / "set", settings=SETTINGS, progress=False)


def test_rows_have_the_values_of_each_alone(compared: Comparison, place: Path) -> None:
    alone = evaluate(place / "bad.npy", place / "set", settings=SETTINGS, progress=False).result
    assert [row.label for row in compared.rows] == ["good-0.npy", "good-1.npy", "bad.npy"]
    assert compared.rows[2].values == alone.values


def test_the_better_is_named_where_the_difference_is_significant(compared: Comparison) -> None:
    found = {(one.metric, one.second): str(one) for one in compared.differences}
    assert len(found) == 6
    assert found["fd-face", "bad.npy"].startswith("fd-face: good-0.npy is better than bad.npy, by ")
    assert found["recall-face", "bad.npy"].startswith("recall-face: good-0.npy is better than bad.npy")
    same = found["recall-face", "good-1.npy"]
    assert same.startswith("recall-face: no significant difference between good-0.npy and good-1.npy")
    assert {one.over for one in compared.differences} == {"pictures"}


def test_runs_of_one_training_are_pooled(place: Path) -> None:
    groups = [[place / f"good-{number}.npy" for number in range(3)], [place / "bad.npy"]]
    found = compare(groups, place / "set", settings=SETTINGS, progress=False)
    row = found.rows[0]
    of_runs = [result.values["fd-face"].value for result in row.results]
    assert row.label == "good"
    assert row.values["fd-face"].value == pytest.approx(np.mean(of_runs))
    assert row.spread["fd-face"] == pytest.approx(np.std(of_runs, ddof=1))


def test_everything_is_checked_before_anything_is_drawn(
    trained: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Model, "batches", None)
    monkeypatch.setattr("strangers.evaluation.compare.reference_side", None)
    other = write_model(tmp_path / "other.safetensors")  # of crop c178
    with pytest.raises(UsageError, match="crop c178"):
        compare([[trained], [other]], place / "set", settings=SETTINGS, progress=False)
    with pytest.raises(UsageError, match="different names"):
        compare([[trained], [trained]], place / "set", settings=SETTINGS, progress=False)


def test_a_row_is_named_for_what_its_runs_share() -> None:
    assert label_of(["runs/fast-64-seed-0", "runs/fast-64-seed-1"]) == "fast-64-seed"
    assert label_of(["celeba-64"]) == "celeba-64"
    assert label_of(["a", "b"]) == "a"
