"""A generator whose directions are known, and a network that sees nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from strangers.evaluation.attributes import Attributes, Reading
from strangers.images import Pixels
from strangers.recipes.recipe import with_overrides
from strangers.sampling.latents import Distribution
from strangers.sampling.load import load
from strangers.sampling.model import Model

from ..support import tiny, write_model

SIZE = 100


NAMES = ("Bright", "Red", "Striped")


class Painter(nn.Module):
    """Plain colors: green by the first number of a latent, red by the first and the second."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()), requires_grad=False)

    def forward(self, z: Tensor) -> Tensor:
        green, red = z[:, 0], 0.6 * z[:, 0] + 0.8 * z[:, 1]
        colors = torch.stack([red, green, torch.zeros_like(red)], 1) * self.weight / 3
        return torch.tanh(colors)[:, :, None, None].expand(-1, -1, 32, 32)


@dataclass(frozen=True)
class Eye(Attributes):
    """Says Bright of much green, Red of much red, and Striped of nothing."""

    def read(self, pixels: Pixels) -> Reading:
        means = pixels.reshape(len(pixels), -1, 3).mean(1) / 255
        seen = np.stack([means[:, 1], means[:, 0], np.zeros(len(pixels))], 1).astype(np.float32)
        return Reading(seen[:, :2], seen)


def painter(folder: Path, latent: Distribution = "normal") -> Model:
    """A model that paints."""
    recipe = with_overrides(tiny(), {"latent": latent})
    model = load(write_model(folder / f"{latent}.safetensors", recipe), device="cpu")
    return replace(model, generator=Painter())


def axis(*values: float) -> NDArray[np.float64]:
    """A latent that begins with these values, and has no others."""
    vector = np.zeros(SIZE)
    vector[: len(values)] = values
    return vector
