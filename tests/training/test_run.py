"""A run's folder belongs to one training at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strangers.data.prepared import PreparedSet
from strangers.errors import RunError
from strangers.recipes.recipe import Recipe
from strangers.training.json_files import write_json
from strangers.training.loop import train
from strangers.training.options import TrainingOptions
from strangers.training.plan import make_plan
from strangers.training.run import lock_run, number_run, open_run, read_run
from strangers.training.threads import ThreadSchedule

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


def test_runs_are_numbered_by_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runs = [number_run(recipe) for recipe in ("fast-64", "fast-64", "dcgan-32", "a/b")]
    assert [path.name for path in runs] == ["fast-64-0001", "fast-64-0002", "dcgan-32-0001", "a-b-0001"]
    (tmp_path / "runs" / "fast-64-0041").mkdir()
    (tmp_path / "runs" / "fast-64-x").mkdir()
    assert number_run("fast-64") == Path("runs/fast-64-0042")
    assert all(path.is_dir() for path in runs)


def test_a_training_without_a_folder_gets_a_number(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = train(drawn_set.path, small_recipe, images=128, progress=False)
    assert run.path == Path(f"runs/{small_recipe.name}-0001")
    assert (run.path / "latest").exists()


def test_a_run_that_another_training_begins_meanwhile_is_not_taken_for_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    iterdir = Path.iterdir

    def just_written(folder: Path) -> Iterator[Path]:
        write_json(folder / "run.json", {})
        return iterdir(folder)

    with lock_run(tmp_path):
        monkeypatch.setattr(Path, "iterdir", just_written)
        with pytest.raises(RunError, match="Another training is running"):
            lock_run(tmp_path)


def test_a_run_that_begins_is_a_run_from_its_first_entry_on(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan(
        drawn_set.path, TrainingOptions(small_recipe, tmp_path, precision="fp32", progress=False)
    )
    mkdir = Path.mkdir

    def checked(folder: Path, *arguments: Any, **named: Any) -> None:
        mkdir(folder, *arguments, **named)
        assert read_run(tmp_path) is not None

    with lock_run(tmp_path):
        monkeypatch.setattr(Path, "mkdir", checked)
        open_run(tmp_path, plan, ThreadSchedule(((0, 1),)))


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
    plan = make_plan(
        drawn_set.path, TrainingOptions(small_recipe, tmp_path, precision="fp32", progress=False)
    )
    with lock_run(tmp_path):
        open_run(tmp_path, plan, ThreadSchedule(((0, 1),)))
    assert {path.name for path in tmp_path.iterdir()} == {"lock", "run.json", "recipe.json", "checkpoints"}


@pytest.mark.parametrize("name", ["run.json", "recipe.json"])
@pytest.mark.parametrize("damage", ["digit", "truncate", "remove"])
def test_damaged_descriptions_are_restored_from_the_newest_checkpoint(
    name: str, damage: str, drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    settings: dict[str, Any] = {"precision": "fp32", "progress": False}
    train(drawn_set.path, small_recipe, run, images=64, **settings)
    text = (run / name).read_text()
    harm(run / name, damage)
    with pytest.raises(RunError, match="is a run with seed = 0, not 1"):
        train(drawn_set.path, small_recipe, run, images=64, seed=1, **settings)
    train(drawn_set.path, small_recipe, run, images=64, **settings)
    assert (run / name).read_text() == text
    if damage != "remove":
        assert f"{name} was damaged" in (run / "console.log").read_text()


def harm(path: Path, damage: str) -> None:
    """Change a digit of a JSON file, cut it in half, or remove it."""
    if damage == "remove":
        path.unlink()
    else:
        text = path.read_text()
        path.write_text(text.replace("0", "1", 1) if damage == "digit" else text[: len(text) // 2])


def test_a_damaged_recipe_does_not_hide_another_one(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path
) -> None:
    train(drawn_set.path, small_recipe, tmp_path / "run", images=64, progress=False)
    harm(tmp_path / "run/recipe.json", "truncate")
    with pytest.raises(RunError, match="is a run with flip = True, not False"):
        train(drawn_set.path, small_recipe, tmp_path / "run", overrides={"flip": "false"}, progress=False)


def test_a_damaged_run_without_a_copy_names_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(RunError, match=r"no checkpoint has a copy of it\. Restore it from a backup, or"):
        read_run(tmp_path)
