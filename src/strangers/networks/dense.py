"""Generators that start with a dense layer, as in Keras tutorials: dense-128, two-step-32 and nadam-128.

Layers are as in Keras: biases everywhere, "same" padding, Glorot initialization, and batch norm with epsilon
0.001 and momentum 0.99 (0.01 in torch's convention).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from torch import nn

from strangers.config import Configuration
from strangers.errors import UsageError
from strangers.networks.architecture import Architecture
from strangers.networks.layers import MAX_BLOCKS, Logit, Reshape, Widths, initialize


class Stage(Configuration):
    """One convolution of the generator; stride 2 doubles height and width."""

    width: int = Field(ge=1)
    stride: Literal[1, 2]


class Dense(Architecture):
    """A dense layer and convolutions to the picture; strided convolutions and a dense layer to the logit.

    Attributes:
        stem_width, stem_size: channels, and height and width, of the dense layer's map.
        generator_stages: convolutions after it.
        generator_kernel, last_kernel: kernel sizes of the stages, and of the last convolution.
        generator_norm: batch norm after the dense layer and after each stage.
        leak: negative slope of every LeakyReLU.
        discriminator_widths: channels of the strided convolutions (kernel 3, stride 2).
        discriminator_dropout: dropout probability after each of them.
        last_dropout: dropout probability before the last dense layer.
        discriminator_initialization: He's or Glorot's uniform distribution, for the convolutions.
    """

    architecture: Literal["dense"] = "dense"
    stem_width: int = Field(ge=1)
    stem_size: int = Field(ge=1)
    generator_stages: tuple[Stage, ...] = Field(min_length=1, max_length=MAX_BLOCKS)
    generator_kernel: Literal[3, 4]
    generator_norm: bool
    last_kernel: int = Field(ge=1)
    leak: float = Field(default=0.2, ge=0, lt=1)
    discriminator_widths: Widths
    discriminator_dropout: float = Field(default=0.0, ge=0, lt=1)
    last_dropout: float = Field(default=0.0, ge=0, lt=1)
    discriminator_initialization: Literal["glorot", "he"] = "glorot"

    @property
    def size(self) -> int:
        """Height and width of the pictures, in pixels."""
        doublings = sum(stage.stride == 2 for stage in self.generator_stages)
        return int(self.stem_size * 2**doublings)

    @property
    def downsamplings(self) -> int:
        """Number of times that the discriminator halves a picture."""
        return len(self.discriminator_widths)

    def resized(self, size: int) -> Dense:
        """Return the configuration for another size: another map of the dense layer."""
        stem_size, rest = divmod(size * self.stem_size, self.size)
        if rest or not stem_size:
            raise UsageError(
                f"This network cannot make pictures of {size} px; it makes multiples of "
                f"{self.size // self.stem_size} px."
            )
        return self.replace(stem_size=stem_size)

    def build(self, latent_size: int) -> tuple[nn.Module, nn.Module]:
        """Return a new (generator, discriminator), initialized from torch's random state."""
        generator, discriminator = self.generator(latent_size), self._discriminator()
        for network in (generator, discriminator):
            initialize(network, nn.init.xavier_uniform_)
        if self.discriminator_initialization == "he":
            for layer in discriminator.modules():
                if isinstance(layer, nn.Conv2d):
                    nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
        return generator, discriminator

    def generator(self, latent_size: int) -> nn.Sequential:
        """Return the generator with uninitialized weights, for `build` or a model file to fill."""
        layers: list[nn.Module] = [
            nn.Linear(latent_size, self.stem_width * self.stem_size**2),
            Reshape(self.stem_width, self.stem_size, self.stem_size),
            *self._activation(self.stem_width),
        ]
        before = self.stem_width
        for stage in self.generator_stages:
            layers += self._convolution(before, stage)
            layers += self._activation(stage.width)
            before = stage.width
        return nn.Sequential(*layers, *same_convolution(before, 3, self.last_kernel), nn.Tanh())

    def _convolution(self, before: int, stage: Stage) -> list[nn.Module]:
        kernel = self.generator_kernel
        if stage.stride == 1:  # a transposed convolution of stride 1 is one with its kernel rotated
            return same_convolution(before, stage.width, kernel)
        return [nn.ConvTranspose2d(before, stage.width, kernel, 2, padding=1, output_padding=4 - kernel)]

    def _activation(self, width: int) -> list[nn.Module]:
        norm = [nn.BatchNorm2d(width, eps=1e-3, momentum=0.01)] if self.generator_norm else []
        return [*norm, nn.LeakyReLU(self.leak, inplace=True)]

    def _discriminator(self) -> nn.Sequential:
        widths = self.discriminator_widths
        layers: list[nn.Module] = []
        for before, width in zip((3, *widths), widths, strict=False):
            # Keras's "same" padding of a strided convolution adds the odd row and column at the end.
            layers += [nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(before, width, 3, 2)]
            layers.append(nn.LeakyReLU(self.leak, inplace=True))
            if self.discriminator_dropout:
                layers.append(nn.Dropout(self.discriminator_dropout))
        rest = self.size // 2 ** len(widths)
        return nn.Sequential(*layers, Logit(widths[-1] * rest**2, bias=True, dropout=self.last_dropout))


def same_convolution(before: int, after: int, kernel: int) -> list[nn.Module]:
    """Return a convolution of stride 1 that keeps the size; an even kernel has more padding at the end."""
    ahead, behind = (kernel - 1) // 2, kernel // 2
    if ahead == behind:
        return [nn.Conv2d(before, after, kernel, padding=ahead)]
    return [nn.ZeroPad2d((ahead, behind, ahead, behind)), nn.Conv2d(before, after, kernel)]
