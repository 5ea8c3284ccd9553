"""`strangers recipes`: list the recipes, or the values of one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument

from strangers.commands.arguments import Json
from strangers.system.streams import echo

if TYPE_CHECKING:
    from strangers.recipes.recipe import Recipe


def recipes(
    name: Annotated[str | None, Argument(metavar="[NAME]", help="A recipe, to list its values.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """List the recipes, or the values of one."""
    from strangers.recipes.presets import RECIPES, recipe_named

    if name:
        described = describe(recipe_named(name))
        text = json.dumps(described, indent=2) if as_json else values(described)
    else:
        everything = [describe(recipe) for recipe in RECIPES.values()]
        text = json.dumps(everything, indent=2) if as_json else table(everything)
    echo(*text.split("\n"))


def describe(recipe: Recipe) -> dict[str, Any]:
    """Return {"recipe": {...}, "parameters": {"generator": n, "discriminator": n}}, ready for JSON."""
    from strangers.recipes.recipe import parameter_counts

    return {"recipe": recipe.model_dump(mode="json"), "parameters": parameter_counts(recipe)}


def values(described: dict[str, Any]) -> str:
    """Return one line per value, by its name in --set."""
    from strangers.recipes.recipe import flatten, written

    rows = [*flatten(described["recipe"]), *flatten(described["parameters"], "parameters of the ")]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {written(value)}" for name, value in rows)


def table(described: Iterable[dict[str, Any]]) -> str:
    """Return one line per recipe below the headings; parameters and images are in millions."""
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
