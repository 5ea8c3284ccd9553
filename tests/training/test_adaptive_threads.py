"""Threads are chosen once, recorded, and kept on resume; a change is recorded and logged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from strangers.data.prepared import PreparedSet
from strangers.recipes.recipe import Recipe
from strangers.system.devices import Choice
from strangers.training import adaptive_threads
from strangers.training.adaptive_threads import MIN_SECONDS
from strangers.training.json_files import write_json
from strangers.training.log import RunLog
from strangers.training.loop import train

SETTINGS: dict[str, Any] = {"precision": "fp32", "progress": False, "device": "cpu"}


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of two cores on which nothing fixes the number of threads."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(adaptive_threads, "usable_cores", lambda: 2)
    monkeypatch.setattr("strangers.system.devices.usable_cores", lambda: 2)


@pytest.fixture
def pretended_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A torch that only says how many threads it uses: real ones are slow beside other work."""
    threads = [2]
    monkeypatch.setattr(torch, "set_num_threads", lambda count: threads.append(count))
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads[-1])


def recorded(run: Path) -> list[list[int]]:
    threads: list[list[int]] = json.loads((run / "run.json").read_text())["threads"]
    return threads


def console(run: Path) -> str:
    return (run / "console.log").read_text()


@pytest.mark.usefixtures("two_cores", "pretended_threads")
def test_the_measured_choice_is_recorded_and_not_measured_again(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[int] = []
    choices = iter([Choice(2, "Measured.")])
    monkeypatch.setattr(adaptive_threads, "fastest_threads", lambda *_: next(choices))
    add = RunLog.add

    def noted(log: RunLog, *given: Any) -> None:
        used.append(torch.get_num_threads())
        add(log, *given)

    monkeypatch.setattr(RunLog, "add", noted)
    for images in (64, 128):
        train(drawn_set.path, small_recipe, tmp_path / "run", images=images, **SETTINGS)
    assert used == [2, 2]
    assert recorded(tmp_path / "run") == [[0, 2]]
    assert "on 2 threads. " in console(tmp_path / "run")
    assert " Measured." in console(tmp_path / "run")
    assert "warning" not in console(tmp_path / "run")


@pytest.mark.usefixtures("two_cores", "pretended_threads")
def test_another_number_of_threads_on_resume_is_recorded_and_logged(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path
) -> None:
    for images, threads in ((64, 1), (128, 2), (192, None)):
        train(drawn_set.path, small_recipe, tmp_path / "run", images=images, threads=threads, **SETTINGS)
    assert recorded(tmp_path / "run") == [[0, 1], [64, 2]]
    assert console(tmp_path / "run").count("This run used 1 thread and continues on 2 threads") == 1


@pytest.mark.usefixtures("two_cores")
def test_a_resumed_run_follows_the_record_to_the_bit(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path
) -> None:
    """A run that changed its threads at 128 images, and one that resumes before that point."""
    for name in ("straight", "resumed"):
        train(drawn_set.path, small_recipe, tmp_path / name, images=64, threads=1, **SETTINGS)
    for name, ends in (("straight", (256,)), ("resumed", (128, 192, 256))):
        path = tmp_path / name / "run.json"
        described = json.loads(path.read_text())
        del described["sha256"]
        write_json(path, described | {"threads": [[0, 1], [128, 2]]})
        for images in ends:
            train(drawn_set.path, small_recipe, tmp_path / name, images=images, **SETTINGS)
    ends_with = [
        (tmp_path / name / "checkpoints/000000256/training.safetensors").read_bytes()
        for name in ("straight", "resumed")
    ]
    assert ends_with[0] == ends_with[1]
    assert "continues on" not in console(tmp_path / "resumed")


@pytest.mark.usefixtures("two_cores", "pretended_threads")
def test_a_lower_speed_is_measured_again_once_and_logged_in_one_line(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speeds = iter([1000.0, 900.0, 400.0, 390.0, 380.0, 370.0])
    write_means, measured = RunLog.write_means, []

    def slowing(log: RunLog, images_seen: int) -> dict[str, float]:
        means = write_means(log, images_seen)
        log.speed = next(speeds)
        log.seconds += MIN_SECONDS
        return means

    def compared(*_: object) -> dict[int, float]:
        measured.append(True)
        return {1: 800.0, 2: 390.0}

    monkeypatch.setattr(RunLog, "write_means", slowing)
    monkeypatch.setattr(adaptive_threads, "fastest_threads", lambda *_: Choice(2, "Measured."))
    monkeypatch.setattr(adaptive_threads, "thread_speeds", compared)
    train(drawn_set.path, small_recipe, tmp_path / "run", images=384, log_every=64, **SETTINGS)
    assert len(measured) == 1
    assert recorded(tmp_path / "run") == [[0, 2], [192, 1]]
    [line] = [line for line in console(tmp_path / "run").splitlines() if "speed fell" in line]
    assert "fell from 1,000 to 400 images/s" in line
    assert line.endswith("continuing on 1 thread.")


@pytest.mark.usefixtures("two_cores", "pretended_threads")
def test_a_machine_with_one_thread_of_torch_trains(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    train(drawn_set.path, small_recipe, tmp_path / "run", images=64, **SETTINGS)
    assert recorded(tmp_path / "run") == [[0, 1]]


@pytest.mark.usefixtures("two_cores", "pretended_threads")
def test_a_difference_that_may_be_noise_changes_nothing(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speeds, write_means = iter([1000.0, 400.0, 400.0]), RunLog.write_means

    def slowing(log: RunLog, images_seen: int) -> dict[str, float]:
        means = write_means(log, images_seen)
        log.speed = next(speeds)
        log.seconds += MIN_SECONDS
        return means

    monkeypatch.setattr(RunLog, "write_means", slowing)
    monkeypatch.setattr(adaptive_threads, "fastest_threads", lambda *_: Choice(2, "Measured."))
    monkeypatch.setattr(adaptive_threads, "thread_speeds", lambda *_: {1: 410.0, 2: 400.0})
    train(drawn_set.path, small_recipe, tmp_path / "run", images=192, log_every=64, **SETTINGS)
    assert recorded(tmp_path / "run") == [[0, 2]]
    assert "410 images/s on 1 thread and 400 on 2" in console(tmp_path / "run")


def test_a_given_number_of_threads_is_not_measured(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adaptive_threads, "fastest_threads", lambda *_: pytest.fail("measured"))
    for name, variable in (("option", ""), ("environment", "1")):
        if variable:
            monkeypatch.setenv("OMP_NUM_THREADS", variable)
        threads = None if variable else 1
        train(drawn_set.path, small_recipe, tmp_path / name, images=64, threads=threads, **SETTINGS)
        assert recorded(tmp_path / name) == [[0, torch.get_num_threads() if variable else 1]]
