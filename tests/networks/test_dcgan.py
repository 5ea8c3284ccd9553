"""DCGAN: initialization of the paper, and shapes for every stem, norm and size."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from strangers.networks.dcgan import DCGAN
from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import build_networks


@pytest.mark.parametrize(
    ("name", "layer", "mean", "deviation"),
    [
        ("dcgan-64", "1.weight", 0, 0.02),
        ("dcgan-64", "2.weight", 1, 0.02),
        ("dropout-64", "2.weight", 1, 0.02),
    ],
)
def test_initialization_of_dcgan(name: str, layer: str, mean: float, deviation: float) -> None:
    """Radford et al. 2016, section 4: weights N(0, 0.02); batch norm's scale is about 1, never about 0."""
    torch.manual_seed(0)
    weights = dict(build_networks(RECIPES[name])[0].named_parameters())[layer].detach()
    assert weights.mean() == pytest.approx(mean, abs=0.005)
    assert weights.std() == pytest.approx(deviation, rel=0.15)


@pytest.mark.parametrize("stem", ["convolution", "linear"])
@pytest.mark.parametrize(("norm", "norms"), [("none", 0), ("inner", 1), ("all", 2)])
def test_size_and_norms_follow_the_configuration(stem: str, norm: str, norms: int) -> None:
    network = DCGAN.model_validate_json(
        f'{{"stem": "{stem}", "stem_size": 3, "generator_widths": [6, 4], "discriminator_widths": [4, 6],'
        f' "discriminator_norm": "{norm}"}}'
    )
    assert (network.size, network.downsamplings) == (12, 2)
    generator, discriminator = network.build(5)
    assert generator(torch.randn(2, 5)).shape == (2, 3, 12, 12)
    assert discriminator(torch.randn(2, 3, 12, 12)).shape == (2,)
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in discriminator.modules()) == norms


def test_a_mapping_network_moves_latents_and_keeps_their_length() -> None:
    generator, _ = DCGAN(mapping_width=6, generator_widths=(6, 4)).build(5)
    mapping = generator[0]  # type: ignore[index]
    z = torch.randn(7, 5)
    assert torch.allclose(mapping(z).norm(dim=1), z.norm(dim=1))
    assert not torch.equal(mapping(z), z)
    assert torch.equal(mapping(torch.zeros(1, 5)), torch.zeros(1, 5))
    assert generator(z).shape == (7, 3, 16, 16)


def test_a_last_layer_that_doubles_nothing_needs_one_more_map() -> None:
    network = DCGAN(last_layer="convolution", generator_widths=(6, 4, 4), discriminator_widths=(4, 6))
    assert network.size == 16
    generator, discriminator = network.build(5)
    assert discriminator(generator(torch.randn(2, 5))).shape == (2,)
    larger = network.resized(32)
    assert (larger.size, larger.generator_widths, larger.discriminator_widths) == (
        32, (12, 6, 4, 4), (4, 6, 12)
    )  # fmt: skip


def test_dropout_acts_in_training_only() -> None:
    generator, _ = DCGAN(generator_widths=(6, 4), generator_dropout=0.5).build(5)
    z = torch.randn(2, 5)
    assert not torch.equal(generator(z), generator(z))
    generator.eval()
    assert torch.equal(generator(z), generator(z))
