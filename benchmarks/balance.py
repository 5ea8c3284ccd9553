"""The balance of the two networks over long trainings: without R1, with it, and with it and falling rates.

    .venv/bin/python benchmarks/balance.py TRAIN32 VAL32 --out runs/balance --record FILE

Trains each variant with each seed on one thread; existing runs are resumed, or only measured, and those of
the record stay as they are. Every 100,000 images of a run are measured against held-out photographs, and the
discriminator's accuracy is the mean of the log since the last ones.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

import torch
from ablation import checkpoint_at, measured, seconds_an_image

from strangers.data.prepared import open_prepared
from strangers.evaluation.evaluate import Settings
from strangers.evaluation.result import hardware
from strangers.recipes.presets import recipe_named
from strangers.recipes.recipe import Penalty, Recipe, Schedule
from strangers.sampling.load import load
from strangers.system.devices import keep_freed_memory
from strangers.system.files import write_atomically
from strangers.system.machine import versions
from strangers.training.loop import train

EVERY = 100_000
"""Images between two measurements."""

BY_FACES = Settings(("fd-face", "precision-face", "recall-face", "coverage-face"), count=2_000, device="cpu")


def variants(recipe: Recipe, weight: float, images: int) -> dict[str, Recipe]:
    """Return the recipe without R1, with R1 from the first image, and with R1 from later on and a cosine."""
    plain = recipe.replace(penalty=Penalty(), schedule=Schedule())
    r1 = Penalty(kind="r1", weight=weight, every=4)
    return {
        "plain": plain,
        "r1": plain.replace(penalty=r1),
        "r1-later-cosine": plain.replace(
            penalty=r1.replace(after=50_000), schedule=Schedule(kind="cosine", images=images, factor=0.05)
        ),
    }


def accuracies(run: Path, start: int, end: int) -> dict[str, float]:
    """Return the discriminator's mean accuracies on both kinds of images between two numbers of images."""
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    lines = [line for line in lines if start < line["images_seen"] <= end and "real_accuracy" in line]
    return {
        name: statistics.mean(line[name] for line in lines) for name in ("real_accuracy", "fake_accuracy")
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Train long without R1, with it, and with falling rates.")
    parser.add_argument("data", type=Path, help="a prepared set")
    parser.add_argument("held_out", type=Path, help="a prepared set to measure against")
    parser.add_argument("--out", type=Path, required=True, help="a folder for the runs")
    parser.add_argument("--record", type=Path, required=True, help="JSON file")
    parser.add_argument("--recipe", default="fast-32")
    parser.add_argument("--weight", type=float, default=0.02, help="of R1")
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--runs", default="plain-0,r1-0,r1-later-cosine-0")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    recipes = variants(recipe_named(arguments.recipe), arguments.weight, arguments.images)
    runs: dict[str, dict[str, Any]] = {}
    if arguments.record.exists():
        runs = json.loads(arguments.record.read_text())["runs"]
    for name in arguments.runs.split(","):
        if name in runs:
            continue
        variant, _, seed = name.rpartition("-")
        run = arguments.out / name
        train(
            arguments.data, recipes[variant], run, images=arguments.images, seed=int(seed), device="cpu",
            precision="fp32", threads=1, every=EVERY // 2, keep=2 * arguments.images // EVERY + 1,
            progress=False,
        )  # fmt: skip
        runs[name] = {}
        for images in range(EVERY, arguments.images + 1, EVERY):
            model = load(checkpoint_at(run, images))
            runs[name][f"{images // 1000}k"] = (
                {"images_seen": model.header.images_seen}
                | accuracies(run, images - EVERY, model.header.images_seen)
                | measured(model, arguments.held_out, BY_FACES)
            )
            print(name, images, runs[name][f"{images // 1000}k"], flush=True)
    record = {
        "what": f"{arguments.recipe} at constant rates without R1, with R1 of weight {arguments.weight} "
        "every 4th step, and with it from 50,000 images on and rates along a cosine to 5% at the end; 2,000 "
        "faces to 2,000 held-out photographs; accuracies are means since the last row",
        "command": "python benchmarks/balance.py TRAIN VAL --out RUNS --record FILE, with --runs NAME-SEED "
        "and --images N for runs of other seeds and lengths",
        "data": open_prepared(arguments.data).manifest.hash,
        "held_out": open_prepared(arguments.held_out).manifest.hash,
        "seconds_an_image": seconds_an_image({name: recipes[name] for name in ("plain", "r1")}),
        "runs": runs,
        "versions": versions(),
        "hardware": hardware("cpu").model_dump(),
    }
    write_atomically(arguments.record, (json.dumps(record, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
