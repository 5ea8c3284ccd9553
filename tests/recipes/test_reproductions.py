"""The reproductions are presets, and the documentation lists each."""

from __future__ import annotations

from pathlib import Path

import pytest

from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import Recipe
from strangers.recipes.reproductions import SYSTEMS

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "recipes.md"


@pytest.mark.parametrize("recipe", SYSTEMS, ids=lambda recipe: recipe.name)
def test_a_reproduction_is_a_documented_preset(recipe: Recipe) -> None:
    assert RECIPES[recipe.name] is recipe
    assert f"`{recipe.name}`" in DOCUMENT.read_text()


def test_the_systems_are_five() -> None:
    assert len({recipe.source for recipe in SYSTEMS}) == 5
