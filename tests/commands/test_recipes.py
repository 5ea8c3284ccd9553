"""`strangers recipes`: aligned columns, and every value by its name."""

from __future__ import annotations

import json

from strangers.commands.recipes import describe, table, values
from strangers.recipes.presets import RECIPES

from ..support import Strangers


def test_a_table_has_a_line_per_recipe_and_aligned_columns() -> None:
    heading, *lines = table([describe(RECIPES["dcgan-32"]), describe(RECIPES["two-step-32"])]).splitlines()
    assert [line.split()[:5] for line in lines] == [
        ["dcgan-32", "32", "1.1M", "0.7M", "2.0M"],
        ["two-step-32", "32", "4.5M", "0.3M", "1.8M"],
    ]
    sources = [RECIPES["dcgan-32"].source, RECIPES["two-step-32"].source]
    assert [line.index(source) for line, source in zip(lines, sources, strict=True)] == [
        heading.index("source")
    ] * 2


def test_the_values_of_a_recipe_stand_in_one_column() -> None:
    lines = values(describe(RECIPES["dense-128"])).splitlines()
    column = len(lines[0]) - len("dense-128")
    assert all(line[column - 1] == " " and line[column] != " " for line in lines)
    assert lines[-1].startswith("parameters of the discriminator ")


def test_the_layers_of_a_recipe_are_listed_with_shapes_and_parameters(strangers: Strangers) -> None:
    code, out, err = strangers("recipes", "two-step-32", "--layers")
    assert code == 0
    totals = [int(line.split()[1].replace(",", "")) for line in out.splitlines() if line.startswith("total")]
    assert totals == list(describe(RECIPES["two-step-32"])["parameters"].values())
    assert "3 x 32 x 32" in out
    assert err == "Next: strangers train DATA --recipe two-step-32\n"
    found = json.loads(strangers("recipes", "two-step-32", "--layers", "--json").out)
    assert [sum(layer["parameters"] for layer in layers) for layers in found.values()] == totals
    code, _, err = strangers("recipes", "--layers")
    assert (code, err) == (
        2, "error: --layers needs a recipe, as in strangers recipes dcgan-64 --layers.\n"
    )  # fmt: skip
