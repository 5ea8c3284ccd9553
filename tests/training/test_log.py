"""The log of a run: whole lines, also on a full disk."""

from __future__ import annotations

import os
import resource
from contextlib import closing
from pathlib import Path

import pytest
import torch

from strangers.training.clock import TrainingClock
from strangers.training.log import RunLog
from strangers.training.step import StepReport


def test_lines_that_do_not_fit_on_the_disk_are_written_later(tmp_path: Path) -> None:
    log = RunLog(tmp_path, images_per_epoch=1, images_per_step=1, budget=9, progress=False)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    log.info("first")
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        log.info("second")
        log.info("third")
        assert (tmp_path / "console.log").read_text() == "first\n"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    log.info("fourth")
    assert (tmp_path / "console.log").read_text() == "first\nsecond\nthird\nfourth\n"
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        log.info("last")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    log.close()
    assert (tmp_path / "console.log").read_text().endswith("fourth\nlast\n")


def test_a_flush_writes_the_log_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = RunLog(tmp_path, images_per_epoch=1, images_per_step=1, budget=9, progress=False)
    flushed: list[tuple[int, int]] = []
    with closing(log):
        log.flush()  # without a line yet
        log.warn(1, "careful")
        monkeypatch.setattr(os, "fsync", lambda number: flushed.append((os.fstat(number).st_ino, number)))
        log.flush()
    assert [inode for inode, _ in flushed] == [(tmp_path / "log.jsonl").stat().st_ino]


def test_tensorboard_shows_each_step_once_after_a_crash(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for last, resumed_at in ((500, 0), (700, 200)):
        log = RunLog(
            tmp_path, images_per_epoch=1, images_per_step=1, budget=9, progress=False, tensorboard=True
        )
        with closing(log):
            log.resume(resumed_at, 0.0, None)
            for images in range(resumed_at + 100, last + 1, 100):
                log.write_metrics(images, {"variety": float(last)}, {})
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    shown = [(event.step, event.value) for event in events.Scalars("variety")]
    assert shown == [(images, 500 if images <= 200 else 700) for images in range(100, 800, 100)]


@pytest.mark.parametrize(
    "line",
    ['{"images_seen": "3"}', '{"images_seen": null}', '{"images_seen": 1, "rollback": []}', "[1]", "{"],
)
def test_a_line_that_no_training_wrote_is_dropped_when_the_run_resumes(tmp_path: Path, line: str) -> None:
    (tmp_path / "log.jsonl").write_text(f'{{"images_seen": 1}}\n{line}\n')
    log = RunLog(tmp_path, images_per_epoch=1, images_per_step=1, budget=9, progress=False)
    with closing(log):
        log.resume(5, 0.0, None)
    assert (tmp_path / "log.jsonl").read_text() == '{"images_seen": 1}\n'


def test_what_is_no_training_does_not_lower_the_speed(tmp_path: Path) -> None:
    """An evaluation that takes longer than a line would otherwise look like a slow machine."""
    log = RunLog(tmp_path, images_per_epoch=10, images_per_step=10, budget=99, progress=False)
    log._clock.close()
    now = [0.0]
    log._clock = TrainingClock(lambda: now[0])
    log._clock.close()
    log._line_started = (0.0, 0)
    with closing(log):
        for seen, seconds in ((10, 0.0), (20, 3.0)):
            with log.untimed():
                now[0] += seconds
            now[0] += 2.0
            log.add(StepReport(*[torch.zeros(())] * len(StepReport._fields)), seen)
            log.write_means(seen)
            assert log.speed == pytest.approx(5.0)


def test_no_log_that_cannot_be_written_keeps_a_training_from_its_checkpoints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tensorboard")
    log = RunLog(tmp_path, images_per_epoch=1, images_per_step=1, budget=9, tensorboard=True)
    (tmp_path / "tensorboard").write_text("a file in the place of a folder")
    with closing(log):
        log.resume(0, 0.0, None)
        assert "warning: TensorBoard's log cannot be written: " in capsys.readouterr().out
        (tmp_path / "log.jsonl").mkdir()
        log.write_metrics(1, {"variety": 2.0}, {})
        log.flush()
