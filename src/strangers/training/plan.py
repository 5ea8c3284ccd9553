"""Plan: the decisions before the first step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from strangers.data.crops import comparable
from strangers.data.prepare import open_or_prepare
from strangers.data.prepared import HELD_OUT, PreparedSet
from strangers.errors import UsageError
from strangers.evaluation.memorization import MIN_CONTROLS
from strangers.recipes.recipe import Recipe, with_overrides
from strangers.system.devices import Choice, choose_device, choose_precision, choose_threads, require_compiler
from strangers.training.ancestor import FEW_PICTURES, Ancestor, few_recipe, read_ancestor
from strangers.training.distributed import SINGLE_PROCESS, Processes
from strangers.training.options import DEFAULT_RECIPE, MIN_FACES, TrainingOptions
from strangers.training.recipe_source import find_recipe


@dataclass(frozen=True)
class Plan:
    """The decisions before the first step: recipe, data and hardware, the latter with reasons.

    ancestor: the model from which the training starts. few: its recipe is for few pictures. reference: the
    pictures that evaluations compare faces with; None without evaluations. max_threads: of which `threads`
    is the faster choice, or one thread.
    """

    recipe: Recipe
    data: PreparedSet
    seed: int
    device: Choice[torch.device]
    precision: Choice[torch.dtype]
    threads: Choice[int]
    compiled: bool = False
    ancestor: Ancestor | None = None
    few: bool = False
    reference: PreparedSet | None = None
    max_threads: int = 1

    @property
    def measured_on(self) -> str:
        """The pictures that evaluations compare faces with, in words."""
        if self.reference is None:
            return "No evaluations"
        if self.reference is self.data:
            return f"Evaluations compare with the {len(self.data):,} pictures of the training"
        return f"Evaluations compare with the {len(self.reference):,} held-out pictures"


def make_plan(data: str | Path, options: TrainingOptions, processes: Processes = SINGLE_PROCESS) -> Plan:
    """Resolve the options of a training; open the set, or prepare it. Raises UsageError and DataError."""
    ancestor = None if options.from_model is None else read_ancestor(options.from_model)
    recipe = with_overrides(_recipe(options, ancestor), options.changes)
    if ancestor is not None:
        ancestor.check(recipe)
    processes.check((recipe.batch, recipe.generator_batch or recipe.batch))
    device = choose_device(options.device, processes.local_rank, processes.local_count)
    precision = choose_precision(options.precision, device.value)
    threads = choose_threads(options.threads, processes.local_count)
    if options.compiled:
        require_compiler(device.value)
    crop = None if recipe.crop == "auto" else recipe.crop
    if crop is None and ancestor is not None and comparable(ancestor.crop, "aligned"):
        crop = "aligned"
    prepared = open_or_prepare(str(data), size=recipe.size, crop=crop, progress=options.progress)
    if prepared.manifest.size != recipe.size:
        raise UsageError(
            f"{data} holds pictures of {prepared.manifest.size} px, but {recipe.name} makes "
            f"{recipe.size} px; train with --size {prepared.manifest.size}, or prepare the photographs with "
            f"--size {recipe.size}."
        )
    if prepared.manifest.split == HELD_OUT:
        raise UsageError(
            f"{data} is the held-out part of {prepared.path.parent}: train on that set, which measures "
            "against this part."
        )
    few = ancestor is not None and len(prepared) < FEW_PICTURES
    if ancestor is not None and ancestor.discriminator and options.recipe is None and not few:
        recipe = with_overrides(ancestor.recipe, options.changes)
    reference = _reference(prepared, options, few)
    if not few:
        options.check_data(len(reference or prepared))
    images = recipe.images if options.images is None else options.images
    if options.epochs is not None:
        images = round(options.epochs * len(prepared))
    if images < 1:
        raise UsageError(f"A training needs at least 1 image (got {images}).")
    recipe = recipe.replace(crop=prepared.manifest.crop, images=images)
    return Plan(
        recipe, prepared, options.seed, device, precision, threads, options.compiled, ancestor, few,
        reference, threads.value,
    )  # fmt: skip


def _reference(data: PreparedSet, options: TrainingOptions, few: bool) -> PreparedSet | None:
    """Return the pictures that evaluations compare faces with: held-out ones, if there are enough of them.

    Raises DataError if the set has a held-out part that is missing.
    """
    if options.evaluate_every is None and not few:
        return None
    return data.held_out_of(MIN_CONTROLS if few else MIN_FACES) or data


def _recipe(options: TrainingOptions, ancestor: Ancestor | None) -> Recipe:
    """Return the requested recipe, or the default: with a model to start from, that for few pictures."""
    if isinstance(options.recipe, Recipe):
        return options.recipe
    if options.recipe is not None or ancestor is None:
        return find_recipe(options.recipe or DEFAULT_RECIPE)
    return few_recipe(ancestor)


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
