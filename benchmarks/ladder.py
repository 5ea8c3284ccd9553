"""The ladder: what each idea since DCGAN buys on one machine, one change at a time.

    .venv/bin/python benchmarks/ladder.py celeba32 --out runs/ladder

Trains every rung with every seed for the same images on one thread; what was trained before goes on, or is
only measured. Each rung is measured at equal images, and at equal seconds: at its checkpoint nearest to where
it was when the rung `average` ended, by the processor's seconds for a step. Writes ladder.json and grids.
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
from strangers.sampling.output import write_grid
from strangers.system.devices import keep_freed_memory
from strangers.system.files import write_atomically
from strangers.training.loop import train
from strangers.training.step import new_state, training_step

CPU = torch.device("cpu")

CHECKPOINTS = 10
"""How many checkpoints a run keeps, evenly spread: equal seconds are met to within half of their distance."""

BASE = "average"
"""The rung whose seconds all have."""

NETWORK = {"network.generator_widths": "[128, 64, 32]", "network.discriminator_widths": "[32, 64, 128]"}
"""dcgan-32 at half its widths, so that a CPU climbs the whole ladder."""

RESIDUAL = {
    "architecture": "resnet",
    "generator_widths": [64, 64, 32, 16],
    "discriminator_widths": [16, 32, 64, 64],
    "discriminator_norm": "none",
}
GROUPED = {"architecture": "r3gan", "widths": [128, 128, 64], "patch": 2, "blocks": 1}


@dataclass(frozen=True)
class Rung:
    """One change to the rung before it that was kept.

    Attributes:
        name: as the table has it.
        changes: to the recipe, as --set takes them.
        kept: whether later rungs stand on it; one that did not help is stepped over.
        averaged: whether the averaged generator is measured, or the trained one itself.
    """

    name: str
    changes: Mapping[str, str] = field(default_factory=dict)
    kept: bool = True
    averaged: bool = True


RUNGS = (
    Rung("dcgan", averaged=False),
    Rung("average"),
    Rung("batch of 16", {"batch": "16", "generator_batch": "16"}),
    Rung("rates 5e-4", {f"{who}_optimizer.learning_rate": "5e-4" for who in ("discriminator", "generator")}),
    Rung(
        "ttur",
        {"discriminator_optimizer.learning_rate": "2e-4", "generator_optimizer.learning_rate": "1e-3"},
        kept=False,
    ),
    Rung("r1", {"penalty.kind": "r1"}, kept=False),
    Rung("relativistic", {"objective": "relativistic"}, kept=False),
    Rung("relativistic, r1", {"objective": "relativistic", "penalty.kind": "r1"}, kept=False),
    Rung("residual", {"network": json.dumps(RESIDUAL)}, kept=False),
    Rung("augmentation", {"augmentation.names": '["color", "translation", "cutout"]'}, kept=False),
    Rung(
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


def recipe_of(rung: Rung) -> Recipe:
    """dcgan-32 with the changes of the kept rungs up to this one, and its own."""
    changes = dict(NETWORK)
    for earlier in RUNGS[: RUNGS.index(rung)]:
        changes |= earlier.changes if earlier.kept else {}
    changes |= rung.changes
    if "network" in changes:  # takes the place of what was set inside of it
        changes = {name: value for name, value in changes.items() if not name.startswith("network.")}
    return with_overrides(RECIPES["dcgan-32"], changes)


def seconds_an_image(repeats: int = 5) -> dict[str, float]:
    """The processor's seconds for an image in a training step of each rung: medians of alternating steps."""
    rungs = {rung.name: recipe_of(rung) for rung in RUNGS}
    states = {name: new_state(recipe, 0, CPU) for name, recipe in rungs.items()}
    taken: dict[str, list[float]] = {name: [] for name in rungs}
    for repeat in range(repeats + 1):
        for name, recipe in rungs.items():
            noise = torch.rand(recipe.batch, 3, 32, 32).contiguous(memory_format=torch.channels_last) * 2 - 1
            began = time.process_time()
            for _ in range(128 // recipe.batch):
                training_step(states[name], noise, recipe)
            if repeat:  # the first pays for starting up
                taken[name].append((time.process_time() - began) / 128)
    return {name: statistics.median(values) for name, values in taken.items()}


def folder_of(out: Path, rung: Rung, seed: int) -> Path:
    """A run's folder; a rung that is only measured otherwise shares it with the next."""
    shared = RUNGS[RUNGS.index(rung) + 1] if not rung.averaged else rung
    return out / f"{shared.name.replace(' ', '-').replace(',', '')}-{seed}"


def checkpoint_at(run: Path, images: float) -> Path:
    """The run's checkpoint that is nearest to so many images."""
    return min((run / "checkpoints").glob("[0-9]*"), key=lambda path: abs(int(path.name) - images))


def model_at(checkpoint: Path, averaged: bool) -> Model:
    """The checkpoint's averaged generator, or the trained one that it follows."""
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
    """The metrics of the model's faces by their names."""
    result = evaluate(model, data, settings=settings, progress=False).result
    return {name: value.value for name, value in result.values.items()}


BY_FACES = Settings(metrics=("fd", "kd", "pr"), features=("face",), count=2_000, device="cpu")


def climb(
    data: Path, out: Path, seeds: list[int], images: int, done: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Train and measure each rung with each seed, all of a seed before the next; what is `done` is kept."""
    known = {(row["rung"], row["seed"], row["equal"]): row for row in done}
    seconds = {row["rung"]: row["seconds_an_image"] for row in done}
    if seconds.keys() != {rung.name for rung in RUNGS}:
        seconds = seconds_an_image()
    for seed in seeds:
        for rung in RUNGS:
            folder = folder_of(out, rung, seed)
            recipe = recipe_of(rung)
            train(
                data, recipe, folder, images=images, seed=seed, device="cpu", precision="fp32", threads=1,
                every=images // CHECKPOINTS, keep=CHECKPOINTS + 1, progress=False,
            )  # fmt: skip
            for equal, reached in (
                ("images", images),
                ("seconds", images * seconds[BASE] / seconds[rung.name]),
            ):
                if (rung.name, seed, equal) in known:
                    yield known[rung.name, seed, equal]
                    continue
                model = model_at(checkpoint_at(folder, reached), rung.averaged)
                if equal == "images":
                    write_grid(model, range(32), out / f"{rung.name}-{seed}.png", 8, 1.0)
                facts = {
                    "rung": rung.name,
                    "seed": seed,
                    "equal": equal,
                    "seconds_an_image": seconds[rung.name],
                }
                if equal == "images" or reached < images:
                    yield facts | {"images": model.header.images_seen} | measured(model, data, BY_FACES)


def add_inception(rows: list[dict[str, Any]], out: Path, data: Path, weights: Path) -> Iterator[None]:
    """Measure 1,000 faces by Inception's features at equal images, row by row, where that was not done."""
    wanted = Settings(("fd", "kd"), ("inception",), 1_000, weights=weights, device="cpu")
    for row in rows:
        if row["equal"] == "images" and "fid768" not in row:
            rung = next(rung for rung in RUNGS if rung.name == row["rung"])
            checkpoint = checkpoint_at(folder_of(out, rung, row["seed"]), row["images"])
            row |= measured(model_at(checkpoint, rung.averaged), data, wanted)
            yield


COLUMNS = {
    "fd-face": "fd-face ↓", "kd-face": "kd-face ↓", "precision-face": "precision ↑",
    "recall-face": "recall ↑", "coverage-face": "coverage ↑", "fid768": "fid768 ↓", "kid768": "kid768 ·10³ ↓",
}  # fmt: skip


def known(rows: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    """What has been measured."""
    return {(row["rung"], row["seed"], row["equal"]) for row in rows}


def table(rows: list[dict[str, Any]]) -> str:
    """The rungs in Markdown: medians over the seeds, and from the least to the greatest fd-face."""
    lines = [
        "| rung | seeds | ms an image | "
        + " | ".join(COLUMNS.values())
        + " | fd-face ↓, equal seconds (images) |"
    ]
    lines.append("|---" * (len(COLUMNS) + 4) + "|")
    for rung in RUNGS:
        of_images, of_seconds = (
            [row for row in rows if (row["rung"], row["equal"]) == (rung.name, equal)]
            for equal in ("images", "seconds")
        )
        if not of_images:
            continue
        seconds = statistics.median(row["seconds_an_image"] for row in of_images)
        cells = [rung.name, f"{len(of_images)}", f"{1e3 * seconds:.1f}"]
        for name in COLUMNS:
            values = sorted(row[name] * (1e3 if name == "kid768" else 1) for row in of_images if name in row)
            cell = f"{statistics.median(values):.3g}" if values else ""
            if name == "fd-face" and len(values) > 1:
                cell += f" ({values[0]:.3g} to {values[-1]:.3g})"
            cells.append(cell)
        then = of_seconds or of_images  # one that was no dearer than the base has had its seconds
        images = sorted({f"{row['images']:,}" for row in then})
        cells.append(f"{statistics.median(row['fd-face'] for row in then):.3g} ({' or '.join(images)})")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Climb from dcgan to r3gan, one change at a time.")
    parser.add_argument("data", type=Path, help="a prepared set of 32 px")
    parser.add_argument(
        "--out", type=Path, required=True, help="a folder for the runs, ladder.json and grids"
    )
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--inception", type=Path, help="weights, for fid768 and kid768 at equal images")
    parser.add_argument("--held-out", type=Path, help="a prepared set to measure those against")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    place = arguments.out / "ladder.json"
    done = json.loads(place.read_text()) if place.exists() else []
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    rows = [row for row in done if row["seed"] not in seeds]
    for row in climb(arguments.data, arguments.out, seeds, arguments.images, done):
        rows.append(row)
        print(json.dumps(row), flush=True)
        later = [row for row in done if (row["rung"], row["seed"], row["equal"]) not in known(rows)]
        write_atomically(place, json.dumps(rows + later, indent=1).encode())
    if arguments.inception:
        held_out = arguments.held_out or arguments.data
        for _ in add_inception(rows, arguments.out, held_out, arguments.inception):
            write_atomically(place, json.dumps(rows, indent=1).encode())
    print(table(rows))


if __name__ == "__main__":
    main()
