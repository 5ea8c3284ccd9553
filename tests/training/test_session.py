"""A training that cannot be saved: it is told, the training goes on, and nothing is lost that need not be."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strangers.data.prepared import PreparedSet
from strangers.errors import RunError, StrangersError
from strangers.recipes.recipe import Recipe
from strangers.sampling.load import load
from strangers.sampling.model_file import save_model
from strangers.training import checkpoint, loop
from strangers.training import snapshots as pictures
from strangers.training.log import RunLog, read_log
from strangers.training.loop import train
from strangers.training.session import TrainingSession
from strangers.training.step import StepReport

SETTINGS: dict[str, Any] = {"images": 2048, "every": 1024, "precision": "fp32", "progress": False}


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_checkpoint_that_fails_is_told_and_the_next_one_is_written(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter([full])
    monkeypatch.setattr(
        checkpoint, "save_model", lambda *given, **named: next(calls, save_model)(*given, **named)
    )
    run = train(drawn_set.path, small_recipe, tmp_path / "run", keep=9, **SETTINGS)
    [warning] = read_log(run.path, "warning")
    assert (warning["kind"], warning["images"]) == ("not written", 1024)
    assert "No space left on device. The training goes on, and tries again" in warning["warning"]
    assert [path.name for path in (run.path / "checkpoints").iterdir()] == ["000002048"]


def test_the_last_checkpoint_that_fails_ends_the_training_with_a_sentence(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(drawn_set.path, small_recipe, tmp_path / "run", **SETTINGS | {"images": 1024})
    monkeypatch.setattr(checkpoint, "save_model", full)
    with pytest.raises(RunError, match=r"2,048 images, could not be written: No space left on device\. Make"):
        train(drawn_set.path, small_recipe, tmp_path / "run", **SETTINGS)
    assert load(tmp_path / "run").header.images_seen == 1024


def test_a_folder_that_has_gone_is_not_made_anew(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_step = loop.next_step

    def step(session: TrainingSession) -> StepReport:
        if session.state.images_seen == 512:
            shutil.rmtree(tmp_path / "run")
        return next_step(session)

    monkeypatch.setattr(loop, "next_step", step)
    with pytest.raises(RunError, match="run has gone"):
        train(drawn_set.path, small_recipe, tmp_path / "run", **SETTINGS)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "words",
    [
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.",
        "could not create a primitive",
    ],
)
def test_too_little_memory_names_the_batch(
    words: str, drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(session: TrainingSession) -> StepReport:
        raise RuntimeError(words)

    monkeypatch.setattr(loop, "next_step", step)
    with pytest.raises(StrangersError, match=r"steps of 64 pictures of 32 px: .*--set batch=N below 64"):
        train(drawn_set.path, small_recipe, tmp_path / "run", **SETTINGS)


def test_a_curve_of_a_long_run_has_means_of_its_lines_and_leaves_out_what_is_none(tmp_path: Path) -> None:
    lines = [{"images": number, "loss": number % 2} for number in range(5 * pictures.POINTS + 1)]
    odd = ["[]", '{"images": 1', '{"images": 1, "loss": "1"}', f'{{"images": 1{"0" * 400}, "loss": 1}}']
    (tmp_path / "log.jsonl").write_text("\n".join([*map(json.dumps, lines), *odd]))
    series = pictures._series(tmp_path, "images", "loss")
    assert len(series) <= pictures.POINTS
    np.testing.assert_allclose(series[0], [2.5, 0.5])
    assert series[-1, 0] <= lines[-1]["images"]
    assert 0.4 < series[:, 1].mean() < 0.6
    assert len(pictures._series(tmp_path / "absent", "images")) == 0


def test_lines_for_which_there_is_no_room_are_written_whole_once_there_is(tmp_path: Path) -> None:
    written = RunLog(tmp_path, images_per_epoch=1, images_per_step=1, budget=9, progress=False)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    written.say("first")
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        written.say("second")
        written.say("third")
        assert (tmp_path / "console.log").read_text() == "first\n"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    written.say("fourth")
    assert (tmp_path / "console.log").read_text() == "first\nsecond\nthird\nfourth\n"
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        written.say("last")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    written.close()
    assert (tmp_path / "console.log").read_text().endswith("fourth\nlast\n")
