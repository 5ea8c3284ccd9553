"""Edits, measured: how often each attribute direction changes its own attribute, and how often others.

    .venv/bin/python benchmarks/directions.py celeba-64 celeba-128 --record benchmarks/results/directions.json

Each face is moved away from the label that it has, by `--strength` standard deviations of the latents; the
attribute network counts the labels that flip. No face was used to find the directions. Besides the record,
its tables are written as Markdown next to it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strangers.evaluation.attributes import load_attributes
from strangers.latent.directions import LABELED_FACES, find_directions
from strangers.sampling.latents import latents
from strangers.sampling.load import load

HEAD = "| attribute | own | others, mean | others, most |\n|---|---:|---:|---|"
ABOUT = """\
# Attribute directions: own change against leak

For each direction, the fraction of faces in which the predicted label of its own attribute flips, the mean \
over the other attributes with a direction, and the attribute that flips most. Each face is moved away from \
the label that it has; no face was used to find the directions. Command: `{command}`. With {count} faces, a \
fraction of 50% has a standard error of {error:.0f} points."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the effects of a model's attribute directions.")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--strength", type=float, default=2.0)
    parser.add_argument("--count", type=int, default=100, help="edited faces per direction")
    parser.add_argument("--record", type=Path, required=True, help="JSON file; a .md is written next to it")
    given = parser.parse_args()
    options = f"{' '.join(given.models)} --count {given.count} --record {given.record}"
    about = ABOUT.format(
        command=f"benchmarks/directions.py {options}", count=given.count, error=50 / given.count**0.5
    )
    record: dict[str, Any] = {}
    for name in given.models:
        record[name] = measure(name, given.strength, given.count)
        given.record.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        tables = [table(each, found) for each, found in record.items()]
        given.record.with_suffix(".md").write_text("\n\n".join([about, *tables]) + "\n", encoding="utf-8")


def measure(name: str, strength: float, count: int) -> dict[str, Any]:
    """Measure the directions of a model, those that change their attribute most often first."""
    model, network = load(name, device="cpu"), load_attributes()
    directions = find_directions(model, count=LABELED_FACES)
    columns = network.positions(directions.names)
    z = latents(range(LABELED_FACES, LABELED_FACES + count), model.recipe.latent_size, model.recipe.latent)
    before = network.read(model.decode(z)).probabilities[:, columns] > 0.5
    flips = np.empty((len(columns), len(columns)))
    for row, attribute in enumerate(directions.names):
        added, removed = (directions.edit(z, {attribute: by}) for by in (strength, -strength))
        edited = np.where(before[:, row, None], removed, added)
        labels = network.read(model.decode(edited)).probabilities[:, columns] > 0.5
        flips[row] = (labels != before).mean(axis=0)
    order = np.argsort(-flips.diagonal(), kind="stable")
    return {
        "hash": model.hash,
        "faces": count,
        "strength": strength,
        "mean": {
            "own": round(float(flips.diagonal().mean()), 4),
            "others": round(float(flips[~np.eye(len(columns), dtype=bool)].mean()), 4),
        },
        "directions": {directions.names[row]: effect(directions.names, flips[row], row) for row in order},
    }


def effect(names: tuple[str, ...], flips: NDArray[np.float64], row: int) -> dict[str, Any]:
    """Return the effect of one direction, given the fraction of faces that each attribute flips in."""
    others = np.delete(flips, row)
    most = int(np.argmax(np.where(np.arange(len(flips)) == row, -1, flips)))
    return {
        "own": round(float(flips[row]), 4),
        "others": round(float(others.mean()), 4),
        "most": names[most].replace("_", " "),
        "most_share": round(float(flips[most]), 4),
    }


def table(model: str, record: dict[str, Any]) -> str:
    """Return the table of a model as Markdown."""
    rows = [
        f"| {name} | {found['own']:.0%} | {found['others']:.1%} | {found['most']} {found['most_share']:.0%} |"
        for name, found in record["directions"].items()
    ]
    mean = record["mean"]
    title = (
        f"`{model}`, {record['hash']}: {record['faces']} faces per direction, strength {record['strength']:g}"
    )
    last = f"| *mean* | {mean['own']:.0%} | {mean['others']:.1%} | |"
    return "\n".join([title, "", HEAD, *rows, last])


if __name__ == "__main__":
    main()
