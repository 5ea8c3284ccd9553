"""The cost of an image late in a training and early on, and from a large set and a small one.

    .venv/bin/python benchmarks/flat.py --out runs/flat

The network is small, so that reading, logging, pictures and checkpoints show.
"""

from __future__ import annotations

import argparse
import statistics
from itertools import pairwise
from pathlib import Path

from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import Recipe, with_overrides
from strangers.training.log import read_log
from strangers.training.loop import train

SETS = (10_000, 200_000)
"""Drawn faces in each set."""

WINDOWS = (0, 10_000, 30_000, 100_000, 300_000, 1_000_000)
"""Boundaries of the windows of images seen whose speed is reported."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the cost of an image along long trainings.")
    parser.add_argument("--out", type=Path, required=True, help="a folder for the runs")
    arguments = parser.parse_args()
    runs = {}
    for count in SETS:
        run = train(
            f"synthetic:{count}", small(), arguments.out / str(count), images=WINDOWS[-1],
            device="cpu", precision="fp32", threads=1, progress=False,
        )  # fmt: skip
        runs[count] = read_log(run.path)
    print("| images seen | " + " | ".join(f"of a set of {count:,}" for count in runs) + " |")
    print("|---" * (len(runs) + 1) + "|")
    for begin, end in pairwise(WINDOWS):
        cells = []
        for lines in runs.values():
            speeds = [line["images_per_second"] for line in lines if begin < line["images_seen"] <= end]
            cells.append(f"{statistics.median(speeds):,.0f}, fastest {max(speeds):,.0f}")
        print(f"| {begin:,} to {end:,} | {' | '.join(cells)} |")


def small() -> Recipe:
    """Return dcgan-32 with few channels."""
    widths = {"network.generator_widths": "[32, 16, 8]", "network.discriminator_widths": "[8, 16, 32]"}
    return with_overrides(RECIPES["dcgan-32"], widths)


if __name__ == "__main__":
    main()
