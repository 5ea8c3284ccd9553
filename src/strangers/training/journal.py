"""The journal of a run: a console line and a JSON line at every interval, a progress bar, the curves."""

from __future__ import annotations

import io
import json
import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from strangers.files import write_atomically
from strangers.training.step import StepReport

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

INK = {"real": "#0072b2", "fake": "#d55e00", "generator": "#009e73"}  # told apart by colour-blind eyes too


class Speed(ProgressColumn):
    """Images a second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f} img/s")


class Journal:
    """Means since the last line, written as they come.

    Attributes:
        seconds: how long the run has been training, over all its sittings.
    """

    def __init__(
        self,
        run: Path,
        *,
        images_per_epoch: int,
        images_per_step: int,
        budget: int,
        progress: bool = True,
        tensorboard: bool = False,
    ) -> None:
        self.run = run
        self.images_per_epoch, self.images_per_step, self.budget = images_per_epoch, images_per_step, budget
        self.console = Console(quiet=not progress, highlight=False, soft_wrap=True)
        self.bar = Progress(
            BarColumn(),
            TextColumn("{task.completed:,.0f} of {task.total:,.0f} images"),
            Speed(),
            TimeRemainingColumn(),
            console=self.console,
            disable=not (progress and self.console.is_terminal),
            speed_estimate_period=120,
        )
        self.task = self.bar.add_task("", total=budget)
        self.seconds = 0.0
        self._sums: torch.Tensor | None = None
        self._steps = 0
        self._line_started = (time.perf_counter(), 0)  # when, and after how many images
        self._clock = time.perf_counter()
        self._writer = _tensorboard(run) if tensorboard else None

    def resume(self, images_seen: int, seconds: float, sums: dict[str, Any] | None) -> None:
        """Take up where a checkpoint left off: lines after it are dropped, for they will be written again."""
        self.seconds = seconds
        if sums is not None:
            self._steps, self._sums = sums["steps"], torch.tensor(sums["sums"])
        path = self.run / "log.jsonl"
        if path.exists():
            kept = [
                line for line in path.read_text().splitlines(keepends=True) if _images(line) <= images_seen
            ]
            write_atomically(path, "".join(kept).encode())
        self._clock = time.perf_counter()
        self._line_started = (self._clock, images_seen)
        self.bar.update(self.task, completed=images_seen)

    def state(self) -> dict[str, Any] | None:
        """The sums since the last line, for a checkpoint."""
        return None if self._sums is None else {"steps": self._steps, "sums": self._sums.tolist()}

    def add(self, report: StepReport, images_seen: int) -> None:
        """Take in one step; nothing waits for the device."""
        values = torch.stack(report)
        self._sums = values if self._sums is None else self._sums.to(values.device) + values
        self._steps += 1
        now = time.perf_counter()
        self.seconds += now - self._clock
        self._clock = now
        self.bar.update(self.task, completed=images_seen)

    def line(self, images_seen: int) -> None:
        """Write the means since the last line, and begin anew."""
        if self._sums is None:
            return
        means = dict(zip(StepReport._fields, (self._sums / self._steps).tolist(), strict=True))
        now = time.perf_counter()
        started, images_before = self._line_started
        speed = (images_seen - images_before) / max(now - started, 1e-9)
        epoch = math.ceil(images_seen / self.images_per_epoch)
        batch = math.ceil((images_seen - (epoch - 1) * self.images_per_epoch) / self.images_per_step)
        entry = {"images": images_seen, "epoch": epoch, "batch": batch, **means}
        entry |= {"images_per_second": round(speed, 2), "seconds": round(self.seconds, 2)}
        with (self.run / "log.jsonl").open("a") as file:
            file.write(json.dumps(entry) + "\n")
        self.say(
            f"[E{epoch:02d} | B{batch:04d}] "
            f"D(real): loss={means['real_loss']:.4f}, acc={means['real_accuracy']:.4f} | "
            f"D(fake): loss={means['fake_loss']:.4f}, acc={means['fake_accuracy']:.4f} | "
            f"G: loss={means['generator_loss']:.4f}, acc={means['generator_accuracy']:.4f} | "
            f"{speed:.1f} img/s"
        )
        if self._writer is not None:
            for name, value in means.items():
                self._writer.add_scalar(name, value, images_seen)
        self._sums, self._steps, self._line_started = None, 0, (now, images_seen)

    def say(self, sentence: str) -> None:
        """Put a sentence on the console and in console.log."""
        self.console.print(sentence, markup=False)
        with (self.run / "console.log").open("a") as file:
            file.write(sentence + "\n")

    def close(self) -> None:
        """Flush what is open."""
        if self._writer is not None:
            self._writer.close()


def read_log(run: Path) -> list[dict[str, float]]:
    """The run's lines, oldest first; a last line that a crash cut short is left out."""
    path = run / "log.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if _images(line) >= 0]


def curves(run: Path) -> bytes | None:
    """Losses and accuracies against images seen, as a PNG; None before the first line."""
    entries = read_log(run)
    if not entries:
        return None
    from matplotlib.figure import Figure  # half a second that only a run with a picture pays

    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, kind in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        images = [entry["images"] for entry in entries]
        for who, label in (("real", "D on real"), ("fake", "D on fake"), ("generator", "G")):
            values = [entry[f"{who}_{kind}"] for entry in entries]
            axes.plot(images, values, color=INK[who], label=label, linewidth=1.2)
        axes.set(title=kind.capitalize(), xlabel="images seen", xlim=(0, None), ylim=(0, None))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:,.0f}k")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    figure.axes[0].legend(frameon=False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    return picture.getvalue()


def _images(line: str) -> int:
    """The images seen at a line of the log; -1 for a line that was cut short."""
    try:
        return int(json.loads(line)["images"])
    except (ValueError, KeyError, TypeError):
        return -1


def _tensorboard(run: Path) -> SummaryWriter:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        from strangers.errors import UsageError

        raise UsageError(
            "--tensorboard needs the tensorboard package: pip install 'strangers[tensorboard]'."
        ) from None
    return SummaryWriter(run / "tensorboard")
