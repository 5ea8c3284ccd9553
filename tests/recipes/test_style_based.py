"""Recipes of style-based generators: values of their papers, at widths for a CPU."""

from __future__ import annotations

import pytest

from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import Adaptive, Recipe, parameter_counts
from strangers.recipes.style_based import STYLE_RECIPES

by_name = pytest.mark.parametrize("recipe", STYLE_RECIPES, ids=lambda recipe: recipe.name)


@by_name
def test_they_are_presets_of_their_size(recipe: Recipe) -> None:
    assert RECIPES[recipe.name] == recipe
    assert recipe.name == f"style-{recipe.size}"
    assert parameter_counts(recipe)["generator"] < 1_100_000


@by_name
def test_the_penalty_is_rare_and_as_strong_as_the_formula_says(recipe: Recipe) -> None:
    """Karras et al. 2020 (arXiv 2006.06676), appendix C: 0.0002 times the pixels divided by the batch."""
    paid = [recipe.penalty_weight(step * recipe.batch) for step in range(32)]
    assert [step for step, weight in enumerate(paid) if weight] == [0, 16]
    assert paid[0] == pytest.approx(16 * 0.0002 * recipe.size**2 / recipe.batch)


@by_name
def test_augmentation_and_average_are_those_of_the_other_recipes(recipe: Recipe) -> None:
    few, fast = RECIPES["few-64"], RECIPES[f"fast-{recipe.size}"]
    assert recipe.augmentation.names == few.augmentation.names
    assert isinstance(recipe.augmentation.probability, Adaptive)
    assert (recipe.ema_halflife_images, recipe.batch) == (fast.ema_halflife_images, fast.batch)
