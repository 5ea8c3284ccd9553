"""Long trainings and large sets need constant memory and files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from strangers.data.prepared import PreparedSet, open_prepared
from strangers.data.writer import Writer
from strangers.training.session import TrainingSession
from strangers.training.step import StepReport

from ..support import started, train_words
from .starving import in_child, run_command, training

MOST_GROWTH = 32
"""MiB that a training may grow in its second half."""

LARGE, SMALL_SET = 200_000, 60
"""Drawn pictures of a set, with --robustness, and of the one that it is compared with."""

TIMES = 800
"""Repetitions of a set of 48 pictures, which then has 118 MB."""

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")

PEAK = """
import json, re, sys, threading, time
from pathlib import Path
from strangers.cli import main

def watch():
    global most
    while True:
        own = int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
        most = max(most, own // 1024)
        time.sleep(0.01)

most = 0
threading.Thread(target=watch, daemon=True).start()
for words in json.loads(sys.argv[1]):
    most = 0
    if main(words):
        sys.exit(1)
    print("PEAK", most, flush=True)
"""
"""Runs commands, and says after each the most memory that it took, in MiB. What is of a file does not count:
the system keeps of a set what nobody else needs room for."""


def memory(process: int) -> float:
    """Resident, in MiB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def files(run: Path) -> int:
    """Return the number of files in the run's folder, without the grids."""
    return sum(len(names) for folder, _, names in os.walk(run) if Path(folder).name != "samples")


def test_a_long_training_needs_constant_memory_and_files(
    trained: Path, tmp_path: Path, watched: int, tally: Callable[..., None]
) -> None:
    run = tmp_path / "run"
    words = train_words(trained.with_name("drawn"), run, "--every", 1024, "--log-every", 128, "--threads", 1)
    words[words.index("128")] = "100M"
    taken: list[tuple[float, int, int]] = []
    with (
        (tmp_path / "out").open("w") as out,
        started(
            [sys.executable, "-m", "strangers", *words],
            seconds=watched + 600, stdout=out, stderr=subprocess.STDOUT,
        ) as process,
    ):  # fmt: skip
        while not (run / "latest").exists():
            assert process.poll() is None, (tmp_path / "out").read_text()
            time.sleep(0.1)
        end = time.monotonic() + watched
        while time.monotonic() < end:
            open_files = len(list(Path(f"/proc/{process.pid}/fd").iterdir()))
            taken.append((memory(process.pid), open_files, files(run)))
            time.sleep(watched / 60)
        process.terminate()
        assert process.wait(timeout=120) == 143
    quarters = [taken[number * len(taken) // 4 : (number + 1) * len(taken) // 4] for number in range(4)]
    most = [[max(now[which] for now in quarter) for which in range(3)] for quarter in quarters]
    assert most[3][0] - most[1][0] < MOST_GROWTH, (
        most
    )  # in the first, all kinds of work come for the first time
    for which in (1, 2):  # a file more while one is written, and three checkpoints of three files
        assert most[3][which] <= max(most[0][which], most[1][which]) + 9
    lines = (run / "log.jsonl").read_text().count("variety")
    tally(
        f"checkpoints in {watched} s of training",
        lines,
        f"at most {', '.join(f'{memory:.0f}' for memory, _, _ in most)} MiB in its quarters, and "
        f"{', '.join(str(count) for _, _, count in most)} files",
    )


def repeated(few: PreparedSet, folder: Path, times: int) -> Path:
    """A set with the pictures of another one so many times."""
    folder.mkdir()
    with Writer(folder, few.manifest.size) as writer:
        for time_ in range(times):
            names = [f"{time_} {name}" for name in few.names]
            writer.add(names, few.images, [""] * len(names))
        known = None if few.attributes is None else np.tile(few.attributes, (times, 1))
        changes = {"count": writer.count, "hash": writer.hash()}
        writer.finish(few.manifest.model_copy(update=changes), known)
    return folder


def own_memory() -> int:
    """This process's, in MiB; what it maps of a file does not count."""
    found = re.search(r"RssAnon:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) // 1024


@pytest.mark.usefixtures("quick_pictures")
def test_a_training_holds_no_large_set_in_memory(
    small_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from strangers.training import loop

    large = repeated(open_prepared(small_set), tmp_path / "large", TIMES)
    next_step, seen = loop.next_step, list[int]()

    def step(session: TrainingSession) -> StepReport:
        seen.append(own_memory())
        return next_step(session)

    def peak(data: Path) -> int:
        assert run_command(*training(data, tmp_path / f"run on {data.name}")) == (0, "")
        return max(seen)

    monkeypatch.setattr(loop, "next_step", step)
    little, much = (in_child(partial(peak, data)) for data in (small_set, large))
    assert much < little + TIMES * 48 * 32 * 32 * 3 / 2**20 / 2


def test_a_large_set_needs_no_more_memory_than_a_small_one(
    trained: Path, tmp_path: Path, pytestconfig: pytest.Config, tally: Callable[..., None]
) -> None:
    if not pytestconfig.getoption("--robustness"):
        pytest.skip("with --robustness; few pictures fit into any memory")
    count = LARGE
    peaks = {}
    for pictures in (SMALL_SET, count):
        place = tmp_path / str(pictures)
        commands = [
            ["prepare", f"synthetic:{pictures}", "--size", "32", "--workers", "1", "--out", f"{place}/set"],
            train_words(f"{place}/set", f"{place}/run", "--threads", 1),
            ["evaluate", str(trained), f"{place}/set", "--metrics", "fd-face", "--shrinkage",
             "--count", str(min(pictures, 1_000)), "--out", f"{place}/result.json"],
        ]  # fmt: skip
        process = subprocess.run(
            [sys.executable, "-c", PEAK, json.dumps(commands)], capture_output=True, text=True, check=True
        )
        words = process.stdout.split()
        peaks[pictures] = [int(words[at + 1]) for at, word in enumerate(words) if word == "PEAK"]
    few, many = peaks.values()
    for small, large in zip(few, many, strict=True):
        assert large < small + 200, peaks  # the pictures alone would be 600 MB
    tally(
        "drawn pictures prepared, trained on and evaluated in flat memory",
        count,
        "; ".join(
            f"{what} {small} MiB for {SMALL_SET}, {large} for all"
            for what, small, large in zip(("prepare", "train", "evaluate"), few, many, strict=True)
        ),
    )
