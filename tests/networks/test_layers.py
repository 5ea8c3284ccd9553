"""Initializers keep the variance that they promise, and biases begin at 0."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from strangers.networks.layers import Logit, Reshape, initialize, scaled_normal


@pytest.mark.parametrize("gain", [1.0, 2.0**0.5])
def test_outputs_have_gain_times_the_deviation_of_inputs(gain: float) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(400, 300)
    initialize(layer, scaled_normal(gain))
    outputs = layer(torch.randn(500, 400))
    assert outputs.std().item() == pytest.approx(gain, rel=0.02)
    assert not layer.bias.any()


def test_only_the_chosen_layers_are_initialized() -> None:
    convolution, norm = nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4)
    before = convolution.weight.detach().clone()
    initialize(
        nn.Sequential(convolution, norm), lambda weights: nn.init.constant_(weights, 7), (nn.BatchNorm2d,)
    )
    assert torch.equal(convolution.weight, before)
    assert (norm.weight == 7).all()


def test_a_map_is_reshaped_and_a_logit_is_one_number_per_image() -> None:
    maps = Reshape(3, 2, 5)(torch.arange(60.0).reshape(2, 30))
    assert maps.shape == (2, 3, 2, 5)
    assert torch.equal(maps.flatten(), torch.arange(60.0))
    assert maps.is_contiguous(memory_format=torch.channels_last)
    assert Logit(30, bias=True, dropout=0.5)(maps).shape == (2,)
