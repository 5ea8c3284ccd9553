"""The residual networks: spectral norm holds every layer; a 1x1 layer before doubling is one after it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from strangers.networks.resnet import Down, ResNet, Up

SMALL = ResNet(generator_widths=(32, 16, 8), discriminator_widths=(8, 16, 32))


def test_spectral_norm_bounds_every_layer_of_the_discriminator() -> None:
    """Miyato et al. 2018, section 2.1: after some power iteration, no layer stretches by more than 1."""
    torch.manual_seed(0)
    _, discriminator = SMALL.build(8)
    for _ in range(30):
        discriminator(torch.randn(4, 3, 16, 16))
    layers = [layer for layer in discriminator.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    assert len(layers) == 10  # two in each block and one past it, and the last
    for layer in layers:
        stretch = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2).item()
        assert stretch == pytest.approx(1, abs=0.02)


def test_without_a_norm_there_is_none() -> None:
    free = SMALL.model_copy(update={"discriminator_norm": "none", "generator_norm": "none"})
    names = [type(layer).__name__ for network in free.build(8) for layer in network.modules()]
    assert not [name for name in names if "Norm" in name or "Parametrized" in name]


def test_the_shortcut_does_not_depend_on_the_order() -> None:
    features = torch.randn(2, 6, 8, 8)
    up, down = Up(6, 4, norm=False), Down(6, 4, halves=True, first=False)
    for block in (up.residual, down.residual):
        for weights in block.parameters():
            nn.init.zeros_(weights)
    doubled = nn.functional.interpolate(features, scale_factor=2.0)
    torch.testing.assert_close(up(features), up.shortcut(doubled))
    torch.testing.assert_close(down(features), nn.functional.avg_pool2d(down.shortcut[1](features), 2))


def test_last_blocks_may_keep_the_map() -> None:
    network = ResNet(generator_widths=(32, 16, 8), discriminator_widths=(8, 16, 16), whole_blocks=1)
    assert (network.size, network.downsamplings) == (16, 2)
    assert network.build(8)[1](torch.randn(2, 3, 16, 16)).shape == (2,)
