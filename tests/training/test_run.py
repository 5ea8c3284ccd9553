"""A run's folder belongs to one training at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from strangers.data.prepared import PreparedSet
from strangers.errors import RunError
from strangers.recipes.recipe import Recipe
from strangers.training.loop import train
from strangers.training.run import lock_run, open_run

posix = pytest.mark.skipif(os.name != "posix", reason="locks as POSIX does")


@posix
def test_a_second_training_is_refused_before_anything_is_changed(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path
) -> None:
    with lock_run(tmp_path / "run"):
        with pytest.raises(RunError, match=r"Another training is running in .*run; wait until it ends"):
            train(drawn_set.path, small_recipe, tmp_path / "run", images=128, progress=False)
        assert [path.name for path in (tmp_path / "run").iterdir()] == ["lock"]
    train(drawn_set.path, small_recipe, tmp_path / "run", images=128, progress=False)


def test_a_run_that_another_training_begins_meanwhile_is_not_taken_for_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    iterdir = Path.iterdir

    def just_written(folder: Path) -> Iterator[Path]:
        (folder / "run.json").write_text("{}")
        return iterdir(folder)

    with lock_run(tmp_path):
        monkeypatch.setattr(Path, "iterdir", just_written)
        with pytest.raises(RunError, match="Another training is running"):
            lock_run(tmp_path)


def test_another_folder_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()
    with pytest.raises(RunError, match="is not a run"):
        lock_run(tmp_path)
    with pytest.raises(RunError, match="is not a run"):
        lock_run(tmp_path / "letter.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_run_that_was_killed_in_its_first_moment_can_begin_again(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path
) -> None:
    (tmp_path / "lock").touch()
    (tmp_path / ".partial-run.json-4194305-0123abcd").write_bytes(b"{")
    with lock_run(tmp_path):
        open_run(tmp_path, small_recipe, drawn_set, 0, "fp32")
    assert {path.name for path in tmp_path.iterdir()} == {"lock", "run.json", "recipe.json", "checkpoints"}
