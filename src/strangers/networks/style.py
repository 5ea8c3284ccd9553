"""StyleGAN2: convolutions that are modulated by the latent (Karras et al. 2020, arXiv 1912.04958).

Left out: noise inputs, since one seed is one face here, style mixing and path length regularization. The
generator ends in tanh, as all generators here do. The filter [1, 3, 3, 1] is that of the paper's networks.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from strangers.networks.architecture import Architecture, doublings, widths_of
from strangers.networks.layers import MAX_BLOCKS, Widths

MIN_HEIGHT = 4
"""Height and width of the constant."""
LEAK = 0.2
GAIN = (2 / (1 + LEAK**2)) ** 0.5
"""Gain of weights after a LeakyReLU that keeps the variance (He et al. 2015, eq. 14)."""

EPSILON = 1e-8

AVERAGED_BATCHES = 200
"""Batches of training over which the mean style is averaged."""


class StyleGAN2(Architecture):
    """Modulated convolutions from a constant to the picture; residual blocks from the picture to the logit.

    Attributes:
        generator_widths: channels of each map, from that of 4x4 to the picture; each further map doubles.
        style_size: length of the style, and units of each layer of the mapping network.
        mapping_layers: layers of the mapping network from the latent to the style.
        mapping_rate: multiplier of the mapping network's learning rate (Karras et al. 2019, appendix C).
        discriminator_widths: channels of each map, from the picture inwards; each further map halves.
    """

    architecture: Literal["stylegan2"] = "stylegan2"
    generator_widths: Widths
    style_size: int = Field(default=128, ge=1, le=4096)
    mapping_layers: int = Field(default=4, ge=1, le=MAX_BLOCKS)
    mapping_rate: float = Field(default=0.01, gt=0, le=1)
    discriminator_widths: Widths

    @property
    def size(self) -> int:
        """Height and width of the pictures, in pixels."""
        return int(MIN_HEIGHT * 2 ** (len(self.generator_widths) - 1))

    @property
    def downsamplings(self) -> int:
        """Number of times that the discriminator halves a picture."""
        return len(self.discriminator_widths) - 1

    def resized(self, size: int) -> StyleGAN2:
        """Return the configuration for another size: each doubling repeats the innermost maps."""
        count = doublings(size, MIN_HEIGHT) + 1
        return self.replace(**widths_of(self.generator_widths, self.discriminator_widths, count))

    def build(self, latent_size: int) -> tuple[nn.Module, nn.Module]:
        """Return a new (generator, discriminator), initialized from torch's random state."""
        return self.generator(latent_size), self._discriminator()

    def generator(self, latent_size: int) -> nn.Module:
        """Return the generator, for `build` or for a model file to fill."""
        mapping = Mapping(latent_size, self.style_size, self.mapping_layers, self.mapping_rate)
        return Generator(mapping, self.generator_widths, self.style_size)

    def _discriminator(self) -> nn.Sequential:
        first, last = self.discriminator_widths[0], self.discriminator_widths[-1]
        rest = self.size // 2**self.downsamplings
        activation = nn.LeakyReLU(LEAK)
        return nn.Sequential(
            Convolution(3, first, 1, gain=1.0),
            activation,
            *(Down(before, after) for before, after in pairwise(self.discriminator_widths)),
            MinibatchDeviation(),
            Convolution(last + 1, last, 3),
            activation,
            nn.Flatten(),
            Linear(last * rest**2, last, gain=GAIN),
            activation,
            Linear(last, 1, gain=GAIN),
            nn.Flatten(0),
        )


class Linear(nn.Module):
    """A linear layer with an equalized learning rate (Karras et al. 2018, section 4.1).

    Weights have variance 1 and are scaled when used, so that Adam moves all layers alike.
    rate: multiplier of the learning rate. bias: its initial value.
    """

    def __init__(self, inputs: int, outputs: int, gain: float = 1.0, rate: float = 1.0, bias: float = 0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias / rate))
        self.scale, self.rate = gain * rate / inputs**0.5, rate

    def forward(self, rows: Tensor) -> Tensor:
        """Map (n, inputs) to (n, outputs)."""
        return F.linear(rows, self.weight * self.scale, self.bias * self.rate)


