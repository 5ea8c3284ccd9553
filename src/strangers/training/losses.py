"""Objectives and gradient penalties. A loss is a tensor; nothing here calls `backward`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, relu, softplus

from strangers.recipes.recipe import PenaltyKind


class Objective(NamedTuple):
    """Losses as functions of logits (n,): float32 scalars, means over the images.

    Attributes:
        discriminator: (real_logits, fake_logits, real_label) -> the discriminator's losses on real and on
            generated images, to be summed.
        generator: (fake_logits, real_logits, generator_label) -> the generator's loss.
        pairs: the generator's loss depends on real_logits.
        name: in a recipe, of an objective that a plug-in registers.
    """

    discriminator: Callable[[Tensor, Tensor, float], tuple[Tensor, Tensor]]
    generator: Callable[[Tensor, Tensor, float], Tensor]
    pairs: bool = False
    name: str = ""


def cross_entropy(logits: Tensor, label: float) -> Tensor:
    """Return the cross-entropy of logits with `label`, the target probability of "real".

    Goodfellow et al. 2014, eq. 1; as the generator's loss, the non-saturating one of their section 3.
    """
    return binary_cross_entropy_with_logits(
        logits.float(), torch.full_like(logits, label, dtype=torch.float32)
    )


def hinge(logits: Tensor, sign: int) -> Tensor:
    """Return the hinge loss of logits with target sign 1 or -1 (Miyato et al. 2018, eqs. 16 and 17)."""
    return relu(1 - sign * logits.float()).mean()


def relativistic_loss(higher: Tensor, lower: Tensor) -> Tensor:
    """Return the relativistic loss, low if `higher` exceeds `lower` (Huang et al. 2024, eq. 2)."""
    return softplus(lower.float() - higher.float()).mean()


def _relativistic(real: Tensor, fake: Tensor, label: float) -> tuple[Tensor, Tensor]:
    loss = relativistic_loss(real, fake)
    return loss / 2, loss / 2  # the loss of a pair belongs to both


OBJECTIVES: dict[str, Objective] = {
    "bce": Objective(
        lambda real, fake, label: (cross_entropy(real, label), cross_entropy(fake, 0.0)),
        lambda fake, real, label: cross_entropy(fake, label),
    ),
    "hinge": Objective(
        lambda real, fake, label: (hinge(real, 1), hinge(fake, -1)),
        lambda fake, real, label: -fake.float().mean(),
    ),
    # Arjovsky et al. 2017, eqs. 2 and 3.
    "wasserstein": Objective(
        lambda real, fake, label: (-real.float().mean(), fake.float().mean()),
        lambda fake, real, label: -fake.float().mean(),
    ),
    "relativistic": Objective(
        _relativistic,
        lambda fake, real, label: relativistic_loss(fake, real),
        pairs=True,
    ),
}
"""All objectives by their name in a recipe."""


def r1_penalty(logits: Tensor, images: Tensor) -> Tensor:
    """Return half the squared norm of the logits' gradient by the pixels, mean over images: a float32 scalar.

    At real images it is R1, at generated ones R2 (Mescheder et al. 2018, eq. 9); gamma is its weight.
    """
    (gradient,) = torch.autograd.grad(logits.float().sum(), images, create_graph=True)
    return gradient.float().square().sum(dim=(1, 2, 3)).mean() / 2


def gradient_penalty(discriminator: nn.Module, images: Pair, mix: Tensor) -> Tensor:
    """Return the mean squared difference of the gradient's norm from 1 between real and generated images.

    images: real and generated ones. mix: (n,) in [0, 1), the share of the real image in each point.
    A float32 scalar; lambda is its weight (Gulrajani et al. 2017, eq. 3).
    """
    real, fake = (each.detach().float() for each in images)  # autocast gives fakes in bf16
    points = torch.lerp(fake, real, mix[:, None, None, None]).requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(points).float().sum(), points, create_graph=True)
    norms: Tensor = gradient.float().flatten(1).norm(dim=1)
    return (norms - 1).square().mean()


Pair = Sequence[Tensor]
"""A value for real images, and the same for generated ones."""

PENALTIES: dict[PenaltyKind, Callable[[nn.Module, Pair, Pair, Tensor], Tensor]] = {
    "none": lambda discriminator, images, logits, mix: torch.zeros((), device=mix.device),
    "r1": lambda discriminator, images, logits, mix: r1_penalty(logits[0], images[0]),
    "r1+r2": lambda discriminator, images, logits, mix: (
        r1_penalty(logits[0], images[0]) + r1_penalty(logits[1], images[1])
    ),
    "gradient": lambda discriminator, images, logits, mix: gradient_penalty(discriminator, images, mix),
}
"""All penalties by their name in a recipe: functions of (discriminator, images, their logits, mix)."""
