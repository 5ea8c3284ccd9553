"""The dry run reports and measures, and trains nothing."""

from __future__ import annotations

from pathlib import Path

from strangers.data.prepared import PreparedSet
from strangers.recipes.recipe import Recipe
from strangers.training.dry_run import dry_run


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
