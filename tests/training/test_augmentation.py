"""Augmentation changes images as the paper says, lets gradients through, and depends on its numbers alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from strangers.recipes.recipe import AugmentationName
from strangers.training.augmentation import AUGMENTATIONS, Uniform, augment

SIZE = 16


def images(count: int = 4) -> Tensor:
    return torch.rand(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0)) * 2 - 1


def numbers(seed: int = 0, count: int = 4) -> Uniform:
    generator = torch.Generator().manual_seed(seed)
    return lambda width: torch.rand(count, width, generator=generator)


def always(*values: float) -> Uniform:
    return lambda width: torch.tensor(values[:width]).expand(4, width)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_shape_gradient_and_repeatability(name: AugmentationName) -> None:
    before = images().requires_grad_()
    after = AUGMENTATIONS[name](before, numbers())
    assert after.shape == before.shape
    assert not torch.equal(after, before)
    assert torch.equal(after, AUGMENTATIONS[name](before, numbers()))
    assert not torch.equal(after, AUGMENTATIONS[name](before, numbers(1)))
    (gradient,) = torch.autograd.grad(after.square().sum(), before, create_graph=True)
    (again,) = torch.autograd.grad(gradient.square().sum(), before)
    assert gradient.abs().sum() > 0
    assert again.abs().sum() > 0


def test_color_in_the_middle_changes_nothing() -> None:
    """Brightness +0, saturation times 1, contrast times 1."""
    torch.testing.assert_close(AUGMENTATIONS["color"](images(), always(0.5, 0.5, 0.5)), images())


def test_brightness_saturation_and_contrast() -> None:
    before, mean = images(), images().mean(dim=(1, 2, 3), keepdim=True)
    brighter = AUGMENTATIONS["color"](before, always(0.75, 0.5, 0.5))
    torch.testing.assert_close(brighter, before + 0.25)
    gray = AUGMENTATIONS["color"](before, always(0.5, 0.0, 0.5))
    torch.testing.assert_close(gray, before.mean(dim=1, keepdim=True).expand_as(before))
    flat = AUGMENTATIONS["color"](before, always(0.5, 0.5, 0.0))
    torch.testing.assert_close(flat, mean + (before - mean) / 2)


def test_translation_moves_by_at_most_an_eighth_and_fills_with_gray() -> None:
    before, most = images(), SIZE // 8
    moved = AUGMENTATIONS["translation"](before, always(0.999, 0.0))  # down by the most, and left
    assert torch.equal(moved[:, :, : SIZE - most, most:], before[:, :, most:, : SIZE - most])
    assert (moved[:, :, SIZE - most :] == 0).all()
    assert (moved[:, :, :, :most] == 0).all()
    assert torch.equal(AUGMENTATIONS["translation"](before, always(0.5, 0.5)), before)


def test_cutout_hides_a_square_of_half_the_size() -> None:
    ones = torch.ones(4, 3, SIZE, SIZE)
    middle = AUGMENTATIONS["cutout"](ones, always(0.5, 0.5))
    assert (middle == 0).sum().item() == 4 * 3 * (SIZE // 2) ** 2
    corner = AUGMENTATIONS["cutout"](ones, always(0.0, 0.0))
    assert (corner == 0).sum().item() == 4 * 3 * (SIZE // 4) ** 2
    assert (corner[:, :, 0, 0] == 0).all()


def test_a_probability_leaves_the_others_as_they_are() -> None:
    before = images(400)
    after = augment(before, ["color"], numbers(count=400), probability=0.25)
    changed = (after != before).flatten(1).any(dim=1).float().mean().item()
    assert changed == pytest.approx(0.25, abs=0.07)
    assert torch.equal(augment(before, ["color"], numbers(count=400), probability=0.0), before)
    assert augment(before, [], numbers()) is before
