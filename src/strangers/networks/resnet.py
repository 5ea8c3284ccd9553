"""Residual networks of Gulrajani et al. 2017 and Miyato et al. 2018 (tables 3 to 6).

Widths are those of the mimicry benchmark (Lee and Town 2020).
"""

from __future__ import annotations

from functools import partial
from typing import Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from strangers.networks.architecture import Architecture, doublings, widths_of
from strangers.networks.layers import MAX_BLOCKS, Reshape, Widths, initialize

MIN_HEIGHT = 4
"""Height and width of the generator's first map."""

RESIDUAL_GAIN = 2**0.5
"""Gain of Glorot's initialization in residual branches; shortcuts and the ends have 1."""


class ResNet(Architecture):
    """Residual blocks that double the map up to the picture, and blocks that halve it down again.

    Attributes:
        generator_widths: channels of the first map, and after each block; each block doubles the map.
        discriminator_widths: channels after each block; all but the last `whole_blocks` halve the map.
        whole_blocks: number of last blocks that keep the map's size.
        generator_norm: batch norm before each of the generator's ReLUs.
        discriminator_norm: "spectral" divides each layer's weights by their largest singular value.
    """

    architecture: Literal["resnet"] = "resnet"
    generator_widths: Widths = (1024, 512, 256, 128, 64)
    discriminator_widths: Widths = (64, 128, 256, 512, 1024)
    whole_blocks: int = Field(default=0, ge=0, le=MAX_BLOCKS)
    generator_norm: Literal["batch", "none"] = "batch"
    discriminator_norm: Literal["spectral", "none"] = "spectral"

    @property
    def size(self) -> int:
        """Height and width of the pictures, in pixels."""
        return int(MIN_HEIGHT * 2 ** (len(self.generator_widths) - 1))

    @property
    def downsamplings(self) -> int:
        """Number of times that the discriminator halves a picture."""
        return len(self.discriminator_widths) - self.whole_blocks

    def resized(self, size: int) -> ResNet:
        """Return the configuration for another size: each doubling repeats the widest blocks."""
        count = doublings(size, MIN_HEIGHT) + 1
        return self.replace(**widths_of(self.generator_widths, self.discriminator_widths, count))

    def build(self, latent_size: int) -> tuple[nn.Module, nn.Module]:
        """Return a new (generator, discriminator), initialized from torch's random state."""
        generator, discriminator = self.generator(latent_size), self._discriminator()
        for network in (generator, discriminator):
            initialize(network, nn.init.xavier_uniform_)
            for layer in network.modules():
                if isinstance(layer, Up | Down):
                    initialize(layer.residual, partial(nn.init.xavier_uniform_, gain=RESIDUAL_GAIN))
        if self.discriminator_norm == "spectral":
            for layer in discriminator.modules():
                if isinstance(layer, nn.Conv2d | nn.Linear):
                    spectral_norm(layer)
        return generator, discriminator

    def generator(self, latent_size: int) -> nn.Sequential:
        """Return the generator with uninitialized weights, for `build` or a model file to fill."""
        first, *others = self.generator_widths
        layers: list[nn.Module] = [
            nn.Linear(latent_size, first * MIN_HEIGHT**2),
            Reshape(first, MIN_HEIGHT, MIN_HEIGHT),
        ]
        before = first
        for width in others:
            layers.append(Up(before, width, self.generator_norm == "batch"))
            before = width
        norm = [nn.BatchNorm2d(before)] if self.generator_norm == "batch" else []
        return nn.Sequential(*layers, *norm, nn.ReLU(), nn.Conv2d(before, 3, 3, padding=1), nn.Tanh())

    def _discriminator(self) -> nn.Sequential:
        widths = self.discriminator_widths
        blocks = [
            Down(before, after, halves=number < self.downsamplings, first=number == 0)
            for number, (before, after) in enumerate(zip((3, *widths), widths, strict=False))
        ]
        return nn.Sequential(*blocks, nn.ReLU(), SumPool(), nn.Linear(widths[-1], 1), nn.Flatten(0))


class Up(nn.Module):
    """A residual block that doubles the map: (n, before, h, w) -> (n, after, 2h, 2w)."""

    def __init__(self, before: int, after: int, norm: bool) -> None:
        super().__init__()
        self.shortcut = nn.Conv2d(before, after, 1)
        self.residual = nn.Sequential(
            *([nn.BatchNorm2d(before)] if norm else []),
            nn.ReLU(),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(before, after, 3, padding=1),
            *([nn.BatchNorm2d(after)] if norm else []),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Add shortcut and residual; a 1x1 convolution commutes with doubling, and is cheaper before it."""
        shortcut = F.interpolate(self.shortcut(features), scale_factor=2.0)
        out: Tensor = shortcut + self.residual(features)
        return out


class Down(nn.Module):
    """A residual block that halves the map if `halves`: (n, before, 2h, 2w) -> (n, after, h, w).

    first: the input is pixels, of which a ReLU would lose half.
    """

    def __init__(self, before: int, after: int, *, halves: bool, first: bool) -> None:
        super().__init__()
        pool = [nn.AvgPool2d(2)] if halves else []
        same = before == after and not halves
        self.shortcut = nn.Sequential(*pool, *([] if same else [nn.Conv2d(before, after, 1)]))
        self.residual = nn.Sequential(
            *([] if first else [nn.ReLU()]),
            nn.Conv2d(before, before if halves and not first else after, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(before if halves and not first else after, after, 3, padding=1),
            *pool,
        )

    def forward(self, features: Tensor) -> Tensor:
        """Add shortcut and residual; a 1x1 convolution commutes with halving, and is cheaper after it."""
        out: Tensor = self.shortcut(features) + self.residual(features)
        return out


class SumPool(nn.Module):
    """The sum over each channel, (n, c, h, w) to (n, c)."""

    def forward(self, features: Tensor) -> Tensor:
        return features.sum(dim=(2, 3))
