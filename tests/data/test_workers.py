"""Worker processes: they change no byte, end with the command, and are started only where that pays."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strangers.data import workers as running
from strangers.data.crops import CROPS
from strangers.data.jobs import JobResult
from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet
from strangers.data.sources import open_source
from strangers.data.workers import MIN_IMAGES_FOR_WORKERS, run_jobs, source_progress, useful_workers
from strangers.data.writer import Writer
from strangers.errors import DataError

from ..support import started, wait_until


def quickly(source: object, out: Path, **options: Any) -> PreparedSet:
    """`prepare` at 16 pixels."""
    return prepare(str(source), out, **{"size": 16, "workers": 1, "progress": False} | options)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_workers_are_used_where_they_save_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "usable_cores", lambda: 7)
    assert useful_workers(open_source(f"synthetic:{MIN_IMAGES_FOR_WORKERS}")) == 1
    assert useful_workers(open_source(f"synthetic:{MIN_IMAGES_FOR_WORKERS + 1}")) == 7


def test_jobs_run_one_at_a_time_when_their_results_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without workers, nothing is prepared ahead: a limit ends the work too."""
    source = open_source("synthetic:500")
    ran = []
    kind = type(next(iter(source.jobs())))
    run = kind.run

    def counted(job: Any, *given: Any) -> JobResult:
        ran.append(job)
        return run(job, *given)

    monkeypatch.setattr(kind, "run", counted)
    results = run_jobs(source, 16, CROPS["square"], 1)
    assert next(results).names[0] == "000000"
    assert len(ran) == 1
    results.close()


def test_progress_is_silent_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with source_progress(open_source("synthetic:10"), None, enabled=True) as advance:
        advance(10)
    assert capsys.readouterr() == ("", "")


def test_workers_do_not_change_a_byte(celeba: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    for number in range(150):
        original = celeba / "img_align_celeba" / f"{number % 30 + 1:06d}.jpg"
        (mixed / f"{number:03d}.jpg").write_bytes(original.read_bytes()[: None if number % 7 else number * 9])
    alone = quickly(mixed, tmp_path / "1", workers=1)
    assert (alone.manifest.count, alone.manifest.skipped) == (128, 22)
    helped = quickly(mixed, tmp_path / "3", workers=3)
    assert contents(helped.path) == contents(alone.path)
    assert not multiprocessing.active_children()


class InterruptionError(Exception):
    pass


def break_at_second_call(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Call `act` when the writer gets the second batch of images."""
    add = Writer.add
    calls: list[None] = []

    def interrupted(*arguments: Any) -> None:
        calls.append(None)
        if len(calls) == 2:
            act()
        add(*arguments)

    monkeypatch.setattr(Writer, "add", interrupted)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_exception_midway_leaves_no_file_and_no_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    def act() -> None:
        raise InterruptionError

    break_at_second_call(monkeypatch, act)
    with pytest.raises(InterruptionError):
        quickly("synthetic:2000", tmp_path / "set", workers=workers)
    assert not list(tmp_path.iterdir())
    assert not multiprocessing.active_children()


def test_a_killed_worker_raises_an_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def act() -> None:
        for worker in multiprocessing.active_children():
            worker.kill()
            worker.join()

    break_at_second_call(monkeypatch, act)
    with pytest.raises(DataError, match=r"^A worker process failed to start or was killed.*\.$"):
        quickly("synthetic:5000", tmp_path / "set", workers=2)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_process_ended_from_outside_leaves_no_set_and_no_worker(
    tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "set"
    program = (
        "import signal\n"
        "from strangers.data.prepare import prepare\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # which a shell's background job ignores
        f"prepare('synthetic:1000000', {str(out)!r}, size=64, workers=2, progress=False)"
    )
    with started([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_until(lambda: any(path.stat().st_size > 1000 for path in tmp_path.glob(".partial-*/images.npy")))
        process.send_signal(number)
        process.communicate(timeout=60)  # until the workers, who have the same output, are gone too
    assert process.returncode != 0
    assert not out.exists()
    if number == signal.SIGINT:
        assert not list(tmp_path.iterdir())
    assert len(quickly("synthetic:20", out)) == 20
    assert list(tmp_path.iterdir()) == [out]  # what the killed process left is gone
