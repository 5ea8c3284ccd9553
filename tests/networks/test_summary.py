"""The layers of a network: all of its parameters, and the shapes that it computes."""

from __future__ import annotations

import pytest

from strangers.networks.summary import layers
from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import build_networks, parameter_counts


@pytest.mark.parametrize(
    "name", ["dcgan-32", "sngan-64-small", "r3gan-64-small", "wgan-gp-64-small", "style-32"]
)
def test_the_layers_have_all_parameters_and_end_in_a_picture_and_a_logit(name: str) -> None:
    recipe = RECIPES[name]
    generator, discriminator = build_networks(recipe)
    drawn = layers(generator, (recipe.latent_size,))
    judged = layers(discriminator, (3, recipe.size, recipe.size))
    counts = {"generator": drawn, "discriminator": judged}
    assert {
        network: sum(layer.parameters for layer in found) for network, found in counts.items()
    } == parameter_counts(recipe)
    assert drawn[-1].shape == (3, recipe.size, recipe.size)
    assert judged[-1].shape == ()


def test_a_reparametrized_convolution_is_one_layer() -> None:
    _, discriminator = build_networks(RECIPES["sngan-64-small"])
    found = layers(discriminator, (3, 64, 64))
    assert all("parametrizations" not in layer.name for layer in found)
    assert [layer.kind for layer in found if layer.name == "0.residual.0"] == ["Conv2d"]
