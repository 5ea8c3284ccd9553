"""A plan: everything that is decided before the first step, and what it will cost."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch

from strangers.data.prepare import open_or_prepare
from strangers.data.prepared import PreparedSet
from strangers.devices import Choice, choose_device, choose_precision, choose_threads, require_compiler
from strangers.errors import UsageError
from strangers.recipe import Recipe, parameter_counts, with_overrides
from strangers.recipes import recipe_named
from strangers.training.distributed import ALONE, Processes
from strangers.training.guard import ON_COLLAPSE
from strangers.training.step import compile_networks, new_state, training_step

MEASURED_SECONDS = 2.0
"""How long a dry run measures the speed; at least one step."""


FEWEST = 257
"""Faces, and pictures of the set, in an evaluation: more than its features have dimensions."""


@dataclass(frozen=True)
class Routine:
    """What is done beside the steps, and after how many images.

    Attributes:
        every, log_every: images between pictures with checkpoints, and between lines of the log, which are
            50 steps apart unless told otherwise.
        keep: how many checkpoints stay.
        evaluate_every, evaluate_count: images between evaluations, if there are any, and faces in each.
        patience: after how many evaluations without a better one the training ends, if any.
        on_collapse: what is done when a training is lost: see guard.py.
    """

    every: int = 20_000
    log_every: int | None = None
    keep: int = 3
    evaluate_every: int | None = None
    evaluate_count: int = 2_000
    patience: int | None = None
    on_collapse: str = "warn"

    def check(self) -> None:
        """Raise UsageError for what cannot be."""
        for what, images in (("Pictures and checkpoints", self.every), ("Evaluations", self.evaluate_every)):
            if images is not None and images < 1000:
                raise UsageError(
                    f"{what} are at least 1,000 images apart, not {images}; pictures are named so."
                )
        if self.log_every is not None and self.log_every < 1:
            raise UsageError(f"Lines of the log are at least 1 image apart, not {self.log_every}.")
        if self.keep < 1:
            raise UsageError(f"At least 1 checkpoint has to stay, not {self.keep}.")
        if self.evaluate_count < FEWEST:
            raise UsageError(
                f"An evaluation needs at least {FEWEST} faces, better 2,000, not {self.evaluate_count}."
            )
        if self.patience is not None and self.evaluate_every is None:
            raise UsageError("Patience counts evaluations: say how often with --evaluate-every.")
        if self.patience is not None and self.patience < 1:
            raise UsageError(f"Patience lasts for at least 1 evaluation, not {self.patience}.")
        if self.on_collapse not in ON_COLLAPSE:
            raise UsageError(f"--on-collapse is {', '.join(ON_COLLAPSE)}, not {self.on_collapse!r}.")

    def check_set(self, data: PreparedSet) -> None:
        """Raise UsageError for a set that is too small to be measured against."""
        if self.evaluate_every is not None and len(data) < FEWEST:
            raise UsageError(
                f"Evaluations need a set of at least {FEWEST} pictures, not {len(data)}: "
                "prepare more, or leave out --evaluate-every."
            )


@dataclass(frozen=True)
class Plan:
    """Everything that is decided before the first step."""

    recipe: Recipe
    data: PreparedSet
    seed: int
    device: Choice[torch.device]
    precision: Choice[torch.dtype]
    threads: Choice[int]
    compiled: bool = False


def make_plan(
    data: str | Path,
    recipe: str | Recipe,
    *,
    images: int | None = None,
    epochs: float | None = None,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    compiled: bool = False,
    overrides: Mapping[str, str] | None = None,
    progress: bool = True,
    processes: Processes = ALONE,
) -> Plan:
    """Resolve the arguments of `train`; opens or prepares the set. Raises UsageError, DataError."""
    if images is not None and epochs is not None:
        raise UsageError("Say how long to train in images or in epochs, not in both.")
    if not 0 <= seed < 2**63:
        raise UsageError(f"A training's seed is a whole number from 0 to 2**63 - 1, not {seed}.")
    chosen = recipe_named(recipe) if isinstance(recipe, str) else recipe
    chosen = with_overrides(chosen, dict(overrides or {}))
    processes.check((chosen.batch, chosen.generator_batch))
    chosen_device = choose_device(device, processes.local_rank, processes.local_count)
    chosen_precision = choose_precision(precision, chosen_device.value)
    chosen_threads = choose_threads(threads, processes.local_count)
    if compiled:
        require_compiler(chosen_device.value)
    crop = None if chosen.crop == "auto" else chosen.crop
    prepared = open_or_prepare(str(data), size=chosen.size, crop=crop, progress=progress)
    if prepared.manifest.size != chosen.size:
        raise UsageError(
            f"{data} holds pictures of {prepared.manifest.size} px, but {chosen.name} makes "
            f"{chosen.size} px; "
            f"prepare the photographs with --size {chosen.size}, or choose another recipe."
        )
    if epochs is not None:
        images = round(epochs * len(prepared))
    budget = chosen.images if images is None else images
    if budget < 1:
        raise UsageError(f"A training needs at least 1 image, not {budget}.")
    changes = {"crop": prepared.manifest.crop, "images": budget}
    return Plan(
        chosen.model_copy(update=changes), prepared, seed,
        chosen_device, chosen_precision, chosen_threads, compiled,
    )  # fmt: skip


def dry_run(
    data: str | Path,
    recipe: str | Recipe = "fast-64",
    out: str | Path = "runs/1",
    *,
    tensorboard: bool = False,
    **settings: Any,
) -> str:
    """What `train` with these arguments would do, what it needs and how long it takes; nothing is trained.

    Speed and memory are measured with a few steps on pictures of noise. Raises as `make_plan` does.
    """
    del tensorboard
    names = [field.name for field in fields(Routine) if field.name in settings]
    routine = Routine(**{name: settings.pop(name) for name in names})
    routine.check()
    plan = make_plan(data, recipe, **settings)
    routine.check_set(plan.data)
    chosen = plan.recipe
    speed = training_speed(chosen, plan.device.value, plan.precision.value, MEASURED_SECONDS, plan.compiled)
    counts = parameter_counts(chosen)
    steps = -(-chosen.images // chosen.images_per_step)
    checkpoints = routine.keep + (routine.evaluate_every is not None)  # the best one stays besides
    disk = (
        checkpoints * 4 * (4 * counts["generator"] + 3 * counts["discriminator"])
    )  # weights, moments and the average
    epochs = chosen.images / len(plan.data)
    rows = {
        "run": f"{out}",
        "data": f"{data}: {len(plan.data):,} pictures of {chosen.size} px, crop {chosen.crop}",
        "images": f"{chosen.images:,}, which is {epochs:.1f} epochs or {steps:,} steps",
        "generator": f"{counts['generator']:,} parameters",
        "discriminator": f"{counts['discriminator']:,} parameters",
        "device": f"{plan.device.value}. {plan.device.reason}",
        "precision": f"{dtype_name(plan.precision.value)}. {plan.precision.reason}",
        "threads": f"{plan.threads.value}. {plan.threads.reason}",
        "memory": f"{_peak_memory(plan.device.value) / 2**30:.1f} GiB at most, measured",
        "disk": f"{disk / 2**20:,.0f} MiB for {checkpoints} checkpoints",
        "speed": f"{speed:,.1f} images a second, measured",
        "time": f"about {duration(chosen.images / speed)}",
    }
    listing = "\n".join(f"{name:<14}{text}" for name, text in rows.items())
    return f"{listing}\nrecipe        {chosen.model_dump_json(indent=2)}"


def dtype_name(dtype: torch.dtype) -> str:
    """The short name of a precision: "fp32" or "bf16"."""
    return {torch.float32: "fp32", torch.bfloat16: "bf16"}[dtype]


def duration(seconds: float) -> str:
    """Seconds as a person says them: "42 seconds", "7 minutes", "3.5 hours", "2.1 days"."""
    for unit, length in (("days", 86_400), ("hours", 3_600)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"


def training_speed(
    recipe: Recipe, device: torch.device, precision: torch.dtype, seconds: float, compiled: bool = False
) -> float:
    """Images a second in training steps on noise, over at least one step and `seconds`."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        state = new_state(recipe, 0, device)
        if compiled:
            compile_networks(state, recipe)
        noise = torch.rand(recipe.images_per_step, 3, recipe.size, recipe.size, device=device) * 2 - 1
        noise = noise.contiguous(memory_format=torch.channels_last)
        started, seen_before, elapsed = time.perf_counter(), 0, 0.0
        while elapsed < seconds or seen_before == 0:
            with autocast(device, precision):
                report = training_step(state, noise, recipe)
            report.generator_loss.item()  # waits for the device
            if seen_before == 0:  # the first step pays for starting up, and does not count
                started, seen_before = time.perf_counter(), state.images_seen
                continue
            elapsed = time.perf_counter() - started
    return (state.images_seen - seen_before) / elapsed


def autocast(device: torch.device, precision: torch.dtype) -> torch.autocast:
    """The context in which networks run in that precision; weights stay float32."""
    return torch.autocast(device.type, precision, enabled=precision != torch.float32)


def _peak_memory(device: torch.device) -> int:
    """Bytes that this process has needed at most: of the GPU where there is one, else of the machine."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":  # no `resource` there
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
