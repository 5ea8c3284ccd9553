"""The dry run: report what a training would do and cost, without training."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from strangers.recipes.recipe import Recipe, flatten, parameter_counts, written
from strangers.system.streams import printable
from strangers.training.adaptive_threads import first_schedule, is_given, resumed_threads
from strangers.training.checkpoint import images_seen
from strangers.training.distributed import SINGLE_PROCESS
from strangers.training.options import TrainingOptions, keyword_options
from strangers.training.plan import dtype_name, duration, make_plan
from strangers.training.run import as_recorded, check_run, read_run
from strangers.training.speed import load, training_speed

MEASURED_SECONDS = 2.0
"""Duration of the speed measurement, which takes at least one step."""

BYTES_PER_FLOAT = 4


@dataclass(frozen=True)
class DryRun:
    """The plan of a training and its cost in words, by topic, and its recipe."""

    rows: Mapping[str, str]
    recipe: Recipe

    def __str__(self) -> str:
        values = [(name, written(value)) for name, value in flatten(self.recipe.model_dump(mode="json"))]
        width = max(len(name) for name, _ in values)
        blocks = [("Plan", [*self.rows.items()]), ("Recipe", values)]
        return "\n\n".join(
            "\n".join([title, *(f"  {name:<{width}}  {printable(text)}" for name, text in rows)])
            for title, rows in blocks
        )


@keyword_options(TrainingOptions)
def dry_run(data: str | Path, options: TrainingOptions) -> DryRun:
    """Report what `train` would do with these arguments, what it needs and how long it takes.

    Speed and memory are measured in a few steps on noise. Raises UsageError, DataError and RunError, as
    `train` would before its first step.
    """
    out = None if options.out is None else Path(options.out)
    known = None if out is None else read_run(out)
    options = as_recorded(options, known)
    plan, schedule = first_schedule(make_plan(data, options), options, known, SINGLE_PROCESS)
    seen = 0 if out is None else images_seen(out)
    if out is not None:
        check_run(out, plan, schedule)
    recipe = plan.recipe
    threads, reason = resumed_threads(plan, options, schedule, SINGLE_PROCESS, seen), plan.threads.reason
    if known is not None and not is_given(options, SINGLE_PROCESS):
        reason = "The run continues as recorded."
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    speed = training_speed(recipe, plan.device.value, plan.precision.value, MEASURED_SECONDS, plan.compiled)
    torch.set_num_threads(before)
    counts = parameter_counts(recipe)
    steps = -(-recipe.images // recipe.images_per_step)
    checkpoints = options.keep + (options.evaluate_every is not None)  # and the best one
    rows = {
        "run": f"{out or 'a new folder in runs/'}" + f", which has seen {seen:,} images" * (seen > 0),
        "data": f"{data}: {len(plan.data):,} pictures of {recipe.size} px, crop {recipe.crop}",
        "measured": f"{plan.measured_on}",
        "images": f"{recipe.images:,}, or {recipe.images / len(plan.data):.1f} epochs, or {steps:,} steps",
        "generator": f"{counts['generator']:,} parameters",
        "discriminator": f"{counts['discriminator']:,} parameters",
        "device": f"{plan.device.value}. {plan.device.reason}",
        "precision": f"{dtype_name(plan.precision.value)}. {plan.precision.reason}",
        "threads": f"{threads}. {reason}",
        "memory": f"{_peak_memory(plan.device.value) / 2**30:.1f} GiB at the peak, measured",
        "disk": f"{checkpoints * _checkpoint_bytes(counts) / 2**20:,.0f} MiB for {checkpoints} checkpoints",
        "speed": f"{speed:,.1f} images/s, measured{load()}",
        "time": f"about {duration(max(0, recipe.images - seen) / speed)}",
    }
    return DryRun(rows, recipe)


def _checkpoint_bytes(parameters: dict[str, int]) -> int:
    """Return the size of a checkpoint: weights, two moments each, and the EMA."""
    return BYTES_PER_FLOAT * (4 * parameters["generator"] + 3 * parameters["discriminator"])


def _peak_memory(device: torch.device) -> int:
    """Return the peak memory of this process in bytes: of the GPU if it uses one, else of the machine."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":  # has no `resource`
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
