"""Ours against a plain implementation of the same work, alternating in one run: medians, spread and ratios.

    make bench                                        on drawn faces
    make bench PHOTOGRAPHS=img_align_celeba.zip       `prepare` on photographs of 178x218

Writes benchmarks/latest.json: for each measure {"ours", "plain", "unit", "ratio"}; a ratio above 1 is ours.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import plain
import torch
from PIL import Image

from strangers.data import decode, synthetic
from strangers.data.crops import CROPS
from strangers.data.sources import open_container
from strangers.devices import choose_precision
from strangers.machine import processor_name, usable_cores
from strangers.recipes import RECIPES
from strangers.training.plan import autocast, dtype_name
from strangers.training.step import new_state, training_step

LATEST = Path(__file__).with_name("latest.json")
CPU = torch.device("cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure strangers against a plain implementation.")
    parser.add_argument(
        "--photographs", help="a folder, .zip or .tar of 178x218 JPEGs; drawn faces if not given"
    )
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    results = {
        "prepare_64": prepare_64(jpegs(arguments.photographs), arguments.repeats),
        "step_64": step("dcgan-64", arguments.repeats),
        "step_32": step("dcgan-32", arguments.repeats),
        "start": start(arguments.repeats),
    }
    for name, result in results.items():
        print(
            f"{name:<12} ours {result['ours']:>9.2f}  plain {result['plain']:>9.2f}  {result['unit']:<18} "
            f"ratio {result['ratio']:.2f}  (spread of ours {result['spread']:.0%})"
        )
    LATEST.write_text(json.dumps({"machine": machine(arguments), **results}, indent=2) + "\n")


def prepare_64(files: list[bytes], repeats: int) -> dict[str, Any]:
    """Photographs a second on one core, from a JPEG's bytes to 64x64 pixels."""
    crop = CROPS["c178"]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # one core, as in a worker of `prepare`
    result = compare(
        lambda: [decode.face(data, 64, crop) for data in files],
        lambda: [plain.prepared_face(data, 64) for data in files],
        len(files),
        "images/s per core",
        repeats,
    )
    torch.set_num_threads(threads)
    return result


def step(name: str, repeats: int) -> dict[str, Any]:
    """Images a second of the training step, in the precision that `auto` chooses here."""
    recipe = RECIPES[name]
    real = torch.rand(recipe.batch, 3, recipe.size, recipe.size) * 2 - 1
    real_channels_last = real.contiguous(memory_format=torch.channels_last)
    state, precision = new_state(recipe, 0, CPU), choose_precision("auto", CPU).value
    their_step = plain.training_step(recipe)

    def ours() -> None:
        with autocast(CPU, precision):
            training_step(state, real_channels_last, recipe)

    return compare(ours, lambda: their_step(real), recipe.batch, "images/s", repeats)


def start(repeats: int) -> dict[str, Any]:
    """Seconds until `strangers --help` has answered, beside a Python that imports torch."""

    def run(*words: str) -> None:
        subprocess.run([sys.executable, *words], check=True, capture_output=True)

    result = compare(
        lambda: run("-m", "strangers", "--help"), lambda: run("-c", "import torch"), 1, "starts/s", repeats
    )
    return result | {"seconds": 1 / result["ours"]}


def compare(
    ours: Callable[[], object], theirs: Callable[[], object], count: int, unit: str, repeats: int
) -> dict[str, Any]:
    """Both in turns, the first of each not counted; a call does `count` things. Medians a second."""
    speeds: dict[str, list[float]] = {"ours": [], "plain": []}
    for repeat in range(repeats + 1):
        for name, work in (("ours", ours), ("plain", theirs)):
            started = time.perf_counter()
            work()
            if repeat:
                speeds[name].append(count / (time.perf_counter() - started))
    medians = {name: statistics.median(values) for name, values in speeds.items()}
    spread = (max(speeds["ours"]) - min(speeds["ours"])) / medians["ours"]
    return {**medians, "unit": unit, "ratio": medians["ours"] / medians["plain"], "spread": spread}


def jpegs(photographs: str | None, count: int = 300) -> list[bytes]:
    """JPEGs of 178x218: photographs, or drawn faces."""
    if photographs is not None:
        return [file.data for file in islice(open_container(photographs), count)]
    drawn, _ = synthetic.draw(range(count), 218)
    return [as_jpeg(Image.fromarray(pixels).crop((20, 0, 198, 218))) for pixels in drawn]


def as_jpeg(picture: Image.Image) -> bytes:
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=90)
    return data.getvalue()


def machine(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the numbers were measured on, and how."""
    return {
        "processor": processor_name(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "cores": usable_cores(),
        "threads": arguments.threads,
        "precision": dtype_name(choose_precision("auto", CPU).value),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "repeats": arguments.repeats,
        "photographs": arguments.photographs or "drawn faces",
    }


if __name__ == "__main__":
    main()
