"""`strangers recipes`: list the recipes, or the values of one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from strangers.commands import completion
from strangers.commands.outcome import Outcome
from strangers.errors import UsageError

if TYPE_CHECKING:
    from strangers.networks.summary import Layer
    from strangers.recipes.recipe import Recipe


def complete_recipe(incomplete: str) -> list[str]:
    """Complete the name of a recipe."""
    from strangers.recipes.presets import RECIPES

    return completion.beginning(RECIPES, incomplete)


def recipes(
    name: Annotated[
        str | None,
        Argument(metavar="[NAME]", help="A recipe, to list its values.", autocompletion=complete_recipe),
    ] = None,
    *,
    layers: Annotated[
        bool, Option("--layers", help="List the layers of both networks, with output shapes and parameters.")
    ] = False,
) -> Outcome:
    """List the recipes, or the values or layers of one."""
    from strangers.recipes.presets import RECIPES, recipe_named

    if layers:
        if not name:
            raise UsageError("--layers needs a recipe, as in strangers recipes dcgan-64 --layers.")
        found = networks(recipe_named(name))
        facts = {network: [layer._asdict() for layer in listed] for network, listed in found.items()}
        return Outcome(layer_table(found), facts=facts, next=f"strangers train DATA --recipe {name}")
    if name:
        described = describe(recipe_named(name))
        following = f"strangers train DATA --recipe {name}"
        return Outcome(values(described).split("\n"), facts=described, next=following)
    everything = [describe(recipe) for recipe in RECIPES.values()]
    return Outcome(table(everything).split("\n"), facts=everything, next="strangers recipes NAME")


def describe(recipe: Recipe) -> dict[str, Any]:
    """Return {"recipe": {...}, "parameters": {"generator": n, "discriminator": n}}, ready for JSON."""
    from strangers.recipes.recipe import parameter_counts

    return {"recipe": recipe.model_dump(mode="json"), "parameters": parameter_counts(recipe)}


def networks(recipe: Recipe) -> dict[str, list[Layer]]:
    """Return the layers of the generator and of the discriminator."""
    from strangers.networks.summary import layers
    from strangers.recipes.recipe import build_networks

    generator, discriminator = build_networks(recipe)
    return {
        "generator": layers(generator, (recipe.latent_size,)),
        "discriminator": layers(discriminator, (3, recipe.size, recipe.size)),
    }


def layer_table(found: dict[str, list[Layer]]) -> list[str]:
    """Return one line per layer, in columns, and the sum of the parameters of each network."""
    lines = []
    for network, layers in found.items():
        total = sum(layer.parameters for layer in layers)
        rows = [(network, "layer", "output", "parameters")]
        rows += [
            (
                one.name,
                one.kind,
                " x ".join(map(str, one.shape)) or "1",
                f"{one.parameters:,}" if one.parameters else "",
            )
            for one in layers
        ]
        rows.append(("total", "", "", f"{total:,}"))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for name, kind, shape, parameters in rows:
            cells = (
                f"{name:<{widths[0]}}  {kind:<{widths[1]}}  {shape:>{widths[2]}}  {parameters:>{widths[3]}}"
            )
            lines.append(cells.rstrip())
        lines.append("")
    return lines[:-1]


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
