"""The decisions before the first step."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from strangers.data.prepared import PreparedSet
from strangers.errors import UsageError
from strangers.recipes.recipe import Recipe
from strangers.training import plan
from strangers.training.options import TrainingOptions
from strangers.training.plan import Plan, duration, make_plan


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (42, "42 seconds"),
        (100, "2 minutes"),
        (420, "7 minutes"),
        (12_600, "3.5 hours"),
        (181_440, "2.1 days"),
    ],
)
def test_durations_are_written_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def planned(data: Path | PreparedSet, recipe: Recipe, **options: Any) -> Plan:
    path = data.path if isinstance(data, PreparedSet) else data
    return make_plan(path, TrainingOptions(recipe, device="cpu", progress=False, **options))


def test_evaluations_compare_with_the_held_out_part(divided_set: PreparedSet, small_recipe: Recipe) -> None:
    made = planned(divided_set, small_recipe, evaluate_every=1000)
    assert len(made.data) == 240
    assert made.reference is not None
    assert made.reference.path == divided_set.path / "held-out"
    assert made.measured_on == "Evaluations compare with the 260 held-out pictures"


def test_a_held_out_part_that_is_too_small_gives_no_distances(
    divided_set: PreparedSet, drawn_set: PreparedSet, small_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert planned(divided_set, small_recipe).reference is None
    made = planned(drawn_set, small_recipe, evaluate_every=1000)
    assert made.reference is made.data
    assert made.measured_on == "Evaluations compare with the 500 pictures of the training"
    monkeypatch.setattr(plan, "MIN_FACES", 261)
    with pytest.raises(UsageError, match=r"at least 257 pictures \(got 240\)"):
        planned(divided_set, small_recipe, evaluate_every=1000)


def test_the_held_out_part_itself_is_not_trained_on(divided_set: PreparedSet, small_recipe: Recipe) -> None:
    with pytest.raises(UsageError, match=r"is the held-out part of .*train on that set"):
        planned(divided_set.path / "held-out", small_recipe)


def test_a_missing_held_out_part_matters_to_evaluations_only(
    divided_set: PreparedSet, small_recipe: Recipe, tmp_path: Path
) -> None:
    shutil.copytree(divided_set.path, tmp_path / "set", ignore=shutil.ignore_patterns("held-out"))
    assert planned(tmp_path / "set", small_recipe).reference is None
    with pytest.raises(UsageError, match="held-out"):
        planned(tmp_path / "set", small_recipe, evaluate_every=1000)
