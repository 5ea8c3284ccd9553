"""Dense networks are as in Keras: initialization, padding and sizes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from strangers.networks.dense import Dense, Stage, same_convolution
from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import build_networks


def test_initialization_of_dense() -> None:
    """Uniform within the bounds of Glorot (sum of fans) and of He (fan in)."""
    torch.manual_seed(0)
    generator, discriminator = build_networks(RECIPES["two-step-32"])
    dense = next(generator.parameters()).detach()
    assert dense.abs().max() == pytest.approx((6 / (100 + 8 * 8 * 256)) ** 0.5, rel=0.01)
    convolution = [p for p in discriminator.parameters() if p.ndim == 4][1].detach()
    assert convolution.abs().max() == pytest.approx((6 / (64 * 9)) ** 0.5, rel=0.01)


@pytest.mark.parametrize("kernel", [1, 3, 4, 8])
def test_same_padding_keeps_the_size_and_pads_an_even_kernel_at_the_end(kernel: int) -> None:
    layer = nn.Sequential(*same_convolution(1, 1, kernel))
    for weights in layer.parameters():
        nn.init.ones_(weights) if weights.ndim == 4 else nn.init.zeros_(weights)
    impulse = torch.zeros(1, 1, 17, 17)
    impulse[..., 8, 8] = 1
    response = layer(impulse)[0, 0].detach().nonzero()[:, 0]
    assert layer(impulse).shape == impulse.shape
    assert (response.min().item(), response.max().item()) == (8 - kernel // 2, 8 + (kernel - 1) // 2)


@pytest.mark.parametrize("kernel", [3, 4])
def test_stages_of_stride_2_double_the_map(kernel: int) -> None:
    network = Dense.model_validate(
        {
            "stem_width": 4, "stem_size": 4, "generator_kernel": kernel, "generator_norm": True,
            "generator_stages": (Stage(width=4, stride=2), Stage(width=3, stride=1)), "last_kernel": 3,
            "discriminator_widths": (4, 4),
        }
    )  # fmt: skip
    assert (network.size, network.downsamplings) == (8, 2)
    generator, discriminator = network.build(5)
    assert generator(torch.randn(2, 5)).shape == (2, 3, 8, 8)
    assert discriminator(torch.randn(2, 3, 8, 8)).shape == (2,)
