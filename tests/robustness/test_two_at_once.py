"""Two processes in one folder: one fails with an error, or both succeed."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from strangers.errors import StrangersError
from strangers.sampling.load import load
from strangers.system.files import write_atomically
from strangers.web.run_reader import RunReader

from ..support import wait_until
from .commands import Commands, bytes_of, leftovers, prepare, train, trained_bits
from .test_faults import save_checkpoint

Trials = Callable[[int, int], range]

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="starts commands by fork, and locks as POSIX does")


@forks
def test_the_second_of_two_trainings_in_one_folder_fails(
    warm: Commands, tmp_path: Path, trials: Trials, tally: Callable[..., None]
) -> None:
    expected = trained_bits(warm.folder / "run")
    refused = 0
    for trial in trials(1, 30):
        run = tmp_path / f"run-{trial}"
        logs = [tmp_path / f"log-{trial}-{number}" for number in range(3)]
        started = [warm.start(*train(run), log=log) for log in logs]
        codes = [process.wait() for process in started]
        for code, log in zip(codes, logs, strict=True):
            said = log.read_text()
            assert code == 0 or f"Another training is running in {run}; wait until it ends" in said
            assert "Traceback" not in said
        assert codes.count(0) >= 1  # one that came after another had ended finds nothing left to do
        assert trained_bits(run) == expected
        assert leftovers(run) == []
        refused += len(codes) - codes.count(0)
    assert refused or trial < 29  # three may well train one after another, but not every time
    tally("three trainings started at once in one folder", trial + 1, f"{refused} were refused in words")


@forks
def test_a_killed_training_leaves_no_lock(warm: Commands, tmp_path: Path) -> None:
    run = tmp_path / "run"
    longer = train(run, "--images", "1000000")
    first = warm.start(*longer)
    wait_until(lambda: (run / "console.log").exists())
    assert warm.run(*longer) == 1
    assert f"Another training is running in {run}" in warm.said()
    os.kill(first.pid, signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    assert warm.run(*train(run)) == 0
    assert trained_bits(run).keys() >= trained_bits(warm.folder / "run").keys() - {"means"}


@forks
def test_the_second_of_two_preparations_into_one_folder_fails(
    warm: Commands, tmp_path: Path, trials: Trials, tally: Callable[..., None]
) -> None:
    expected = bytes_of(warm.folder / "set")
    for trial in trials(3, 200):
        out = tmp_path / f"set-{trial}"
        logs = [tmp_path / f"log-{trial}-{number}" for number in range(2)]
        codes = [process.wait() for process in [warm.start(*prepare(out), log=log) for log in logs]]
        said = [log.read_text() for log in logs]
        assert sorted(codes) in ([0, 1], [0, 2]), said  # 2: it began when the other had ended
        (message,) = (text for code, text in zip(codes, said, strict=True) if code)
        assert message.startswith("error: ")
        assert str(out) in message
        assert "choose another folder" in message
        assert bytes_of(out) == expected
        assert leftovers(tmp_path) == []
    tally("two preparations started at once into one place", trial + 1)


@forks
def test_trainings_that_need_the_same_photographs_prepare_them_once(
    warm: Commands, tmp_path: Path, trials: Trials, tally: Callable[..., None]
) -> None:
    expected = trained_bits(warm.folder / "run")
    for trial in trials(1, 20):
        shutil.rmtree(warm.folder / "cache" / "strangers" / "sets")
        runs = [tmp_path / f"run-{trial}-{number}" for number in range(2)]
        codes = [process.wait() for process in [warm.start(*train(run)) for run in runs]]
        assert codes == [0, 0], warm.said()
        assert [trained_bits(run) for run in runs] == [expected, expected]
        assert leftovers(warm.folder) == []
    tally("two trainings that prepare the same photographs at once", trial + 1)


@contextmanager
def meanwhile(act: Callable[[int], None]) -> Iterator[None]:
    """act(0), act(1), ... in a thread, until the block ends. Raises what it raised."""
    over, raised = threading.Event(), list[BaseException]()

    def go_on() -> None:
        number = 0
        try:
            while not over.is_set():
                act(number)
                number += 1
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if raised:
        raise raised[0]


def test_a_run_can_be_loaded_whenever_it_is_written_and_pruned(
    tmp_path: Path, trials: Trials, tally: Callable[..., None]
) -> None:
    for images_seen in (1, 2):
        save_checkpoint(tmp_path, images_seen)
    seen: list[int] = []
    different = trials(6, 400).stop
    with meanwhile(lambda number: save_checkpoint(tmp_path, number + 3)):
        while len(set(seen)) < different:
            source = tmp_path / ("", "latest", "best")[len(seen) % 3]
            seen.append(load(source, device="cpu").header.images_seen)
    tally(
        "models loaded from a run that is written and pruned", len(seen), f"{len(set(seen))} different ones"
    )


def test_a_page_reads_a_run_that_is_written_and_pruned(
    tmp_path: Path, trials: Trials, tally: Callable[..., None]
) -> None:
    samples = tmp_path / "samples"
    samples.mkdir()
    line = '{{"images_seen": {0}, "real_loss": 0.5, "images_per_second": 10.0, "seconds": {0}}}\n'

    def write(number: int) -> None:
        save_checkpoint(tmp_path, number + 1)
        with (tmp_path / "log.jsonl").open("a") as file:
            file.write(line.format(number))
            file.flush()
            file.write(line.format(number)[:20])
        write_atomically(samples / f"{number:06d}k.png", b"%d" % number)
        if number % 5 == 4:  # as when a run is taken back
            write_atomically(tmp_path / "log.jsonl", b"")
            for path in samples.glob("*.png"):
                path.unlink()

    reader, grids, gone = RunReader(tmp_path), 0, 0
    with meanwhile(write):
        for _ in trials(300, 20_000):
            summary = reader.summary()
            assert summary["warnings"] == []
            assert reader.curves()["columns"].keys() <= {"images_seen", "images_per_second", "real_loss"}
            for name in summary["samples"]:
                try:
                    content, stamp = reader.sample(name)
                except StrangersError:
                    gone += 1
                    continue
                grids += 1
                assert int(content) == int(name[:-1])
                assert stamp
    tally(
        "readings of a run that is written and pruned",
        len(trials(300, 20_000)),
        f"{grids} grids, {gone} gone",
    )
