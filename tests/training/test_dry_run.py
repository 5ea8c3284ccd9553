"""The dry run reports and measures, and trains nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from strangers.data.prepared import PreparedSet
from strangers.errors import RunError
from strangers.recipes.recipe import Recipe
from strangers.training.dry_run import dry_run
from strangers.training.loop import train


def test_a_dry_run_reports_the_cost_and_trains_nothing(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path
) -> None:
    plan = dry_run(drawn_set.path, small_recipe, tmp_path / "run", images=1000, progress=False)
    for words in (
        "1,000, or 2.0 epochs, or 16 steps",
        "parameters",
        "GiB",
        "images/s, measured",
    ):
        assert words in str(plan)
    assert ["batch", str(small_recipe.batch)] in [line.split() for line in str(plan).splitlines()]
    assert not (tmp_path / "run").exists()


def test_of_a_run_it_reports_what_is_left_and_refuses_what_the_training_would(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    run = tmp_path / "run"
    train(drawn_set.path, small_recipe, run, images=128, device="cpu", threads=1, progress=False)
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    plan = dry_run(drawn_set.path, small_recipe, run, images=128, device="cpu", progress=False)
    assert plan.rows["run"] == f"{run}, which has seen 128 images"
    assert plan.rows["threads"] == "1. The run continues as recorded."
    assert plan.rows["time"] == "about 0 seconds"
    with pytest.raises(RunError, match="is a run with seed = 0, not 1"):
        dry_run(drawn_set.path, small_recipe, run, seed=1, device="cpu", progress=False)
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "notes.txt").touch()
    with pytest.raises(RunError, match="else"):
        dry_run(drawn_set.path, small_recipe, tmp_path / "else", device="cpu", progress=False)
    assert before == {path: path.stat().st_mtime_ns for path in run.rglob("*")}
