"""The ablation: the effect of each change from dcgan to r3gan on one machine, one change at a time.

    .venv/bin/python benchmarks/ablation.py celeba32 --out runs/ablation

Trains every variant with every seed for the same images on one thread; existing runs are resumed, or only
measured. Each variant is measured at equal images, and at equal seconds: at its checkpoint nearest to its
position when the variant `average` ended, by processor seconds per step. Writes ablation.json and grids.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from strangers.evaluation.evaluate import Settings, evaluate
from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import Recipe, with_overrides
from strangers.sampling.load import load
from strangers.sampling.model import Model, model_of
from strangers.sampling.output import grid_png
from strangers.system.devices import keep_freed_memory
from strangers.system.files import write_atomically
from strangers.training.loop import train
from strangers.training.step import new_state, training_step

CPU = torch.device("cpu")

CHECKPOINTS = 10
"""Evenly spread checkpoints per run: equal seconds are met to within half of their distance."""

BASE = "average"
"""The variant whose seconds count for all."""

NETWORK = {"network.generator_widths": "[128, 64, 32]", "network.discriminator_widths": "[32, 64, 128]"}
"""dcgan-32 at half its widths, so that a CPU trains all variants."""

RESIDUAL = {
    "architecture": "resnet",
    "generator_widths": [64, 64, 32, 16],
    "discriminator_widths": [16, 32, 64, 64],
    "discriminator_norm": "none",
}
GROUPED = {"architecture": "r3gan", "widths": [128, 128, 64], "patch": 2, "blocks": 1}


@dataclass(frozen=True)
class Variant:
    """One change to the last variant that was kept.

    Attributes:
        name: name in the table.
        changes: changes to the recipe, as for --set.
        kept: later variants include it; changes that did not help are not kept.
        averaged: measure the EMA rather than the trained generator.
    """

    name: str
    changes: Mapping[str, str] = field(default_factory=dict)
    kept: bool = True
    averaged: bool = True


VARIANTS = (
    Variant("dcgan", averaged=False),
    Variant("average"),
    Variant("batch of 16", {"batch": "16", "generator_batch": "16"}),
    Variant(
        "rates 5e-4", {f"{who}_optimizer.learning_rate": "5e-4" for who in ("discriminator", "generator")}
    ),
    Variant(
        "ttur",
        {"discriminator_optimizer.learning_rate": "2e-4", "generator_optimizer.learning_rate": "1e-3"},
        kept=False,
    ),
    Variant("r1", {"penalty.kind": "r1"}, kept=False),
    Variant("relativistic", {"objective": "relativistic"}, kept=False),
    Variant("relativistic, r1", {"objective": "relativistic", "penalty.kind": "r1"}, kept=False),
    Variant("residual", {"network": json.dumps(RESIDUAL)}, kept=False),
    Variant("augmentation", {"augmentation.names": '["color", "translation", "cutout"]'}, kept=False),
    Variant(
        "r3gan",
        {
            "network": json.dumps(GROUPED),
            "objective": "relativistic",
            "penalty.kind": "r1+r2",
            "penalty.weight": '{"start": 1.0, "end": 0.1, "images": 20000}',
            "discriminator_optimizer.beta1": "0",
            "generator_optimizer.beta1": "0",
        },
    ),
)


def recipe_of(variant: Variant) -> Recipe:
    """Return dcgan-32 with the changes of the kept variants before this one, and its own."""
    changes = dict(NETWORK)
    for earlier in VARIANTS[: VARIANTS.index(variant)]:
        changes |= earlier.changes if earlier.kept else {}
    changes |= variant.changes
    if "network" in changes:  # replaces fields set inside it
        changes = {name: value for name, value in changes.items() if not name.startswith("network.")}
    return with_overrides(RECIPES["dcgan-32"], changes)


def seconds_an_image(recipes: Mapping[str, Recipe], repeats: int = 5) -> dict[str, float]:
    """Return processor seconds per image of each recipe's training step: medians of alternating steps."""
    states = {name: new_state(recipe, 0, CPU) for name, recipe in recipes.items()}
    taken: dict[str, list[float]] = {name: [] for name in recipes}
    for repeat in range(repeats + 1):
        for name, recipe in recipes.items():
            noise = 2 * torch.rand(recipe.batch, 3, recipe.size, recipe.size) - 1
            noise = noise.contiguous(memory_format=torch.channels_last)
            began = time.process_time()
            for _ in range(128 // recipe.batch):
                training_step(states[name], noise, recipe)
            if repeat:  # the first includes start-up
                taken[name].append((time.process_time() - began) / 128)
    return {name: statistics.median(values) for name, values in taken.items()}


def folder_of(out: Path, variant: Variant, seed: int) -> Path:
    """Return a run's folder; a variant that differs only in its measurement shares that of the next."""
    shared = VARIANTS[VARIANTS.index(variant) + 1] if not variant.averaged else variant
    return out / f"{shared.name.replace(' ', '-').replace(',', '')}-{seed}"


def checkpoint_at(run: Path, images: float) -> Path:
    """Return the run's checkpoint nearest to that number of images."""
    return min((run / "checkpoints").glob("[0-9]*"), key=lambda path: abs(int(path.name) - images))


def model_at(checkpoint: Path, averaged: bool) -> Model:
    """Return the checkpoint's EMA, or its trained generator."""
    model = load(checkpoint)
    if averaged:
        return model
    tensors = load_file(checkpoint / "training.safetensors")
    start = "generator."
    model.generator.load_state_dict(
        {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}
    )
    return model_of(model.generator, model.header)


def measured(model: Model, data: Path, settings: Settings) -> dict[str, float]:
    """Measure the metrics of the model's faces, by name."""
    result = evaluate(model, data, settings=settings, progress=False).result
    return {name: value.value for name, value in result.values.items()}


BY_FACES = Settings(
    ("fd-face", "kd-face", "precision-face", "recall-face", "coverage-face"), count=2_000, device="cpu"
)


def run_all(
    data: Path, out: Path, seeds: list[int], images: int, done: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Train and measure each variant, seed by seed; yield rows that are `done` as they are."""
    known = {(row["variant"], row["seed"], row["equal"]): row for row in done}
    seconds = {row["variant"]: row["seconds_an_image"] for row in done}
    if seconds.keys() != {variant.name for variant in VARIANTS}:
        seconds = seconds_an_image({variant.name: recipe_of(variant) for variant in VARIANTS})
    for seed in seeds:
        for variant in VARIANTS:
            folder = folder_of(out, variant, seed)
            recipe = recipe_of(variant)
            train(
                data, recipe, folder, images=images, seed=seed, device="cpu", precision="fp32", threads=1,
                every=images // CHECKPOINTS, keep=CHECKPOINTS + 1, progress=False,
            )  # fmt: skip
            for equal, reached in (
                ("images", images),
                ("seconds", images * seconds[BASE] / seconds[variant.name]),
            ):
                if (variant.name, seed, equal) in known:
                    yield known[variant.name, seed, equal]
                    continue
                model = model_at(checkpoint_at(folder, reached), variant.averaged)
                if equal == "images":
                    write_atomically(out / f"{variant.name}-{seed}.png", grid_png(model, range(32), 8, 1.0))
                facts = {
                    "variant": variant.name,
                    "seed": seed,
                    "equal": equal,
                    "seconds_an_image": seconds[variant.name],
                }
                if equal == "images" or reached < images:
                    yield facts | {"images": model.header.images_seen} | measured(model, data, BY_FACES)


def add_inception(rows: list[dict[str, Any]], out: Path, data: Path, weights: Path) -> Iterator[None]:
    """Measure 1,000 faces with Inception features at equal images, row by row, where that is missing."""
    wanted = Settings(("fid768", "kid768"), 1_000, weights=weights, device="cpu")
    for row in rows:
        if row["equal"] == "images" and "fid768" not in row:
            variant = next(variant for variant in VARIANTS if variant.name == row["variant"])
            checkpoint = checkpoint_at(folder_of(out, variant, row["seed"]), row["images"])
            row |= measured(model_at(checkpoint, variant.averaged), data, wanted)
            yield


COLUMNS = {
    "fd-face": "fd-face ↓", "kd-face": "kd-face ↓", "precision-face": "precision ↑",
    "recall-face": "recall ↑", "coverage-face": "coverage ↑", "fid768": "fid768 ↓", "kid768": "kid768 ·10³ ↓",
}  # fmt: skip


def known(rows: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    """Return the keys of the measured rows."""
    return {(row["variant"], row["seed"], row["equal"]) for row in rows}


def table(rows: list[dict[str, Any]]) -> str:
    """Return the variants as a Markdown table: medians over the seeds, and the range of fd-face."""
    lines = [
        "| variant | seeds | ms an image | "
        + " | ".join(COLUMNS.values())
        + " | fd-face ↓, equal seconds (images) |"
    ]
    lines.append("|---" * (len(COLUMNS) + 4) + "|")
    for variant in VARIANTS:
        of_images, of_seconds = (
            [row for row in rows if (row["variant"], row["equal"]) == (variant.name, equal)]
            for equal in ("images", "seconds")
        )
        if not of_images:
            continue
        seconds = statistics.median(row["seconds_an_image"] for row in of_images)
        cells = [variant.name, f"{len(of_images)}", f"{1e3 * seconds:.1f}"]
        for name in COLUMNS:
            values = sorted(row[name] * (1e3 if name == "kid768" else 1) for row in of_images if name in row)
            cell = f"{statistics.median(values):.3g}" if values else ""
            if name == "fd-face" and len(values) > 1:
                cell += f" ({values[0]:.3g} to {values[-1]:.3g})"
            cells.append(cell)
        then = of_seconds or of_images  # variants no dearer than the base have no rows at equal seconds
        images = sorted({f"{row['images']:,}" for row in then})
        cells.append(f"{statistics.median(row['fd-face'] for row in then):.3g} ({' or '.join(images)})")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Ablate from dcgan to r3gan, one change at a time.")
    parser.add_argument("data", type=Path, help="a prepared set of 32 px")
    parser.add_argument(
        "--out", type=Path, required=True, help="a folder for the runs, ablation.json and grids"
    )
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--inception", type=Path, help="weights, for fid768 and kid768 at equal images")
    parser.add_argument("--held-out", type=Path, help="a prepared set to measure those against")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    place = arguments.out / "ablation.json"
    done = json.loads(place.read_text()) if place.exists() else []
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    rows = [row for row in done if row["seed"] not in seeds]
    for row in run_all(arguments.data, arguments.out, seeds, arguments.images, done):
        rows.append(row)
        print(json.dumps(row), flush=True)
        later = [row for row in done if (row["variant"], row["seed"], row["equal"]) not in known(rows)]
        write_atomically(place, json.dumps(rows + later, indent=1).encode())
    if arguments.inception:
        held_out = arguments.held_out or arguments.data
        for _ in add_inception(rows, arguments.out, held_out, arguments.inception):
            write_atomically(place, json.dumps(rows, indent=1).encode())
    print(table(rows))


if __name__ == "__main__":
    main()
