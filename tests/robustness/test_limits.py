"""Few files, little memory, a wrong clock, a missing folder, a killed worker: one error, no partial files."""

from __future__ import annotations

import multiprocessing
import os
import random
import resource
import shutil
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from strangers.data.prepare import prepare
from strangers.errors import DataError

from .starving import (
    CommandResult,
    KilledError,
    commands,
    halves,
    in_child,
    is_one_error,
    limit,
    outcome,
    run_command,
    training,
)

pytestmark = pytest.mark.usefixtures("quick_pictures")


def test_a_limit_of_open_files_is_an_error(
    small_set: Path, small_model: Path, straight: str, tmp_path: Path, trials: Any, tally: Any
) -> None:
    del straight  # by which everything has been imported
    failed, chance = 0, random.Random(2)
    for trial in trials(4, 120):
        place = tmp_path / str(trial)
        place.mkdir()
        name = ("train", "prepare", "sample", "each", "export")[trial % 5]
        spare = chance.randrange(8)

        def work(place: Path = place, name: str = name, spare: int = spare) -> list[Any]:
            most = max(map(int, os.listdir("/proc/self/fd"))) + spare
            limit(resource.RLIMIT_NOFILE, most)
            ended = run_command(*commands(place, small_set, small_model)[name])
            limit(resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
            return [ended, halves(place)]

        ended, left = in_child(work)
        assert ended[0] == 0 or is_one_error(CommandResult(*ended)), (name, spare, ended)
        assert left == [], (name, spare)
        failed += ended[0] != 0
    tally("commands that could open few files", len(trials(4, 120)), f"{failed} ended with a sentence")


def test_too_little_memory_is_an_error_that_names_the_batch(
    small_set: Path, straight: str, tmp_path: Path, trials: Any, tally: Any
) -> None:
    """Torch's own libraries may crash when they get none, which is nothing that we can mend."""
    del straight
    failed, crashed, chance = 0, 0, random.Random(3)
    for trial in trials(2, 60):
        run, spare = tmp_path / f"run {trial}", int(2 ** chance.uniform(22, 27))

        def work(run: Path = run, spare: int = spare) -> list[Any]:
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            limit(resource.RLIMIT_AS, used + spare)
            ended = run_command(*training(small_set, run, batch=2048))
            limit(resource.RLIMIT_AS, resource.getrlimit(resource.RLIMIT_AS)[1])
            return [ended, halves(run)]

        try:
            ended, left = in_child(work)
        except KilledError:
            crashed += 1
            assert halves(run) == []
            continue
        assert ended[0] == 0 or is_one_error(CommandResult(*ended)), (spare, ended)
        assert ended[0] == 0 or ("memory" in ended[1] and "--set batch=N" in ended[1]), (spare, ended)
        assert left == []
        failed += ended[0] != 0
    assert failed or len(trials(2, 60)) == 2  # of two, both may have had enough
    found = f"{failed} named the batch, {crashed} crashed in torch's libraries"
    tally("trainings with little memory", len(trials(2, 60)), found)


def test_a_clock_that_goes_back_changes_no_result(
    small_set: Path, straight: str, tmp_path: Path, trials: Any, tally: Any
) -> None:
    for trial in trials(1, 10):
        run, chance = tmp_path / f"run {trial}", random.Random(trial)

        def work(run: Path = run, chance: random.Random = chance) -> list[Any]:
            now = [time.time()]

            def back() -> float:
                now[0] -= chance.uniform(0, 86_400)
                return now[0]

            time.time = back
            return [run_command(*training(small_set, run)), outcome(run), halves(run)]

        assert in_child(work) == [[0, ""], straight, []]
    tally("trainings while the clock went back", len(trials(1, 10)))


def test_a_folder_that_disappears_during_use_is_an_error(
    small_set: Path, straight: str, tmp_path: Path, trials: Any, tally: Any
) -> None:
    from strangers.training import loop

    next_step, chance = loop.next_step, random.Random(4)
    for trial in trials(2, 40):
        place, moment = tmp_path / str(trial), 128 * chance.randrange(16)
        own = place / "set"
        shutil.copytree(small_set, own)
        doomed = own if trial % 2 else place / "run"

        def work(place: Path = place, moment: int = moment, doomed: Path = doomed) -> list[Any]:
            def step(session: Any) -> Any:
                if session.state.images_seen == moment:
                    shutil.rmtree(doomed)
                return next_step(session)

            loop.next_step = step
            return [run_command(*training(place / "set", place / "run"))]

        [ended] = in_child(work)
        if doomed == own:  # what is mapped stays, until the training ends
            assert ended == [0, ""]
            assert outcome(place / "run") == straight
        else:
            assert is_one_error(CommandResult(*ended)), (moment, ended)
            assert str(place / "run") in ended[1]
            assert not doomed.exists()
    tally("folders that vanished under a training", len(trials(2, 40)))


def test_a_killed_worker_is_an_error(tmp_path: Path, trials: Any, tally: Any) -> None:
    if not trials(0, 10):
        pytest.skip("with --robustness; tests/data/test_prepare.py has it once")
    for trial in trials(0, 10):
        chance, out = random.Random(trial), tmp_path / str(trial)

        def kill_one(chance: random.Random = chance) -> None:
            while not (workers := multiprocessing.active_children()):
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 2))
            for worker in workers[:1]:
                os.kill(worker.pid or 0, signal.SIGKILL)

        killer = threading.Thread(target=kill_one)
        killer.start()
        with pytest.raises(DataError, match="ended from outside"):
            prepare("synthetic:20000", out, size=64, workers=2, progress=False)
        killer.join()
        assert list(tmp_path.iterdir()) == []
    tally("workers of a preparation killed", len(trials(0, 10)))
