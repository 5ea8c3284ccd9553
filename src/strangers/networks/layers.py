"""Layers and initializers that at least two families share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

Widths = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1, max_length=64, strict=False)]
"""Channels of consecutive convolutions, each at least 1."""

MAX_BLOCKS = 64
"""Maximum of consecutive blocks of one kind, since a recipe may come from a stranger."""


class Reshape(nn.Module):
    """A layer from (n, c * h * w) to (n, c, h, w), in channels-last order, which convolutions like."""

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        self.shape = (channels, height, width)

    def forward(self, flat: Tensor) -> Tensor:
        return flat.reshape(-1, *self.shape).contiguous(memory_format=torch.channels_last)


class Logit(nn.Sequential):
    """The last layers of a discriminator: features (n, c, h, w) to logits (n,)."""

    def __init__(self, features: int, *, bias: bool, dropout: float = 0.0) -> None:
        drop = [nn.Dropout(dropout)] if dropout else []
        super().__init__(nn.Flatten(), *drop, nn.Linear(features, 1, bias=bias), nn.Flatten(0))


LINEAR = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
"""Layers with weight matrices, unlike norms, whose weights scale."""


def initialize(
    network: nn.Module, weights: Callable[[Tensor], Tensor], kinds: tuple[type[nn.Module], ...] = LINEAR
) -> None:
    """Initialize the weights of all layers of these kinds with `weights`, and their biases with 0."""
    for layer in network.modules():
        if isinstance(layer, kinds):
            own = dict(layer.named_parameters(recurse=False))
            weights(own["weight"])
            if "bias" in own:
                nn.init.zeros_(own["bias"])


def scaled_normal(gain: float) -> Callable[[Tensor], Tensor]:
    """Return an initializer with N(0, gain**2 / fan in): outputs have `gain` times the inputs' deviation."""

    def fill(weights: Tensor) -> Tensor:
        fan_in = weights[0].numel()
        return nn.init.normal_(weights, std=gain / fan_in**0.5)

    return fill
