"""What the two networks try to make small. A loss is a tensor; nothing here calls `backward`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


class Objective(NamedTuple):
    """Three losses of logits (n,), each a mean over them: a scalar in float32.

    Attributes:
        real: the discriminator's loss on real images, of (logits, real_label).
        fake: the discriminator's loss on generated images, of (logits).
        generator: the generator's loss, of (the logits of its images, generator_label).
    """

    real: Callable[[Tensor, float], Tensor]
    fake: Callable[[Tensor], Tensor]
    generator: Callable[[Tensor, float], Tensor]


def cross_entropy(logits: Tensor, label: float) -> Tensor:
    """How far logits are from `label`, the wanted probability of being real (Goodfellow et al. 2014, eq. 1).

    As the generator's loss it is the non-saturating one of their section 3.
    """
    return binary_cross_entropy_with_logits(
        logits.float(), torch.full_like(logits, label, dtype=torch.float32)
    )


OBJECTIVES = {
    "bce": Objective(
        real=cross_entropy, fake=lambda logits: cross_entropy(logits, 0.0), generator=cross_entropy
    ),
}
"""Every objective by the name that a recipe gives it."""
