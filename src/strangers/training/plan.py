"""A plan: everything that is decided before the first step, and what it will cost."""

from __future__ import annotations

from collections.abc import Mapping
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
    processes: Processes = SINGLE_PROCESS,
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


def dtype_name(dtype: torch.dtype) -> str:
    """The short name of a precision: "fp32" or "bf16"."""
    return {torch.float32: "fp32", torch.bfloat16: "bf16"}[dtype]


def duration(seconds: float) -> str:
    """Seconds as a person says them: "42 seconds", "7 minutes", "3.5 hours", "2.1 days"."""
    for unit, length in (("days", 86_400), ("hours", 3_600)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"


def autocast(device: torch.device, precision: torch.dtype) -> torch.autocast:
    """The context in which networks run in that precision; weights stay float32."""
    return torch.autocast(device.type, precision, enabled=precision != torch.float32)
