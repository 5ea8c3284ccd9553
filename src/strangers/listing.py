"""What the commands print: recipes as a table or value by value, and what a training left."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from strangers.recipe import Recipe, flatten, parameter_counts


def describe(recipe: Recipe) -> dict[str, Any]:
    """{"recipe": {...}, "parameters": {"generator": n, "discriminator": n}}, ready for JSON."""
    return {"recipe": recipe.model_dump(mode="json"), "parameters": parameter_counts(recipe)}


def values(described: dict[str, Any]) -> str:
    """Every value on a line, by the name that --set knows it by."""
    rows = [*flatten(described["recipe"]), *flatten(described["parameters"], "parameters of the ")]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {written(value)}" for name, value in rows)


def written(value: Any) -> str:
    """A value as --set reads it: words as they are, the rest as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def table(described: Iterable[dict[str, Any]]) -> str:
    """A line per recipe under a line of headings; numbers of parameters and images in millions."""
    rows = [("recipe", "size", "generator", "discriminator", "images", "source")]
    for entry in described:
        recipe, parameters = entry["recipe"], entry["parameters"]
        counts = (parameters["generator"], parameters["discriminator"], recipe["images"])
        generator, discriminator, images = (f"{count / 1e6:.1f}M" for count in counts)
        rows.append((recipe["name"], str(recipe["size"]), generator, discriminator, images, recipe["source"]))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for name, *numbers, source in rows:
        aligned = (f"{number:>{width}}" for number, width in zip(numbers, widths[1:], strict=False))
        lines.append("  ".join((f"{name:<{widths[0]}}", *aligned, source)))
    return "\n".join(lines)


def results(run: Path) -> str:
    """Where a finished run's pictures and its model are, and what to try next."""
    newest = sorted((run / "samples").glob("*.png"))[-1:]
    model = run / "checkpoints" / (run / "latest").read_text().strip() / "model.safetensors"
    places = {
        "faces": newest[0] if newest else run / "samples",
        "curves": run / "curves.png",
        "progress": run / "progress.webp",
        "model": model,
    }
    lines = [f"  {name:<10}{place}" for name, place in places.items()]
    return "\n".join(
        [
            *lines,
            f"More faces:    strangers sample {shlex.quote(str(run))} --seeds 64-127 --out faces.png",
            "Train longer:  the same command with a larger --images goes on from here.",
        ]
    )
