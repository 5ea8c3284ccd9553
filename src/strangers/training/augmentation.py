"""Differentiable augmentation: the same random changes to photographs and faces, before the discriminator.

The generator learns through them, so that what they do does not appear in its faces (Zhao et al. 2020,
"DiffAugment", section 3.2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from strangers.recipes.recipe import AugmentationName

Uniform = Callable[[int], Tensor]
"""Numbers for each image, uniform in [0, 1): asked for k of them it gives (n, k)."""


def augment(
    images: Tensor, names: Sequence[AugmentationName], uniform: Uniform, probability: float = 1.0
) -> Tensor:
    """The images (n, 3, h, w) in [-1, 1], each changed by each augmentation of `names` with `probability`."""
    for name in names:
        changed = AUGMENTATIONS[name](images, uniform)
        if probability < 1:
            chosen = uniform(1)[:, :, None, None] < probability
            changed = torch.where(chosen, changed, images)
        images = changed
    return images


def color(images: Tensor, uniform: Uniform) -> Tensor:
    """Brightness by up to 0.5 of the range's half, saturation by 0 to 2, contrast by 0.5 to 1.5."""
    brightness, saturation, contrast = (part[:, None, None, None] for part in uniform(3).unbind(1))
    images = images + (brightness - 0.5)
    gray = images.mean(dim=1, keepdim=True)
    images = gray + (images - gray) * (2 * saturation)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (images - mean) * (0.5 + contrast)


def translation(images: Tensor, uniform: Uniform) -> Tensor:
    """Moved by up to an eighth of the size in each direction; gray comes in from the edges."""
    size = images.shape[2]
    most = size // 8
    moves = (uniform(2) * (2 * most + 1)).long() - most
    padded = F.pad(images, (most,) * 4)
    pixel = torch.arange(size, device=images.device)
    rows, columns = (pixel + move[:, None] + most for move in moves.unbind(1))
    image = torch.arange(len(images), device=images.device)[:, None, None]
    moved = padded.permute(0, 2, 3, 1)[image, rows[:, :, None], columns[:, None, :]]
    return moved.permute(0, 3, 1, 2)


def cutout(images: Tensor, uniform: Uniform) -> Tensor:
    """A square of half the size made gray, anywhere that leaves a part of it in the picture."""
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
"""Every augmentation by the name that a recipe gives it."""
