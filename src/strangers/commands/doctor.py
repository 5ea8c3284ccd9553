"""`strangers doctor`: report what this machine can do, what `auto` chooses, and how fast it trains."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from strangers.commands.outcome import Outcome
from strangers.system.machine import free_memory, processor_name, usable_cores, versions
from strangers.training.options import DEFAULT_RECIPE

if TYPE_CHECKING:
    import torch


MIN_DISK_GIB = 5.0
MIN_MEMORY_GIB = 2.0
MIN_IMAGES_PER_SECOND = 40.0
"""At this speed the default recipe takes about three hours."""

HEADINGS = "| date | system | device | Python | torch | strangers | training |"

VERIFIED = "send the row in an issue or a pull request for docs/reference/verified.md"

NEXT = "strangers train synthetic --recipe fast-32 --images 30k"


def doctor(
    *,
    seconds: Annotated[
        float, Option(metavar="S", min=0, help="Seconds for the speed measurement; 0 skips it.")
    ] = 5.0,
    report: Annotated[
        bool,
        Option("--report", help="Print a row for the table of verified machines, to send to the authors."),
    ] = False,
) -> Outcome:
    """Report what this machine can do, and how fast it trains."""
    found = examine(seconds)
    lines = [HEADINGS, row(found, date.today())] if report else str(found).split("\n")
    return Outcome(lines, facts=asdict(found), next=VERIFIED if report else NEXT)


@dataclass(frozen=True)
class Report:
    """The findings.

    Attributes:
        system, processor: names of the operating system and of the CPU.
        versions: versions of Python, of strangers and of the packages it computes with.
        cores, threads: cores that this process may use, and threads of torch.
        devices: all available devices, GPUs with their memory.
        device, precision: choices of `auto`, each with the reason.
        memory_gib: free memory; None if unknown.
        disk_gib: free space in the current folder.
        load: mean number of running processes over the last minute; None if unknown.
        images_per_second: speed of training the default recipe; None if not measured.
        images_per_second_by_threads: the same on a CPU with one thread and with all; empty if not measured.
        advice: recommendations, if any.
    """

    system: str
    processor: str
    versions: dict[str, str]
    cores: int
    threads: int
    devices: list[str]
    device: str
    precision: str
    memory_gib: float | None
    disk_gib: float
    load: float | None
    images_per_second: float | None
    images_per_second_by_threads: dict[int, float]
    advice: list[str]

    def __str__(self) -> str:
        memory = "unknown" if self.memory_gib is None else f"{self.memory_gib:.1f} GiB free"
        speed = "not measured"
        if self.images_per_second is not None:
            speed = f"{self.images_per_second:,.0f} images/s in training {DEFAULT_RECIPE}"
            by_threads = self.images_per_second_by_threads.items()
            counts = (f"{value:,.0f} on {count} thread{'s' * (count > 1)}" for count, value in by_threads)
            speed += f" ({', '.join(counts)})" if by_threads else ""
        rows = {
            "system": self.system,
            "processor": f"{self.processor}, {self.cores} cores, {self.threads} torch threads",
            "load": "unknown" if self.load is None else f"{self.load:.1f} processes on {self.cores} cores",
            "versions": ", ".join(f"{name} {number}" for name, number in self.versions.items()),
            "devices": ", ".join(self.devices),
            "auto": f"--device {self.device}",
            "": f"--precision {self.precision}",
            "memory": memory,
            "disk": f"{self.disk_gib:,.1f} GiB free in {Path.cwd()}",
            "speed": speed,
        }
        lines = [f"{name:<11}{value}" for name, value in rows.items()]
        return "\n".join(lines + [f"advice     {sentence}" for sentence in self.advice])


def row(report: Report, day: date) -> str:
    """Return the report as one row under HEADINGS. It names the hardware and no person, host or folder."""
    device, precision = (text.partition(":")[0] for text in (report.device, report.precision))
    hardware = next((one for one in report.devices if one.startswith(device) and "(" in one), device)
    if device == "cpu":
        hardware = f"cpu ({report.processor}, {report.cores} cores)"
    speed = report.images_per_second
    training = "not measured" if speed is None else f"{DEFAULT_RECIPE} {precision}, {speed:,.0f} images/s"
    versions = (report.versions[name] for name in ("python", "torch", "strangers"))
    return f"| {' | '.join((day.isoformat(), report.system, hardware, *versions, training))} |"


def examine(seconds: float = 5.0) -> Report:
    """Examine the machine, and measure its training speed on noise for `seconds`; 0 skips that."""
    import torch

    from strangers.system.devices import choose_device, choose_precision
    from strangers.training.plan import dtype_name

    device = choose_device()
    precision = choose_precision("auto", device.value)
    memory = free_memory()
    disk = shutil.disk_usage(Path.cwd()).free / 2**30
    speeds = measure(device.value, precision.value, seconds) if seconds > 0 else {}
    speed = max(speeds.values(), default=None)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return Report(
        system=platform.platform(),
        processor=processor_name(),
        versions=versions(),
        cores=usable_cores(),
        threads=torch.get_num_threads(),
        devices=devices(),
        device=f"{device.value}: {device.reason}",
        precision=f"{dtype_name(precision.value)}: {precision.reason}",
        memory_gib=memory,
        disk_gib=disk,
        load=load,
        images_per_second=speed,
        images_per_second_by_threads=speeds if len(speeds) > 1 else {},
        advice=advice(memory, disk, speed),
    )


def measure(device: torch.device, precision: torch.dtype, seconds: float) -> dict[int, float]:
    """Measure images per second of the default recipe by number of threads: one and all on a CPU."""
    import torch

    from strangers.recipes.presets import RECIPES
    from strangers.training.speed import thread_speeds, training_speed

    recipe, threads = RECIPES[DEFAULT_RECIPE], min(torch.get_num_threads(), usable_cores())
    if device.type == "cpu" and threads > 1:
        return thread_speeds(recipe, device, precision, threads, seconds / 2)
    return {threads: training_speed(recipe, device, precision, seconds)}


def advice(memory_gib: float | None, disk_gib: float, images_per_second: float | None) -> list[str]:
    """Return recommendations for low figures."""
    sentences = []
    if memory_gib is not None and memory_gib < MIN_MEMORY_GIB:
        sentences.append("Little memory is free; choose a 32 px recipe, or use --set batch=64.")
    if disk_gib < MIN_DISK_GIB:
        sentences.append("Little disk is free; a prepared CelebA at 64 px takes 2.3 GiB, a run less than 1.")
    if images_per_second is not None and images_per_second < MIN_IMAGES_PER_SECOND:
        sentences.append("Training at 64 px is slow here; start with fast-32.")
    return sentences


def devices() -> list[str]:
    """Return the devices that `--device` accepts here."""
    import torch

    found = ["cpu"]
    for index in range(torch.cuda.device_count()):
        card = torch.cuda.get_device_properties(index)
        found.append(f"cuda:{index} ({card.name}, {card.total_memory / 2**30:.0f} GiB)")
    if torch.backends.mps.is_available():
        found.append("mps")
    return found
