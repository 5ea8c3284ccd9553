"""Callbacks follow a training from its start to its end, and a notebook shows its newest faces."""

from __future__ import annotations

import json
import re
import sys
from inspect import signature
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import strangers
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


def stand_in(calls: list[tuple[str, Any]], **functions: Any) -> ModuleType:
    """A module with these functions, whose calls are checked against their signatures and noted."""
    module = ModuleType("stand_in")

    def noting(name: str, function: Any) -> Any:
        def call(*positional: Any, **named: Any) -> Any:
            given = signature(function).bind(*positional, **named).arguments
            calls.append((name, given))
            return function(**given)

        return call

    for name, function in functions.items():
        setattr(module, name, noting(name, function))
    return module


def documented(module: str) -> str:
    """The example in the documents that imports this module."""
    text = (Path(__file__).parents[2] / "docs/how-to/python.md").read_text()
    code: str
    (code,) = (
        each for each in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if f"import {module}\n" in each
    )
    assert len(code.splitlines()) <= 15
    return code


# Parameters as in wandb 0.22 and mlflow 3.
TRACKERS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "wandb": (
        "WeightsAndBiases",
        {
            "init": lambda project, name, config: None,
            "log": lambda data, step: None,
            "Image": lambda data_or_path: data_or_path,
            "finish": lambda: None,
        },
        ["init", "log", "log", "log", "Image", "log", "finish"],
    ),
    "mlflow": (
        "MLflow",
        {
            "start_run": lambda run_name: None,
            "log_params": lambda params: None,
            "log_metrics": lambda metrics, step: None,
            "log_image": lambda image, artifact_file: None,
            "end_run": lambda: None,
        },
        ["start_run", "log_params", "log_metrics", "log_metrics", "log_metrics", "log_image", "end_run"],
    ),
}


@pytest.mark.parametrize("module", TRACKERS)
def test_the_documented_callbacks_of_trackers_get_lines_and_faces(
    module: str, drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, functions, expected = TRACKERS[module]
    calls: list[tuple[str, Any]] = []
    monkeypatch.setitem(sys.modules, module, stand_in(calls, **functions))
    scope: dict[str, Any] = {"strangers": strangers}
    exec(documented(module), scope)
    train(
        drawn_set.path, small_recipe, tmp_path / "run", images=256, log_every=128, progress=False,
        callbacks=[scope[name]()],
    )  # fmt: skip
    assert [call for call, _ in calls] == expected
    numbers = [given for call, given in calls if call in ("log", "log_metrics")]
    assert numbers[0]["step"] == 128
    assert "generator_loss" in next(iter(numbers[0].values()))
    json.dumps([given for call, given in calls if call in ("init", "start_run", "log_params", "log_metrics")])
    (faces,) = (given for call, given in calls if call in ("Image", "log_image"))
    assert next(iter(faces.values())).ndim == 3


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
