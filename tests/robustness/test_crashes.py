"""kill -9 at random moments, then the same command again: it ends with the same bits and no leftovers."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from .commands import Commands, bytes_of, evaluate, export, leftovers, prepare, train, trained_bits

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="starts commands by fork")

Trials = Callable[[int, int], range]


def test_a_training_killed_many_times_equals_an_uninterrupted_one(
    warm: Commands, tmp_path: Path, trials: Trials, tally: Callable[..., None]
) -> None:
    expected = trained_bits(warm.folder / "run")
    chance = random.Random(1)
    wanted = trials(2, 400).stop
    kills, runs, most = 0, 0, 0
    seconds = warm.seconds(*train(tmp_path / "timed"))
    warm.said()
    while kills < wanted:
        run = tmp_path / f"run-{runs}"
        shutil.rmtree(
            warm.folder / "cache" / "strangers" / "sets"
        )  # so that the photographs are prepared anew
        while kills < wanted:
            ended = warm.run(*train(run), killed_after=chance.uniform(0, 0.8) * seconds)
            assert ended in (-signal.SIGKILL, 0), warm.said()
            kills += ended != 0
            most = max(most, len(leftovers(tmp_path)) + len(leftovers(warm.folder)))
            if ended == 0:
                break
        assert warm.run(*train(run)) == 0, warm.said()
        assert trained_bits(run) == expected, warm.said()
        assert leftovers(run) + leftovers(warm.folder) == []
        assert "Traceback" not in warm.said()
        shutil.rmtree(run)
        runs += 1
    assert most < 6
    tally(
        "kill -9 while training, and the same command again", kills, f"{runs} runs, at most {most} leftovers"
    )


def killed_and_again(
    warm: Commands,
    words: list[object],
    folder: Path,
    begin: Callable[[], object],
    check: Callable[[bool], None],
) -> Iterator[tuple[int, int]]:
    """Kills of a command that writes into `folder`, each followed by the command again.

    check(finished): of what is in the folder, after a kill and after the end. Yields how many were killed so
    far, and how many had ended before.
    """
    chance = random.Random(str(words[0]))
    begin()
    seconds = warm.seconds(*words)
    kills, ended = 0, 0
    while True:
        begin()
        code = warm.run(*words, killed_after=chance.uniform(0, 1) * seconds)
        assert code in (-signal.SIGKILL, 0), warm.said()
        kills, ended = (kills, ended + 1) if code == 0 else (kills + 1, ended)
        seconds *= 0.8 if code == 0 else 1.02  # how long it takes depends on what else the machine does
        check(False)
        code = warm.run(*words)
        assert code == 0 or "exists already" in warm.said()
        check(True)
        assert leftovers(folder) + leftovers(warm.folder) == []
        assert "Traceback" not in warm.said()
        yield kills, ended


def test_a_killed_preparation_starts_again(
    warm: Commands, tmp_path: Path, trials: Trials, tally: Callable[..., None]
) -> None:
    expected, out = bytes_of(warm.folder / "set"), tmp_path / "set"

    def check(finished: bool) -> None:
        assert bytes_of(out) == expected if finished or out.exists() else True

    crashes = killed_and_again(
        warm, prepare(out), tmp_path, lambda: shutil.rmtree(out, ignore_errors=True), check
    )
    wanted = trials(2, 300).stop
    kills, ended = next(found for found in crashes if found[0] >= wanted)
    tally("kill -9 while preparing, and the same command again", kills, f"{ended} had ended before")


def test_a_killed_export_leaves_the_previous_file(
    warm: Commands, tmp_path: Path, trials: Trials, tally: Callable[..., None]
) -> None:
    names = ("faces.safetensors", "faces.md")
    new = {name: (warm.folder / name).read_bytes() for name in names}
    (tmp_path / "run").symlink_to(warm.folder / "run")

    def begin() -> None:
        for name in names:
            (tmp_path / name).write_bytes(b"old")

    def check(finished: bool) -> None:
        found = {name: (tmp_path / name).read_bytes() for name in names}
        assert found == new if finished else all(found[name] in (b"old", new[name]) for name in names)

    crashes = killed_and_again(warm, export(tmp_path), tmp_path, begin, check)
    wanted = trials(2, 150).stop
    kills, ended = next(found for found in crashes if found[0] >= wanted)
    tally("kill -9 while exporting, and the same command again", kills, f"{ended} had ended before")


def test_a_killed_evaluation_can_be_repeated(
    warm: Commands, tmp_path: Path, trials: Trials, tally: Callable[..., None]
) -> None:
    for name in ("run", "set"):
        (tmp_path / name).symlink_to(warm.folder / name)
    report, cache = tmp_path / "result.html", warm.folder / "cache" / "strangers" / "statistics"
    kept = tensors_in(cache)
    expected = values(warm.folder)

    def begin() -> None:
        shutil.rmtree(cache)  # so that statistics are collected and kept anew
        cache.mkdir()

    def check(finished: bool) -> None:
        if finished or (tmp_path / "result.json").exists():
            assert values(tmp_path) == expected
            assert "</html>\n<!-- strangers evaluation " in report.read_text()
        if finished:
            found = tensors_in(cache)
            assert found
            assert_alike(found, {name: kept[name] for name in found})

    crashes = killed_and_again(warm, evaluate(tmp_path), tmp_path, begin, check)
    wanted = trials(1, 150).stop
    kills, ended = next(found for found in crashes if found[0] >= wanted)
    tally("kill -9 while measuring, and the same command again", kills, f"{ended} had ended before")


def tensors_in(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the content of the tensor files in a folder."""
    return {path.name: load_file(path) for path in folder.iterdir()}


def assert_alike(found: dict[str, dict[str, Any]], wanted: dict[str, dict[str, Any]]) -> None:
    """The same files with the same tensors, but for how sums were rounded."""
    assert {name: set(tensors) for name, tensors in found.items()} == {
        name: set(tensors) for name, tensors in wanted.items()
    }
    for name, tensors in wanted.items():
        for key, values_of_it in tensors.items():
            np.testing.assert_allclose(found[name][key], values_of_it, rtol=1e-4, atol=1e-5)


CHANGING = ("seconds", "model", "data", "command")
"""Parts of a result that hold times and paths."""


def values(folder: Path) -> dict[str, object]:
    """Return what was measured, without how long that took and where it lay."""
    result: dict[str, object] = json.loads((folder / "result.json").read_text())
    return {name: value for name, value in result.items() if name not in CHANGING}
