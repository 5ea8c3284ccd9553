"""R3GAN: residual blocks of grouped convolutions without any normalization (Huang et al. 2024, section 3.2).

A stage resamples its map, then refines it in residual blocks. A block's last convolution starts at zero, so
that untrained blocks are the identity, and no depth needs a norm (Zhang et al. 2019, "Fixup").
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from strangers.networks.architecture import Architecture, doublings, inner_widths
from strangers.networks.layers import MAX_BLOCKS, Widths, initialize, scaled_normal

MIN_HEIGHT = 4
"""Height and width of the smallest map."""

LEAK = 0.2

GAIN = (2 / (1 + LEAK**2)) ** 0.5
"""Gain of weights before a LeakyReLU that keeps the variance (He et al. 2015, eq. 14)."""


class R3GAN(Architecture):
    """Stages of residual blocks from a map of 4x4 to the picture; the discriminator is the mirror image.

    Attributes:
        widths: channels of each stage, from the map of 4x4 to the picture.
        blocks: residual blocks in each stage.
        expansion: ratio of a block's inner channels to its outer ones.
        group_width: channels per group of a block's 3x3 convolution.
        patch: side of the squares of pixels that are handled as channels at full size; with 2 no block
            works at full size, where a CPU spends most of its time.
    """

    architecture: Literal["r3gan"] = "r3gan"
    widths: Widths
    blocks: int = Field(default=2, ge=1, le=MAX_BLOCKS)
    expansion: int = Field(default=2, ge=1)
    group_width: int = Field(default=16, ge=1)
    patch: int = Field(default=1, ge=1)

    @property
    def size(self) -> int:
        """Height and width of the pictures, in pixels."""
        return int(MIN_HEIGHT * 2 ** (len(self.widths) - 1) * self.patch)

    @property
    def downsamplings(self) -> int:
        """Number of times that the discriminator halves a picture, besides the patch."""
        return len(self.widths) - 1

    def resized(self, size: int) -> R3GAN:
        """Return the configuration for another size: each doubling repeats the innermost stage."""
        count = doublings(size, MIN_HEIGHT * self.patch) + 1
        return self.replace(widths=inner_widths(self.widths[::-1], count)[::-1])

    def build(self, latent_size: int) -> tuple[nn.Module, nn.Module]:
        """Return a new (generator, discriminator), initialized from torch's random state."""
        generator, discriminator = self.generator(latent_size), self._discriminator()
        for network in (generator, discriminator):
            initialize(network, scaled_normal(1.0))
            blocks = [layer for layer in network.modules() if isinstance(layer, Block)]
            for block in blocks:
                block.initialize(len(blocks))
        nn.init.normal_(generator.get_parameter("0.patterns"))
        return generator, discriminator

    def generator(self, latent_size: int) -> nn.Sequential:
        """Return the generator with uninitialized weights, for `build` or a model file to fill."""
        first, *others = self.widths
        layers: list[nn.Module] = [Basis(latent_size, first), *self._blocks(first)]
        before = first
        for width in others:
            layers += [*_channels(before, width), Upsample(), *self._blocks(width)]
            before = width
        pixels = nn.Conv2d(before, 3 * self.patch**2, 1)
        return nn.Sequential(*layers, pixels, nn.PixelShuffle(self.patch), nn.Tanh())

    def _discriminator(self) -> nn.Sequential:
        widths = self.widths[::-1]
        last = widths[-1]
        layers: list[nn.Module] = [
            nn.PixelUnshuffle(self.patch),
            nn.Conv2d(3 * self.patch**2, widths[0], 1),
        ]
        for width, after in pairwise(widths):
            layers += [*self._blocks(width), nn.AvgPool2d(2), *_channels(width, after)]
        summary = nn.Conv2d(last, last, MIN_HEIGHT, groups=last, bias=False)  # one number per channel
        return nn.Sequential(
            *layers, *self._blocks(last), summary, nn.Flatten(), nn.Linear(last, 1, bias=False), nn.Flatten(0)
        )

    def _blocks(self, width: int) -> list[nn.Module]:
        return [Block(width, self.expansion * width, self.group_width) for _ in range(self.blocks)]


class Basis(nn.Module):
    """The first layer, (n, latent_size) to (n, width, 4, 4): a learned pattern per channel, scaled."""

    def __init__(self, latent_size: int, width: int) -> None:
        super().__init__()
        self.scale = nn.Linear(latent_size, width, bias=False)
        self.patterns = nn.Parameter(torch.empty(width, MIN_HEIGHT, MIN_HEIGHT))

    def forward(self, z: Tensor) -> Tensor:
        maps: Tensor = self.scale(z)[:, :, None, None] * self.patterns
        return maps.contiguous(memory_format=torch.channels_last)


class Block(nn.Module):
    """A residual block x + f(x), where f is a 1x1, a grouped 3x3 and a 1x1 convolution."""

    def __init__(self, width: int, inner: int, group_width: int) -> None:
        super().__init__()
        self.widen = nn.Conv2d(width, inner, 1)
        self.mix = nn.Conv2d(inner, inner, 3, padding=1, groups=max(1, inner // group_width))
        self.narrow = nn.Conv2d(inner, width, 1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Map (n, width, h, w) to the same shape."""
        inner = F.leaky_relu(self.widen(features), LEAK)
        inner = F.leaky_relu(self.mix(inner), LEAK)
        refined: Tensor = features + self.narrow(inner)
        return refined

    def initialize(self, blocks: int) -> None:
        """Scale weights down with the number of blocks; zero the last one (Zhang et al. 2019, section 3)."""
        layers_inside = 3
        gain = GAIN * blocks ** (-1 / (2 * layers_inside - 2))
        initialize(self.widen, scaled_normal(gain))
        initialize(self.mix, scaled_normal(gain))
        initialize(self.narrow, nn.init.zeros_)


class Upsample(nn.Module):
    """Bilinear upsampling, (n, c, h, w) to (n, c, 2h, 2w)."""

    def forward(self, features: Tensor) -> Tensor:
        return F.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)


def _channels(before: int, after: int) -> list[nn.Module]:
    """Return a 1x1 convolution if the number of channels changes."""
    return [nn.Conv2d(before, after, 1, bias=False)] if before != after else []
