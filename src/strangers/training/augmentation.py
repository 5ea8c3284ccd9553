"""Differentiable augmentation of photographs and faces before the discriminator.

The generator's gradient passes through it, so that it does not show in the faces (Zhao et al. 2020,
"DiffAugment", section 3.2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from strangers.recipes.recipe import AugmentationName

Uniform = Callable[[int], Tensor]
"""A function k -> (n, k): k random numbers from [0, 1) for each image."""


def augment(
    images: Tensor, names: Sequence[AugmentationName], uniform: Uniform, probability: float | Tensor = 1.0
) -> Tensor:
    """Apply each augmentation of `names` to each image (n, 3, h, w) in [-1, 1] with `probability`."""
    for name in names:
        changed = AUGMENTATIONS[name](images, uniform)
        if isinstance(probability, Tensor) or probability < 1:
            chosen = uniform(1)[:, :, None, None] < probability
            changed = torch.where(chosen, changed, images)
        images = changed
    return images


def color(images: Tensor, uniform: Uniform) -> Tensor:
    """Shift brightness by -0.5 to 0.5, and scale saturation by 0 to 2 and contrast by 0.5 to 1.5."""
    brightness, saturation, contrast = (part[:, None, None, None] for part in uniform(3).unbind(1))
    images = images + (brightness - 0.5)
    gray = images.mean(dim=1, keepdim=True)
    images = gray + (images - gray) * (2 * saturation)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (images - mean) * (0.5 + contrast)


def translation(images: Tensor, uniform: Uniform) -> Tensor:
    """Move images by up to an eighth of their size in each direction, padded with gray."""
    size = images.shape[2]
    reach = size // 8
    moves = (uniform(2) * (2 * reach + 1)).long() - reach
    padded = F.pad(images, (reach,) * 4)
    pixel = torch.arange(size, device=images.device)
    rows, columns = (pixel + move[:, None] + reach for move in moves.unbind(1))
    image = torch.arange(len(images), device=images.device)[:, None, None]
    moved = padded.permute(0, 2, 3, 1)[image, rows[:, :, None], columns[:, None, :]]
    return moved.permute(0, 3, 1, 2)


def cutout(images: Tensor, uniform: Uniform) -> Tensor:
    """Gray out a square of half the size, at a position that leaves part of it in the picture."""
    size = images.shape[2]
    side = size // 2
    corners = (uniform(2) * (size + 1)).long() - side // 2
    pixel = torch.arange(size, device=images.device)
    rows, columns = (
        (pixel >= corner[:, None]) & (pixel < corner[:, None] + side) for corner in corners.unbind(1)
    )
    hidden = (rows[:, :, None] & columns[:, None, :])[:, None]
    return images.masked_fill(hidden, 0)


AUGMENTATIONS: dict[AugmentationName, Callable[[Tensor, Uniform], Tensor]] = {
    "color": color,
    "translation": translation,
    "cutout": cutout,
}
"""All augmentations by their name in a recipe."""
