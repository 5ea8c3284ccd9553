"""Edits, measured: how often each attribute direction changes its own attribute, and how often others.

    .venv/bin/python benchmarks/directions.py celeba-64 celeba-128 --out runs/directions.md

Each face is moved away from the label that it has, by `--strength` standard deviations of the latents; the
attribute network counts the labels that flip. No face was used to find the directions.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from strangers.evaluation.attributes import load_attributes
from strangers.latent.directions import LABELED_FACES, find_directions
from strangers.sampling.latents import latents
from strangers.sampling.load import load

HEAD = "| attribute | own | others, mean | others, most |\n|---|---:|---:|---|"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the effects of a model's attribute directions.")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--strength", type=float, default=2.0)
    parser.add_argument("--count", type=int, default=500, help="edited faces per direction")
    parser.add_argument("--out", type=Path, required=True, help="Markdown file")
    given = parser.parse_args()
    parts = [table(name, given.strength, given.count) for name in given.models]
    given.out.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def table(name: str, strength: float, count: int) -> str:
    """Return the table of a model, the directions that change their attribute most often first."""
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
    rows = [line(directions.names, flips[row], row) for row in np.argsort(-flips.diagonal(), kind="stable")]
    own, others = flips.diagonal().mean(), flips[~np.eye(len(columns), dtype=bool)].mean()
    title = f"`{name}`, {model.hash}: {count} faces per direction, strength {strength:g}"
    return "\n".join([title, "", HEAD, *rows, f"| *mean* | {own:.0%} | {others:.1%} | |"])


def line(names: tuple[str, ...], flips: np.ndarray, row: int) -> str:
    """Return the row of one direction, given the fraction of faces that each attribute flips in."""
    others = np.delete(flips, row)
    most = int(np.argmax(np.where(np.arange(len(flips)) == row, -1, flips)))
    return f"| {names[row]} | {flips[row]:.0%} | {others.mean():.1%} | {names[most]} {flips[most]:.0%} |"


if __name__ == "__main__":
    main()
