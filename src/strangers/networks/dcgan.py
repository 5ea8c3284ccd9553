"""The deep convolutional GAN (Radford, Metz and Chintala 2016, section 3) and its near relatives."""

from __future__ import annotations

from functools import partial
from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from strangers.networks import patches
from strangers.networks.architecture import Architecture, doublings, widths_of
from strangers.networks.layers import Logit, Reshape, Widths, initialize


class Downsample(nn.Conv2d):
    """A convolution that halves height and width."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__(before, after, kernel_size=4, stride=2, padding=1, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, before, 2h, 2w) to (n, after, h, w)."""
        if patches.is_faster(images, images.shape[2]):
            return patches.downsample(images, self.weight)
        return super().forward(images)


class Upsample(nn.ConvTranspose2d):
    """A transposed convolution that doubles height and width; stride 2 divides kernel 4: no checkerboard."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__(before, after, kernel_size=4, stride=2, padding=1, bias=False)

    def forward(self, images: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Map (n, before, h, w) to (n, after, 2h, 2w)."""
        if output_size is None and patches.is_faster(images, 2 * images.shape[2], self.out_channels):
            maps = patches.upsample(images, self.weight)
            return maps if self.bias is None else maps + self.bias[:, None, None]
        return super().forward(images, output_size)


class Mapping(nn.Module):
    """A residual mapping network from latents to latents of the same length.

    The stem is linear in the latent, and latents between those of two good faces may give a broken one: a
    mapping network learns to avoid them. That of StyleGAN (Karras et al. 2019, section 2) changes lengths.
    """

    def __init__(self, latent_size: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(latent_size, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, latent_size),
        )

    def forward(self, z: Tensor) -> Tensor:
        """Map (n, latent_size) to (n, latent_size)."""
        moved = z + self.layers(z)
        lengths = z.norm(dim=1, keepdim=True) / moved.norm(dim=1, keepdim=True).clamp(min=1e-6)
        mapped: Tensor = moved * lengths
        return mapped


class DCGAN(Architecture):
    """Convolutions of kernel 4 and stride 2, from a small map of features to the picture and back.

    Attributes:
        mapping_width: units of each hidden layer of the mapping network before the stem; 0 for no network.
        stem: layer from the latent to the first map: a transposed convolution with batch norm, or linear.
        stem_size: height and width of the first map; each further width doubles them.
        generator_widths: channels, from the first map to the one before the picture.
        last_layer: layer that makes the picture: it doubles height and width as those before it, or it is a
            convolution of kernel 5 at the size of the last map, which benchmarks/resize_last.py makes.
        generator_dropout: dropout probability after each of the generator's ReLUs.
        discriminator_widths: channels, from the picture inwards.
        discriminator_norm: batch norm after no convolution, all but the first ("inner"), or all.
    """

    architecture: Literal["dcgan"] = "dcgan"
    mapping_width: int = Field(default=0, ge=0, le=4096)
    stem: Literal["convolution", "linear"] = "convolution"
    stem_size: int = Field(default=4, ge=1)
    generator_widths: Widths = (512, 256, 128, 64)
    last_layer: Literal["upsample", "convolution"] = "upsample"
    generator_dropout: float = Field(default=0.0, ge=0, lt=1)
    discriminator_widths: Widths = (64, 128, 256, 512)
    discriminator_norm: Literal["none", "inner", "all"] = "inner"

    @property
    def size(self) -> int:
        """Height and width of the pictures, in pixels."""
        return int(self.stem_size * 2 ** (len(self.generator_widths) - self._extra))

    @property
    def _extra(self) -> int:
        """Number of widths that double nothing."""
        return int(self.last_layer == "convolution")

    @property
    def downsamplings(self) -> int:
        """Number of times that the discriminator halves a picture."""
        return len(self.discriminator_widths)

    def resized(self, size: int) -> DCGAN:
        """Return the configuration for another size: each doubling adds the widest layers, twice as wide."""
        count = doublings(size, self.stem_size) + self._extra
        return self.replace(**widths_of(self.generator_widths, self.discriminator_widths, count, factor=2))

    def build(self, latent_size: int) -> tuple[nn.Module, nn.Module]:
        """Return a new (generator, discriminator), initialized from torch's random state as in the paper."""
        generator, discriminator = self.generator(latent_size), self._discriminator()
        for network in (generator, discriminator):
            initialize(network, partial(nn.init.normal_, std=0.02))
            initialize(network, partial(nn.init.normal_, mean=1.0, std=0.02), (nn.BatchNorm2d,))
        return generator, discriminator

    def generator(self, latent_size: int) -> nn.Sequential:
        """Return the generator with uninitialized weights, for `build` or a model file to fill."""
        first, *_, last = widths = self.generator_widths
        layers: list[nn.Module]
        if self.stem == "linear":
            layers = [
                nn.Linear(latent_size, first * self.stem_size**2),
                Reshape(first, self.stem_size, self.stem_size),
            ]
        else:
            stem = nn.ConvTranspose2d(latent_size, first, self.stem_size, bias=False)
            layers = [Reshape(latent_size, 1, 1), stem, *self._activation(first)]
        if self.mapping_width:
            layers.insert(0, Mapping(latent_size, self.mapping_width))
        for narrower, wider in zip(widths[1:], widths, strict=False):
            layers += [Upsample(wider, narrower), *self._activation(narrower)]
        picture = (
            Upsample(last, 3)
            if self.last_layer == "upsample"
            else nn.Conv2d(last, 3, kernel_size=5, padding=2, bias=False)
        )
        return nn.Sequential(*layers, picture, nn.Tanh())

    def _activation(self, width: int) -> list[nn.Module]:
        drop = [nn.Dropout(self.generator_dropout)] if self.generator_dropout else []
        return [nn.BatchNorm2d(width), nn.ReLU(inplace=True), *drop]

    def _discriminator(self) -> nn.Sequential:
        widths = self.discriminator_widths
        layers: list[nn.Module] = []
        for narrower, wider in zip((3, *widths), widths, strict=False):
            layers.append(Downsample(narrower, wider))
            if self.discriminator_norm == "all" or (self.discriminator_norm == "inner" and narrower != 3):
                layers.append(nn.BatchNorm2d(wider))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        rest = self.size // 2 ** len(widths)
        return nn.Sequential(*layers, Logit(widths[-1] * rest**2, bias=self.stem == "linear"))
