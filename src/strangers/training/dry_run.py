"""What a training will do and cost, measured without training."""

from __future__ import annotations

import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from strangers.recipes.recipe import Recipe, parameter_counts
from strangers.training.options import TrainingOptions
from strangers.training.plan import autocast, dtype_name, duration, make_plan
from strangers.training.step import compile_networks, new_state, training_step

MEASURED_SECONDS = 2.0
"""How long a dry run measures the speed; at least one step."""


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
    names = [field.name for field in fields(TrainingOptions) if field.name in settings]
    routine = TrainingOptions(**{name: settings.pop(name) for name in names})
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


def _peak_memory(device: torch.device) -> int:
    """Bytes that this process has needed at most: of the GPU where there is one, else of the machine."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":  # no `resource` there
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
