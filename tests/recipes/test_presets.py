"""The presets: parameters of their sources, shapes, and names."""

from __future__ import annotations

import re

import pytest
import torch

from strangers.errors import UsageError
from strangers.recipes.presets import RECIPES, recipe_named
from strangers.recipes.recipe import build_networks, parameter_counts

PARAMETERS = {
    "dcgan-32": (1_068_928, 663_296),
    "dcgan-64": (3_576_704, 2_765_568),
    "dcgan-128": (12_786_560, 11_164_416),
    "dcgan-64-r1": (3_576_704, 2_765_568),
    "dcgan-128-r1": (3_608_000, 2_796_928),
    "dense-128": (13_971_843, 2_224_769),
    "compact-32": (793_536, 690_689),
    "two-step-32": (4_535_683, 297_281),
    "dropout-64": (12_658_432, 2_765_696),
    "nadam-128": (2_410_691, 404_801),
    "fast-32": (370_624, 167_808),
    "fast-64": (1_100_224, 694_656),
    "few-64": (3_974_532, 2_765_568),
    "few-128": (3_973_668, 2_796_928),
    "style-32": (707_068, 363_209),
    "style-64": (1_081_791, 753_297),
    "ttur-64": (3_576_704, 2_765_568),
    "sngan-64": (12_220_675, 10_141_441),
    "sngan-64-small": (1_162_051, 635_329),
    "sngan-128": (32_150_787, 29_017_857),
    "sngan-128-small": (2_409_027, 1_815_489),
    "wgan-gp-64": (12_220_675, 10_141_441),
    "wgan-gp-64-small": (1_162_051, 635_329),
    "r3gan-64": (25_899_267, 25_851_648),
    "r3gan-64-small": (690_444, 674_336),
    "r3gan-128": (22_910_019, 22_861_824),
    "r3gan-128-small": (1_101_068, 1_084_960),
}
"""Trainable parameters of generator and discriminator: the source systems' own where they can be known."""


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_has_its_sources_parameter_counts(name: str) -> None:
    assert tuple(parameter_counts(RECIPES[name]).values()) == PARAMETERS[name]


WIDE = 10_000_000
"""Parameters of a generator whose arithmetic would take a CPU longer than a test may."""


@pytest.mark.parametrize("name", [name for name, (wide, _) in PARAMETERS.items() if wide >= WIDE])
def test_shapes_of_wide_networks(name: str) -> None:
    recipe = RECIPES[name]
    with torch.device("meta"):
        images = recipe.network.generator(recipe.latent_size)(torch.empty(2, recipe.latent_size))
    assert images.shape == (2, 3, recipe.size, recipe.size)


@pytest.mark.parametrize("name", [name for name, (wide, _) in PARAMETERS.items() if wide < WIDE])
def test_shapes_ranges_and_gradients(name: str) -> None:
    recipe = RECIPES[name]
    torch.manual_seed(0)
    generator, discriminator = build_networks(recipe)
    images = generator(torch.randn(2, recipe.latent_size))
    assert images.shape == (2, 3, recipe.size, recipe.size)
    assert images.abs().max() <= 1
    logits = discriminator(images)
    assert logits.shape == (2,)
    logits.sum().backward()
    for network in (generator, discriminator):
        for weights_name, weights in network.named_parameters():
            assert weights.grad is not None, weights_name
            assert weights.grad.isfinite().all(), weights_name
    first = next(generator.parameters()).grad
    assert first is not None
    assert first.abs().sum() > 0


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        ("dcgan-63", "Did you mean dcgan-64,"),
        ("DCGAN_64", "Did you mean dcgan-64?"),
        ("fast", "Did you mean fast-32 or fast-64?"),
        ("stylegan3", "Did you mean style-32?"),
        ("diffusion", "`strangers recipes` lists all."),
    ],
)
def test_an_unknown_recipe_is_answered_with_the_nearest(wrong: str, advice: str) -> None:
    with pytest.raises(UsageError, match=re.escape(advice)) as caught:
        recipe_named(wrong)
    assert str(caught.value).startswith(f"There is no recipe {wrong!r}.")


def test_equal_batches_are_written_once() -> None:
    assert {name for name, recipe in RECIPES.items() if recipe.generator_batch is not None} == {"dense-128"}


@pytest.mark.parametrize("name", RECIPES)
def test_a_preset_is_found_by_its_name(name: str) -> None:
    assert recipe_named(name) is RECIPES[name]
    assert RECIPES[name].name == name