class Convolution(nn.Module):
    """A convolution with an equalized learning rate (Karras et al. 2018, section 4.1)."""

    def __init__(self, before: int, after: int, kernel: int, *, gain: float = GAIN, stride: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(after))
        self.scale = gain / (before * kernel**2) ** 0.5
        self.stride, self.padding = stride, kernel // 2

    def forward(self, maps: Tensor) -> Tensor:
        """Map (n, before, h, w) to (n, after, h, w), which the stride divides."""
        return F.conv2d(maps, self.weight * self.scale, self.bias, self.stride, self.padding)


class Mapping(nn.Module):
    """The mapping network from latents to styles (Karras et al. 2019, section 2).

    It sees the direction of a latent only. In eval mode the length, as a fraction of the usual one, is the
    psi of a truncation toward the mean style (appendix B), so that short latents are typical faces.
    """

    mean: Tensor
    length: Tensor

    def __init__(self, latent_size: int, style_size: int, layers: int, rate: float) -> None:
        super().__init__()
        sizes = [latent_size, *[style_size] * layers]
        self.layers = nn.Sequential()
        for before, after in pairwise(sizes):
            self.layers.extend([Linear(before, after, gain=GAIN, rate=rate), nn.LeakyReLU(LEAK)])
        self.register_buffer("mean", torch.zeros(style_size))
        self.register_buffer("length", torch.ones(()))

    def forward(self, z: Tensor) -> Tensor:
        """Map (n, latent_size) to styles (n, style_size)."""
        lengths = (z.square().mean(1, keepdim=True) + EPSILON).sqrt()
        styles: Tensor = self.layers(z / lengths)
        if self.training:
            self.mean.lerp_(styles.detach().float().mean(0), 1 / AVERAGED_BATCHES)
            self.length.lerp_(lengths.detach().float().mean(), 1 / AVERAGED_BATCHES)
            return styles
        return self.mean + (styles - self.mean) * (lengths / self.length)


class Generator(nn.Module):
    """A constant, a map of each size, and the sum of a picture of each (Karras et al. 2020, figure 7b)."""

    def __init__(self, mapping: nn.Module, widths: tuple[int, ...], style_size: int) -> None:
        super().__init__()
        self.mapping = mapping
        self.constant = nn.Parameter(torch.randn(1, widths[0], MIN_HEIGHT, MIN_HEIGHT))
        self.first = ModulatedConvolution(widths[0], widths[0], style_size)
        self.stages = nn.ModuleList(Up(before, after, style_size) for before, after in pairwise(widths))
        # The variance of the sum of all pictures is about 1.
        gain = GAIN / len(widths) ** 0.5
        self.pictures = nn.ModuleList(Picture(width, style_size, gain) for width in widths)
        self.limit = nn.Tanh()

    def forward(self, z: Tensor) -> Tensor:
        """Map latents (n, latent_size) to images (n, 3, size, size) in [-1, 1]."""
        style = self.mapping(z)
        # len(z) would be a constant of an exported model.
        maps = self.constant.expand(z.shape[0], -1, -1, -1).contiguous(memory_format=torch.channels_last)
        maps = self.first(maps, style)
        image = self.pictures[0](maps, style)
        for stage, picture in zip(self.stages, self.pictures[1:], strict=True):
            maps = stage(maps, style)
            image = doubled(image) + picture(maps, style)
        limited: Tensor = self.limit(image)
        return limited


class Up(nn.Module):
    """Two modulated convolutions, of which the first doubles: (n, before, h, w) -> (n, after, 2h, 2w)."""

    def __init__(self, before: int, after: int, style_size: int) -> None:
        super().__init__()
        self.enlarge = ModulatedConvolution(before, after, style_size, doubles=True)
        self.refine = ModulatedConvolution(after, after, style_size)

    def forward(self, maps: Tensor, style: Tensor) -> Tensor:
        maps = self.enlarge(maps, style)
        return self.refine(maps, style)  # type: ignore[no-any-return]


class ModulatedConvolution(nn.Module):
    """A 3x3 convolution with weights of its own for each style, bias and LeakyReLU."""

    def __init__(self, before: int, after: int, style_size: int, *, doubles: bool = False) -> None:
        super().__init__()
        self.style = Linear(style_size, before, bias=1.0)
        self.weight = nn.Parameter(torch.randn(after, before, 3, 3))
        self.bias = nn.Parameter(torch.zeros(after, 1, 1))
        self.doubles = doubles

    def forward(self, maps: Tensor, style: Tensor) -> Tensor:
        """Map (n, before, h, w) and styles (n, style_size) to (n, after, h, w), or twice as high and wide."""
        factors = self.style(style)
        scales = demodulation(self.weight, factors)[:, :, None, None]
        maps = modulated(maps, self.weight, factors, doubles=self.doubles)
        return F.leaky_relu(torch.addcmul(self.bias.to(maps.dtype), maps, scales.to(maps.dtype)), LEAK)


