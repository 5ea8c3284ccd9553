"""Plan: the decisions before the first step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from strangers.data.prepare import open_or_prepare
from strangers.data.prepared import PreparedSet
from strangers.errors import UsageError
from strangers.recipes.presets import recipe_named
from strangers.recipes.recipe import Recipe, with_overrides
from strangers.system.devices import Choice, choose_device, choose_precision, choose_threads, require_compiler
from strangers.training.distributed import SINGLE_PROCESS, Processes
from strangers.training.options import TrainingOptions


@dataclass(frozen=True)
class Plan:
    """The decisions before the first step: recipe, data and hardware, the latter with reasons."""

    recipe: Recipe
    data: PreparedSet
    seed: int
    device: Choice[torch.device]
    precision: Choice[torch.dtype]
    threads: Choice[int]
    compiled: bool = False


def make_plan(data: str | Path, options: TrainingOptions, processes: Processes = SINGLE_PROCESS) -> Plan:
    """Resolve the options of a training; open the set, or prepare it. Raises UsageError and DataError."""
    recipe = recipe_named(options.recipe) if isinstance(options.recipe, str) else options.recipe
    recipe = with_overrides(recipe, options.overrides or {})
    processes.check((recipe.batch, recipe.generator_batch))
    device = choose_device(options.device, processes.local_rank, processes.local_count)
    precision = choose_precision(options.precision, device.value)
    threads = choose_threads(options.threads, processes.local_count)
    if options.compiled:
        require_compiler(device.value)
    crop = None if recipe.crop == "auto" else recipe.crop
    prepared = open_or_prepare(str(data), size=recipe.size, crop=crop, progress=options.progress)
    if prepared.manifest.size != recipe.size:
        raise UsageError(
            f"{data} holds pictures of {prepared.manifest.size} px, but {recipe.name} makes "
            f"{recipe.size} px; "
            f"prepare the photographs with --size {recipe.size}, or choose another recipe."
        )
    options.check_data(len(prepared))
    images = recipe.images if options.images is None else options.images
    if options.epochs is not None:
        images = round(options.epochs * len(prepared))
    if images < 1:
        raise UsageError(f"A training needs at least 1 image (got {images}).")
    recipe = recipe.model_copy(update={"crop": prepared.manifest.crop, "images": images})
    return Plan(recipe, prepared, options.seed, device, precision, threads, options.compiled)


def dtype_name(dtype: torch.dtype) -> str:
    """Return the short name of a precision: "fp32" or "bf16"."""
    return {torch.float32: "fp32", torch.bfloat16: "bf16"}[dtype]


def duration(seconds: float) -> str:
    """Return a duration in words: "42 seconds", "7 minutes", "3.5 hours", "2.1 days"."""
    for unit, length in (("days", 86_400), ("hours", 3_600)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"


def autocast(device: torch.device, precision: torch.dtype) -> torch.autocast:
    """Return the context in which networks compute in that precision; weights stay float32."""
    return torch.autocast(device.type, precision, enabled=precision != torch.float32)
