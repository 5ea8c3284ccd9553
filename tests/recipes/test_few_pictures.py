"""Recipes for few pictures: gentle to the generator, and with the networks of the bundled models."""

from __future__ import annotations

import pytest

from strangers.recipes.few_pictures import FEW_PICTURE_RECIPES
from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import Adaptive, Recipe
from strangers.sampling.load import load

by_name = pytest.mark.parametrize("recipe", FEW_PICTURE_RECIPES, ids=lambda recipe: recipe.name)


@by_name
def test_they_are_presets_with_the_networks_of_the_bundled_models(recipe: Recipe) -> None:
    assert RECIPES[recipe.name] == recipe
    assert recipe.name == f"few-{recipe.size}"
    model = load(f"celeba-{recipe.size}", device="cpu").recipe
    assert (recipe.network, recipe.latent, recipe.latent_size) == (
        model.network, model.latent, model.latent_size,
    )  # fmt: skip


@by_name
def test_a_trained_generator_learns_slowly_and_after_its_discriminator(recipe: Recipe) -> None:
    model = RECIPES[f"dcgan-{recipe.size}-r1"]
    assert recipe.generator_optimizer.learning_rate < model.generator_optimizer.learning_rate
    assert recipe.generator_optimizer.learning_rate < recipe.discriminator_optimizer.learning_rate
    assert 0 < recipe.generator_after < recipe.images / 10


@by_name
def test_pictures_are_augmented_as_far_as_the_discriminator_knows_them(recipe: Recipe) -> None:
    assert isinstance(recipe.augmentation.probability, Adaptive)
    assert recipe.augmentation.names
    assert recipe.flip
    assert recipe.penalty.kind == "r1"
