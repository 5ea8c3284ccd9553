"""A new architecture in one file: sub-pixel convolutions in place of transposed ones.

    python examples/new_architecture.py --images 60000 --out runs/subpixel

A convolution of stride 1 makes four times as many channels, which become the pixels of a map of twice the
size (Shi et al. 2016, "Real-time single image super-resolution using an efficient sub-pixel convolutional
neural network", section 3.2). After `register`, recipes, training, sampling and export know it as any other.
To use its models in other programs, put this file in a package with the entry point

    [project.entry-points.strangers]
    subpixel = "my_package.new_architecture"
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from typing import Literal

from torch import nn

import strangers


class SubPixel(strangers.Architecture):
    """Sub-pixel convolutions from a map of 4x4 to the picture, and strided convolutions back.

    Attributes:
        widths: channels of the maps, from 4x4 to half the picture's size.
    """

    architecture: Literal["subpixel"] = "subpixel"
    widths: tuple[int, ...] = (128, 64, 32)

    @property
    def size(self) -> int:
        """Height and width of the pictures, in pixels."""
        return int(4 * 2 ** len(self.widths))

    @property
    def downsamplings(self) -> int:
        """Number of times that the discriminator halves a picture."""
        return len(self.widths)

    def build(self, latent_size: int) -> tuple[nn.Module, nn.Module]:
        """Return a new (generator, discriminator), initialized from torch's random state."""
        layers: list[nn.Module] = []
        for before, after in pairwise((3, *self.widths[::-1])):
            norm = [nn.BatchNorm2d(after)] if before != 3 else []
            layers += [nn.Conv2d(before, after, 4, 2, 1, bias=False), *norm, nn.LeakyReLU(0.2)]
        discriminator = nn.Sequential(*layers, nn.Conv2d(self.widths[0], 1, 4, bias=False), nn.Flatten(0))
        generator = self.generator(latent_size)
        for layer in (*generator.modules(), *discriminator.modules()):
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.normal_(layer.weight, std=0.02)
        return generator, discriminator

    def generator(self, latent_size: int) -> nn.Module:
        """Return the generator, for `build` or a model file to fill."""
        first = self.widths[0]
        layers: list[nn.Module] = [nn.Linear(latent_size, 16 * first), nn.Unflatten(1, (first, 4, 4))]
        for before, after in pairwise((*self.widths, 3)):
            layers += [nn.BatchNorm2d(before), nn.ReLU()]
            layers += [nn.Conv2d(before, 4 * after, 3, padding=1), nn.PixelShuffle(2)]
        return nn.Sequential(*layers, nn.Tanh())


strangers.register(architecture=SubPixel)


def main() -> None:
    """Parse the arguments, train, and write 64 faces."""
    parser = argparse.ArgumentParser(description="A new architecture in one file.")
    parser.add_argument("--data", default="synthetic", help="a prepared set, or a source of photographs")
    parser.add_argument("--images", type=int, default=60_000, help="images to train on")
    parser.add_argument("--out", default="runs/subpixel", help="folder of the run")
    chosen = parser.parse_args()
    recipe = strangers.RECIPES["fast-32"].replace(name="subpixel-32", source="an example", network=SubPixel())
    run = strangers.train(chosen.data, recipe, out=chosen.out, images=chosen.images)
    faces = run.model.sample(64)
    print(f"{len(faces)} faces of {run.model.header.size} px: see {run.path / 'samples'}.")


if __name__ == "__main__":
    main()
