"""RunLog: the console line and the JSON line at every interval, and a progress bar."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from strangers.errors import RunError, UsageError
from strangers.system.files import append_whole, write_atomically
from strangers.system.streams import (
    Forgiving,
    open_regular_file,
    printable,
    progress_console,
    read_regular_file,
)
from strangers.training.clock import TrainingClock
from strangers.training.step import StepReport

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

METRIC = "fd-face"
"""The metric of evaluations during training, by its name in results."""


class Speed(ProgressColumn):
    """Images per second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f} img/s")


class RunLog:
    """The log of a run: log.jsonl, console.log, the console and TensorBoard. Without a run, the console only.

    Lines that cannot be written because the disk is full are kept and written with later ones.

    Attributes:
        seconds: training time of the run so far, over all its sessions, without pauses.
        speed: images per second of training steps since the line before the last one.
    """

    def __init__(
        self,
        run: Path | None,
        *,
        images_per_epoch: int,
        images_per_step: int,
        budget: int,
        progress: bool = True,
        tensorboard: bool = False,
    ) -> None:
        self.run = run
        self.images_per_epoch, self.images_per_step, self.budget = images_per_epoch, images_per_step, budget
        # A training outlives the reader of its lines, which are in console.log too.
        screen = cast(TextIO, Forgiving(sys.stdout)) if sys.stdout else None
        self.console, bars = Console(file=screen, quiet=not progress), progress_console()
        bars.quiet = not progress
        if self.console.is_terminal and bars.is_terminal:
            # Only a console that shows the bar knows how to print above it.
            self.console = bars
        self.bar = Progress(
            BarColumn(),
            TextColumn("{task.completed:,.0f} of {task.total:,.0f} images"),
            Speed(),
            TimeRemainingColumn(),
            console=bars,
            disable=not (progress and bars.is_terminal),
            speed_estimate_period=120,
        )
        self.task = self.bar.add_task("", total=budget)
        self.seconds = self.speed = 0.0
        self._unwritten: dict[str, list[str]] = {}
        self._sums: torch.Tensor | None = None
        self._steps = 0
        self._new_writer = _tensorboard() if run is not None and tensorboard else None
        self._clock = TrainingClock()
        self._last_step = self._clock.seconds()
        self._line_started = (self._last_step, 0)  # time, and images seen
        self._writer: SummaryWriter | None = None

    def resume(
        self, images_seen: int, seconds: float, sums: dict[str, Any] | None, rollbacks: int = 0
    ) -> None:
        """Continue from a checkpoint: drop the lines after it, which will be written again.

        rollbacks: number of rollbacks in the checkpoint; lines of later ones are dropped too.
        """
        self.seconds = seconds
        self._steps, self._sums = (0, None) if sums is None else (sums["steps"], torch.tensor(sums["sums"]))
        path = None if self.run is None else self.run / "log.jsonl"
        if path is not None and path.exists():
            text = read_regular_file(path).decode(errors="replace")
            text += "".join(self._unwritten.pop("log.jsonl", []))
            lines = ((line, _entry(line)) for line in text.splitlines(keepends=True))
            kept = [
                line
                for line, entry in lines
                if _number(entry, "images_seen", math.inf) <= images_seen
                and _number(entry, "rollback", 0) <= rollbacks
            ]
            write_atomically(path, "".join(kept).encode())
        self._last_step = self._clock.seconds()
        self._line_started = (self._last_step, images_seen)
        self.bar.update(self.task, completed=images_seen)
        self._open_writer(images_seen)

    def _open_writer(self, images_seen: int) -> None:
        """Begin another file of TensorBoard, which forgets steps of earlier ones from `purge_step` on."""
        if self._new_writer is None or self.run is None:
            return
        try:
            if self._writer is not None:
                self._writer.close()
            self._writer = self._new_writer(self.run / "tensorboard", purge_step=images_seen + 1)
        except OSError as error:
            self._writer = None
            self.info(f"warning: TensorBoard's log cannot be written: {error.strerror or error}.")

    def state(self) -> dict[str, Any] | None:
        """Return the sums since the last line, for a checkpoint."""
        return None if self._sums is None else {"steps": self._steps, "sums": self._sums.tolist()}

    @property
    def is_finite(self) -> bool:
        """True if the sums since the last line are finite."""
        return self._sums is None or bool(self._sums.isfinite().all())

    def add(self, report: StepReport, images_seen: int) -> None:
        """Add one step to the sums, without waiting for the device."""
        values = torch.stack(report)
        self._sums = values if self._sums is None else self._sums.to(values.device) + values
        self._steps += 1
        now = self._clock.seconds()
        self.seconds += now - self._last_step
        self._last_step = now
        self.bar.update(self.task, completed=images_seen)

    def write_means(self, images_seen: int) -> dict[str, float]:
        """Write a line with the means since the last one, reset the sums, and return the means."""
        assert self._sums is not None
        means = dict(zip(StepReport._fields, (self._sums / self._steps).tolist(), strict=True))
        now = self._clock.seconds()
        started, images_before = self._line_started
        self.speed = speed = (images_seen - images_before) / max(now - started, 1e-9)
        epoch = math.ceil(images_seen / self.images_per_epoch)
        batch = math.ceil((images_seen - (epoch - 1) * self.images_per_epoch) / self.images_per_step)
        entry = {"images_seen": images_seen, "epoch": epoch, "batch": batch, **means}
        self._append(entry | {"images_per_second": round(speed, 2), "seconds": round(self.seconds, 2)})
        self.info(
            f"[E{epoch:02d} | B{batch:04d}] "
            f"D(real): loss={means['real_loss']:.4f}, acc={means['real_accuracy']:.4f} | "
            f"D(fake): loss={means['fake_loss']:.4f}, acc={means['fake_accuracy']:.4f} | "
            f"G: loss={means['generator_loss']:.4f}, fools D={means['generator_accuracy']:.4f} | "
            f"{speed:.1f} img/s"
        )
        self._plot(means, images_seen)
        self._sums, self._steps, self._line_started = None, 0, (now, images_seen)
        return means

    @contextmanager
    def untimed(self) -> Iterator[None]:
        """Leave the block out of the speed, which is that of training steps alone."""
        before = self._clock.seconds()
        yield
        started, images_before = self._line_started
        self._line_started = (started + self._clock.seconds() - before, images_before)

    def write_metrics(self, images_seen: int, values: dict[str, float], conditions: dict[str, Any]) -> None:
        """Write metrics of the faces, and the conditions of their measurement."""
        self._append({"images_seen": images_seen, **values, **conditions, "seconds": round(self.seconds, 2)})
        self._plot(values, images_seen)

    def warn(self, images_seen: int, message: str, **facts: Any) -> None:
        """Log a warning, with facts for programs."""
        self._append({"images_seen": images_seen, "warning": message, **facts})
        self.info(f"warning: {message}")

    def info(self, message: str) -> None:
        """Print a message and append it to console.log."""
        message = printable(message)
        try:
            self.console.print(message, markup=False, highlight=False, soft_wrap=True)
        except BrokenPipeError:
            raise
        except OSError:  # the output is a file on a full disk
            pass
        self._add_to("console.log", message)

    def require_folder(self) -> None:
        """Raise RunError if the run's folder is gone, rather than create another."""
        if self.run is not None and not os.path.lexists(self.run):
            raise RunError(
                f"The folder {self.run} disappeared during training; restore it, and the same command "
                "resumes from its newest checkpoint."
            )

    def flush(self) -> None:
        """Flush log.jsonl to the disk, so that no checkpoint is newer than its lines after a power loss."""
        if self.run is not None:
            with suppress(OSError), open_regular_file(self.run / "log.jsonl") as file:
                os.fsync(file.fileno())
        if self._writer is not None:
            with suppress(OSError):
                self._writer.flush()

    def close(self) -> None:
        """Flush everything, and try once more to write what could not be written."""
        self._clock.close()
        if self.run is not None and self.run.exists():
            for name in [*self._unwritten]:
                self._write(self.run, name)
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()

    def _append(self, entry: dict[str, Any]) -> None:
        self._add_to("log.jsonl", json.dumps(entry))

    def _add_to(self, name: str, line: str) -> None:
        if self.run is not None:
            self._unwritten.setdefault(name, []).append(line + "\n")
            self._write(self.run, name)

    def _write(self, run: Path, name: str) -> None:
        """Write the pending lines of that file, if there is room."""
        try:
            lines = "".join(self._unwritten[name])
            append_whole(run / name, lines.encode(errors="backslashreplace"))
        except OSError:
            self.require_folder()
        else:
            del self._unwritten[name]

    def _plot(self, values: dict[str, float], images_seen: int) -> None:
        if self._writer is not None:
            with suppress(OSError):  # a full disk; log.jsonl has the values too
                for name, value in values.items():
                    self._writer.add_scalar(name, value, images_seen)


def read_log(run: Path, having: str = "real_loss") -> list[dict[str, Any]]:
    """Return the log entries that have this value, oldest first; by default the lines of training.

    A last line that a crash cut short is left out.
    """
    return [entry for entry in entries(run) if having in entry]


def entries(run: Path) -> Iterator[dict[str, Any]]:
    """Yield the entries of the run's log, oldest first; none without a log."""
    with suppress(FileNotFoundError), open_regular_file(run / "log.jsonl") as file:
        yield from map(_entry, file)


def _entry(line: str | bytes) -> dict[str, Any]:
    """Parse a line of the log; return an empty entry for an incomplete one."""
    try:
        entry = json.loads(line)
        return entry if isinstance(entry, dict) else {}
    except (ValueError, RecursionError):
        return {}


def _number(entry: dict[str, Any], name: str, default: float) -> float:
    """Return a number of an entry; infinity for what is none."""
    value = entry.get(name, default)
    return value if isinstance(value, int | float) else math.inf


def _tensorboard() -> type[SummaryWriter]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise UsageError(
            "--tensorboard needs the tensorboard package: pip install 'strangers[tensorboard]'."
        ) from None
    return SummaryWriter
