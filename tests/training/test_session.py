"""A training that cannot be saved: a warning is logged, training continues, and nothing else is lost."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save_file

from strangers.data.prepared import PreparedSet
from strangers.errors import RunError, StrangersError
from strangers.recipes.recipe import Recipe
from strangers.sampling.load import load
from strangers.training import checkpoint, loop
from strangers.training.log import read_log
from strangers.training.loop import train
from strangers.training.session import TrainingSession
from strangers.training.step import StepReport

SETTINGS: dict[str, Any] = {"images": 2048, "every": 1024, "precision": "fp32", "progress": False}


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_failed_checkpoint_is_logged_and_the_next_one_is_written(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter([full])
    monkeypatch.setattr(checkpoint, "save_file", lambda *given: next(calls, save_file)(*given))
    run = train(drawn_set.path, small_recipe, tmp_path / "run", keep=9, **SETTINGS)
    [warning] = read_log(run.path, "warning")
    assert (warning["kind"], warning["images_seen"]) == ("not written", 1024)
    assert (
        "No space left on device. Training continues, and the next snapshot tries again" in warning["warning"]
    )
    assert [path.name for path in (run.path / "checkpoints").iterdir()] == ["000002048"]


def test_a_failed_last_checkpoint_ends_the_training_with_an_error(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(drawn_set.path, small_recipe, tmp_path / "run", **SETTINGS | {"images": 1024})
    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(RunError, match=r"2,048 images, could not be written: No space left on device\. Make"):
        train(drawn_set.path, small_recipe, tmp_path / "run", **SETTINGS)
    assert load(tmp_path / "run").header.images_seen == 1024


def test_a_removed_run_folder_is_not_recreated(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_step = loop.next_step

    def step(session: TrainingSession) -> StepReport:
        if session.state.images_seen == 512:
            shutil.rmtree(tmp_path / "run")
        return next_step(session)

    monkeypatch.setattr(loop, "next_step", step)
    with pytest.raises(RunError, match="run disappeared during training"):
        train(drawn_set.path, small_recipe, tmp_path / "run", **SETTINGS)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "words",
    [
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.",
        "could not create a primitive",
    ],
)
def test_an_out_of_memory_error_advises_a_smaller_batch(
    words: str, drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(session: TrainingSession) -> StepReport:
        raise RuntimeError(words)

    monkeypatch.setattr(loop, "next_step", step)
    with pytest.raises(StrangersError, match=r"steps of 64 pictures of 32 px: .*--set batch=N below 64"):
        train(drawn_set.path, small_recipe, tmp_path / "run", **SETTINGS)
