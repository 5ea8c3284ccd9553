"""Callbacks follow a training from its start to its end, and a notebook shows its newest faces."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from strangers.data.prepared import PreparedSet
from strangers.images import Pixels
from strangers.recipes.recipe import Recipe
from strangers.training.callbacks import Callback, NotebookView, default_callbacks
from strangers.training.loop import train
from strangers.training.run import Run
from strangers.training.step import StepReport


class Follower(Callback):
    """Notes every event."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    def on_start(self, run: Run) -> None:
        self.events.append(("start", run.path.name))

    def on_step(self, images_seen: int, report: StepReport) -> None:
        assert report.real_loss.isfinite()
        self.events.append(("step", images_seen))

    def on_line(self, images_seen: int, values: dict[str, float]) -> None:
        assert {"generator_loss", "real_accuracy", "images_per_second"} <= values.keys()
        self.events.append(("line", images_seen))

    def on_evaluation(self, images_seen: int, values: dict[str, float]) -> None:
        self.events.append(("evaluation", [*values]))

    def on_snapshot(self, images_seen: int, faces: Pixels) -> None:
        self.events.append(("snapshot", list(faces.shape)))

    def on_end(self, images_seen: int) -> None:
        self.events.append(("end", images_seen))


def test_a_callback_sees_every_event_once(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path
) -> None:
    follower = Follower()
    train(
        drawn_set.path, small_recipe, tmp_path / "run", images=1_024, every=1_000, log_every=512,
        progress=False, callbacks=[follower],
    )  # fmt: skip
    kinds = [kind for kind, _ in follower.events]
    assert follower.events[0] == ("start", "run")
    assert follower.events[-1] == ("end", 1_024)
    assert [value for kind, value in follower.events if kind == "step"] == list(range(64, 1_025, 64))
    assert [value for kind, value in follower.events if kind == "line"] == [512, 1_024]
    assert ("evaluation", ["variety"]) in follower.events
    assert ("snapshot", [64, 32, 32, 3]) in follower.events
    assert kinds.count("start") == kinds.count("end") == kinds.count("snapshot") == 1


class StoppedError(Exception):
    """An error of a callback."""


def test_an_error_of_a_callback_ends_the_training_which_resumes(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path
) -> None:
    class Stopping(Follower):
        def on_line(self, images_seen: int, values: dict[str, float]) -> None:
            raise StoppedError

    stopping, data = Stopping(), drawn_set.path
    settings: dict[str, Any] = {"images": 256, "log_every": 128, "progress": False}
    with pytest.raises(StoppedError):
        train(data, small_recipe, tmp_path / "run", callbacks=[stopping], **settings)
    assert stopping.events[-1] == ("end", 128)
    assert train(data, small_recipe, tmp_path / "run", **settings).model.header.images_seen == 256


def test_a_notebook_shows_the_newest_faces_and_curves_in_one_place(
    small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []
    handle = SimpleNamespace(update=shown.append)
    display = SimpleNamespace(
        display=lambda *_, **options: handle if options["display_id"] else None, Image=lambda data: data
    )
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell, display=display))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    (view,) = default_callbacks(progress=True)
    assert isinstance(view, NotebookView)
    assert default_callbacks(progress=False) == ()
    faces = np.zeros((64, 32, 32, 3), np.uint8)
    view.on_start(Run(tmp_path, small_recipe))
    view.on_snapshot(1_000, faces)
    (tmp_path / "curves.png").write_bytes(b"curves")
    view.on_snapshot(2_000, faces)
    assert [data[:4] for data in shown] == [b"\x89PNG", b"\x89PNG", b"curv"]


def test_outside_of_notebooks_there_is_no_grid() -> None:
    assert default_callbacks(progress=True) == ()
