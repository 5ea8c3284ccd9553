"""What at least two families share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

Widths = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1, max_length=64)]
"""Channels of one convolution after another, each at least 1."""

MOST_BLOCKS = 64
"""Of one kind in a row: a recipe, which may be a stranger's, cannot have a network built without end."""


class Reshape(nn.Module):
    """(n, c * h * w) -> (n, c, h, w), in channels-last order so that what follows runs fast."""

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        self.shape = (channels, height, width)

    def forward(self, flat: Tensor) -> Tensor:
        return flat.reshape(-1, *self.shape).contiguous(memory_format=torch.channels_last)


class Logit(nn.Sequential):
    """The end of a discriminator: features (n, c, h, w) -> one logit each, (n,)."""

    def __init__(self, features: int, *, bias: bool, dropout: float = 0.0) -> None:
        drop = [nn.Dropout(dropout)] if dropout else []
        super().__init__(nn.Flatten(), *drop, nn.Linear(features, 1, bias=bias), nn.Flatten(0))


LINEAR = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
"""Layers whose weights multiply; what a norm's do is scale."""


def initialize(
    network: nn.Module, weights: Callable[[Tensor], Tensor], kinds: tuple[type[nn.Module], ...] = LINEAR
) -> None:
    """Fill the weights of every layer of these kinds with `weights`, and their biases with 0."""
    for layer in network.modules():
        if isinstance(layer, kinds):
            own = dict(layer.named_parameters(recurse=False))
            weights(own["weight"])
            if "bias" in own:
                nn.init.zeros_(own["bias"])


def scaled_normal(gain: float) -> Callable[[Tensor], Tensor]:
    """Fills weights from N(0, gain**2 / fan in): a layer's output has `gain` times its input's deviation."""

    def fill(weights: Tensor) -> Tensor:
        fan_in = weights[0].numel()
        return nn.init.normal_(weights, std=gain / fan_in**0.5)

    return fill