class Picture(nn.Module):
    """A modulated 1x1 convolution to a picture, without demodulation (Karras et al. 2020, section 2.2)."""

    def __init__(self, width: int, style_size: int, gain: float) -> None:
        super().__init__()
        self.style = Linear(style_size, width, bias=1.0)
        self.weight = nn.Parameter(torch.randn(3, width, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3, 1, 1))
        self.scale = gain / width**0.5

    def forward(self, maps: Tensor, style: Tensor) -> Tensor:
        """Map (n, width, h, w) and styles (n, style_size) to pictures (n, 3, h, w)."""
        pictures = modulated(maps, self.weight, self.style(style) * self.scale)
        return pictures + self.bias.to(pictures.dtype)


class Down(nn.Module):
    """A residual block, (n, before, 2h, 2w) to (n, after, h, w) (Karras et al. 2020, figure 7c)."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        half = 0.5**0.5  # of a sum of two that keeps the variance
        self.shortcut = Convolution(before, after, 1, gain=half)
        self.refine = Convolution(before, before, 3)
        self.halve = Convolution(before, after, 3, gain=GAIN * half, stride=2)

    def forward(self, maps: Tensor) -> Tensor:
        residual = F.leaky_relu(self.refine(maps), LEAK)
        residual = F.leaky_relu(self.halve(blurred(residual)), LEAK)
        summed: Tensor = residual + self.shortcut(blurred(maps, stride=2))
        return summed


class MinibatchDeviation(nn.Module):
    """One more map, the mean standard deviation over the batch (Karras et al. 2018, section 3).

    The batch is one group; of several processes each has its own.
    """

    def forward(self, maps: Tensor) -> Tensor:
        variance = (maps.float() - maps.float().mean(0)).square().mean(0)
        deviation = (variance + EPSILON).sqrt().mean().to(maps.dtype)
        return torch.cat([maps, deviation.expand(maps.shape[0], 1, *maps.shape[2:])], dim=1)


def modulated(maps: Tensor, weight: Tensor, factors: Tensor, *, doubles: bool = False) -> Tensor:
    """Convolve with weights whose input channels are scaled by factors (Karras et al. 2020, eq. 1).

    maps: (n, before, h, w). weight: (after, before, k, k). factors: (n, before), the styles s of each image.
    doubles: a transposed convolution with stride 2, and a blur. A convolution is linear, so scaling the
    channels of the maps is the same and needs no weights per image.
    """
    maps = maps * factors[:, :, None, None].to(maps.dtype)
    if doubles:
        # Stride 2 spreads each pixel over four.
        return blurred(F.conv_transpose2d(maps, weight.transpose(0, 1), stride=2), gain=4.0)
    return F.conv2d(maps, weight, padding=weight.shape[2] // 2)


def demodulation(weight: Tensor, factors: Tensor) -> Tensor:
    """Return the scales (n, after) that give outputs variance 1 (Karras et al. 2020, eqs. 2 and 3).

    weight: (after, before, k, k). factors: (n, before). Any scale of all weights cancels, and with it that
    of an equalized learning rate.
    """
    return (F.linear(factors.square(), weight.square().sum(dim=(2, 3))) + EPSILON).rsqrt()


def blurred(maps: Tensor, *, stride: int = 1, gain: float = 1.0) -> Tensor:
    """Filter each channel with [1, 3, 3, 1] in both directions, normalized to sum `gain`.

    Maps (n, c, h, w), padded by 1, lose one row and column, or with stride 2 half of them.
    """
    taps = 4 - 2 * (torch.arange(4, device=maps.device) - 1.5).abs()
    filters = (taps[:, None] * taps * (gain / 64)).to(maps.dtype)
    channels = maps.shape[1]
    return F.conv2d(maps, filters.expand(channels, 1, 4, 4), None, stride, 1, groups=channels)


def doubled(images: Tensor) -> Tensor:
    """Double height and width with the same filter, which is bilinear: (n, c, h, w) to (n, c, 2h, 2w)."""
    return F.interpolate(images, scale_factor=2, mode="bilinear", align_corners=False)
