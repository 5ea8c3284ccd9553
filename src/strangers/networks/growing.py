"""A DCGAN that grows: it learns small pictures first, and then their details (Karras et al. 2018, section 2).

Nothing is faded in. The generator adds details to the enlarged small picture, the discriminator adds what it
sees in them to what it sees in the reduced one (Karras et al. 2020, section 4.1, "skip"), and both begin at
zero: at the moment of growing the networks do exactly what they did before.
"""

from __future__ import annotations

from functools import partial
from itertools import islice, pairwise
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from strangers.networks.dcgan import Doubling, Halving
from strangers.networks.layers import Configuration, Logit, Reshape, Widths, initialise


class Growing(Configuration):
    """Kernels of 4 and strides of 2 as in `DCGAN`, from a map of 4x4 to a picture that doubles as it grows.

    Attributes:
        widths: channels of the maps of 4x4, 8x8 and so on, the last half as high as the grown picture; the
            discriminator has them in reverse.
        growths: how often the picture doubles while it is trained.
    """

    architecture: Literal["growing"] = "growing"
    widths: Widths = (256, 128, 64, 32)
    growths: int = Field(default=1, ge=0, le=8)

    @property
    def size(self) -> int:
        """Height and width of the grown pictures, in pixels."""
        return int(4 * 2 ** len(self.widths))

    @property
    def halvings(self) -> int:
        """How often the discriminator halves a picture."""
        return len(self.widths)

    def build(self, latent_size: int) -> tuple[nn.Module, nn.Module]:
        """A new (generator, discriminator), initialised from torch's random state as in `DCGAN`."""
        generator = self.generator(latent_size)
        discriminator = GrowingDiscriminator(self.widths, self.growths)
        for network in (generator, discriminator):
            initialise(network, partial(nn.init.normal_, std=0.02))
            initialise(network, partial(nn.init.normal_, mean=1.0, std=0.02), (nn.BatchNorm2d,))
            for layer in network.modules():
                if isinstance(layer, Details | Sight):
                    initialise(layer.last, nn.init.zeros_)
        return generator, discriminator

    def generator(self, latent_size: int) -> GrowingGenerator:
        """The generator, its weights still to be filled: by `build`, or from a model file."""
        return GrowingGenerator(latent_size, self.widths, self.growths)


class GrowingGenerator(nn.Module):
    """Latents (n, latent_size) -> pictures (n, 3, s, s) in [-1, 1], where s doubles `grown` times.

    It is fully grown unless told otherwise; details that have not been trained yet add nothing.
    """

    def __init__(self, latent_size: int, widths: tuple[int, ...], growths: int) -> None:
        super().__init__()
        self.grown = growths
        inner = len(widths) - growths
        stem = nn.ConvTranspose2d(latent_size, widths[0], 4, bias=False)
        layers = [Reshape(latent_size, 1, 1), stem, nn.BatchNorm2d(widths[0]), nn.ReLU(inplace=True)]
        for wider, narrower in pairwise(widths[:inner]):
            layers += [Doubling(wider, narrower), nn.BatchNorm2d(narrower), nn.ReLU(inplace=True)]
        self.trunk = nn.Sequential(*layers)
        self.small = Doubling(widths[inner - 1], 3)
        self.details = nn.ModuleList(
            Details(wider, narrower) for wider, narrower in pairwise(widths[inner - 1 :])
        )

    def forward(self, z: Tensor) -> Tensor:
        features = self.trunk(z)
        picture = self.small(features)
        for details in islice(self.details, self.grown):
            assert isinstance(details, Details)
            features = details.features(features)
            enlarged = F.interpolate(picture, scale_factor=2, mode="bilinear", align_corners=False)
            picture = enlarged + details.last(features)
        return torch.tanh(picture)


class Details(nn.Module):
    """What one growth adds to the generator: features of twice the height, added to the picture."""

    def __init__(self, wider: int, narrower: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            Doubling(wider, narrower), nn.BatchNorm2d(narrower), nn.ReLU(inplace=True)
        )
        self.last = Doubling(narrower, 3)


class GrowingDiscriminator(nn.Module):
    """Pictures (n, 3, s, s) -> logits (n,), where s is any size that the generator's had as it grew."""

    def __init__(self, widths: tuple[int, ...], growths: int) -> None:
        super().__init__()
        inner = len(widths) - growths
        self.small_size = 4 * 2**inner
        self.small = Halving(3, widths[inner - 1])
        self.details = nn.ModuleList(
            Sight(wider, narrower) for wider, narrower in pairwise(widths[inner - 1 :])
        )
        layers: list[nn.Module] = []
        for narrower, wider in pairwise(reversed(widths[:inner])):
            layers += [Halving(narrower, wider), nn.BatchNorm2d(wider), nn.LeakyReLU(0.2, inplace=True)]
        self.trunk = nn.Sequential(*layers, Logit(widths[0] * 4**2, bias=False))

    def forward(self, pictures: Tensor) -> Tensor:
        grown = (pictures.shape[2] // self.small_size).bit_length() - 1
        seen: Tensor | None = None  # what the finer pictures add
        for details in reversed(list(islice(self.details, grown))):
            assert isinstance(details, Sight)
            features = details.first(pictures) if seen is None else details.first(pictures) + seen
            seen = details.last(F.leaky_relu(features, 0.2))
            pictures = F.avg_pool2d(pictures, 2)
        features = self.small(pictures) if seen is None else self.small(pictures) + seen
        logits: Tensor = self.trunk(F.leaky_relu(features, 0.2))
        return logits


class Sight(nn.Module):
    """What one growth adds to the discriminator: a look at the larger picture, added to the smaller's."""

    def __init__(self, wider: int, narrower: int) -> None:
        super().__init__()
        self.first = Halving(3, narrower)
        self.last = Halving(narrower, wider)
