"""What the two networks try to make small. A loss is a tensor; nothing here calls `backward`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, relu, softplus

from strangers.recipes.recipe import ObjectiveName, PenaltyKind


class Objective(NamedTuple):
    """Losses of logits (n,), each a mean over them: a scalar in float32.

    Attributes:
        discriminator: the two parts of the discriminator's loss, on real and on generated images, of (the
            logits of real images, of generated ones, real_label).
        generator: the generator's loss, of (the logits of its images, of real ones, generator_label).
        pairs: whether the generator's loss looks at the logits of real images at all.
    """

    discriminator: Callable[[Tensor, Tensor, float], tuple[Tensor, Tensor]]
    generator: Callable[[Tensor, Tensor, float], Tensor]
    pairs: bool = False


def cross_entropy(logits: Tensor, label: float) -> Tensor:
    """How far logits are from `label`, the wanted probability of being real (Goodfellow et al. 2014, eq. 1).

    As the generator's loss it is the non-saturating one of their section 3.
    """
    return binary_cross_entropy_with_logits(
        logits.float(), torch.full_like(logits, label, dtype=torch.float32)
    )


def hinge(logits: Tensor, sign: int) -> Tensor:
    """How far logits are from being at least 1 on the side of `sign` (Miyato et al. 2018, eqs. 16 and 17)."""
    return relu(1 - sign * logits.float()).mean()


def relativistic_loss(higher: Tensor, lower: Tensor) -> Tensor:
    """How little each logit of `higher` is above its partner in `lower` (Huang et al. 2024, eq. 2)."""
    return softplus(lower.float() - higher.float()).mean()


def _relativistic(real: Tensor, fake: Tensor, label: float) -> tuple[Tensor, Tensor]:
    loss = relativistic_loss(real, fake)
    return loss / 2, loss / 2  # a pair's loss is neither of real nor of fake


OBJECTIVES: dict[ObjectiveName, Objective] = {
    "bce": Objective(
        lambda real, fake, label: (cross_entropy(real, label), cross_entropy(fake, 0.0)),
        lambda fake, real, label: cross_entropy(fake, label),
    ),
    "hinge": Objective(
        lambda real, fake, label: (hinge(real, 1), hinge(fake, -1)),
        lambda fake, real, label: -fake.float().mean(),
    ),
    "wasserstein": Objective(  # Arjovsky et al. 2017, eqs. 2 and 3
        lambda real, fake, label: (-real.float().mean(), fake.float().mean()),
        lambda fake, real, label: -fake.float().mean(),
    ),
    "relativistic": Objective(
        _relativistic,
        lambda fake, real, label: relativistic_loss(fake, real),
        pairs=True,
    ),
}
"""Every objective by the name that a recipe gives it."""


def r1_penalty(logits: Tensor, images: Tensor) -> Tensor:
    """Half the squared gradient of each image's logit by its pixels, mean over the images: a float32 scalar.

    Of real images it is R1, of generated ones R2 (Mescheder et al. 2018, eq. 9), to be weighted by gamma.
    """
    (gradient,) = torch.autograd.grad(logits.float().sum(), images, create_graph=True)
    return gradient.float().square().sum(dim=(1, 2, 3)).mean() / 2


def gradient_penalty(discriminator: nn.Module, images: Pair, mix: Tensor) -> Tensor:
    """How far from 1 the gradient's length is between real and fake (Gulrajani et al. 2017, eq. 3).

    images: real and generated ones. mix: (n,) in [0, 1), how much of the real one is in the point looked at.
    Returns the mean squared difference, a float32 scalar, to be weighted by lambda.
    """
    real, fake = (each.detach() for each in images)
    between = torch.lerp(fake, real, mix[:, None, None, None]).requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(between).float().sum(), between, create_graph=True)
    lengths: Tensor = gradient.float().flatten(1).norm(dim=1)
    return (lengths - 1).square().mean()


Pair = Sequence[Tensor]
"""Something of real images, and the same of generated ones."""

PENALTIES: dict[PenaltyKind, Callable[[nn.Module, Pair, Pair, Tensor], Tensor]] = {
    "none": lambda discriminator, images, logits, mix: torch.zeros((), device=mix.device),
    "r1": lambda discriminator, images, logits, mix: r1_penalty(logits[0], images[0]),
    "r1+r2": lambda discriminator, images, logits, mix: (
        r1_penalty(logits[0], images[0]) + r1_penalty(logits[1], images[1])
    ),
    "gradient": lambda discriminator, images, logits, mix: gradient_penalty(discriminator, images, mix),
}
"""Every penalty by the name that a recipe gives it: of the discriminator, images, their logits, and `mix`."""
