"""Settings of a recipe: numbers that move, optimizers, schedules, penalties and augmentations."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from strangers.config import Configuration, Count, Positive

PenaltyKind = Literal["none", "r1", "r1+r2", "gradient"]
AugmentationName = Literal["color", "translation", "cutout"]


class Ramp(Configuration):
    """A number that follows half a cosine from `start` to `end` over `images` images, then stays at `end`."""

    start: float = Field(ge=0)
    end: float = Field(ge=0)
    images: Positive

    def value(self, images_seen: int) -> float:
        """Return the number after `images_seen` images."""
        progress = min(images_seen / self.images, 1.0)
        return self.end + (self.start - self.end) * (1 + math.cos(math.pi * progress)) / 2


def value_at(number: float | Ramp, images_seen: int) -> float:
    """Return a number of a recipe after `images_seen` images."""
    return number.value(images_seen) if isinstance(number, Ramp) else number


class OptimizerConfig(Configuration):
    """The optimizer of one network.

    Attributes:
        name: Adam (Kingma and Ba 2015) or Nadam (Dozat 2016).
        learning_rate: before the schedule.
        beta1, beta2: decay rates of the first and second moments.
    """

    name: Literal["adam", "nadam"] = "adam"
    learning_rate: float = Field(default=2e-4, gt=0, le=1)
    beta1: float = Field(default=0.5, ge=0, lt=1)
    beta2: Annotated[float, Field(ge=0, lt=1)] | Ramp = 0.999

    def betas(self, images_seen: int) -> tuple[float, float]:
        """Return (beta1, beta2) after `images_seen` images."""
        return self.beta1, value_at(self.beta2, images_seen)


class Schedule(Configuration):
    """The schedule of both learning rates over the images seen.

    Attributes:
        kind: "constant"; "step": multiplied by `factor` after every `images`; "inverse": divided by
            1 + images seen / `images`; "linear", "cosine": down to `factor` after `images`, then constant.
        images: the schedule's unit of time, in images.
        factor: the multiplier of one step, or the final multiplier of "linear" and "cosine".
    """

    kind: Literal["constant", "step", "inverse", "linear", "cosine"] = "constant"
    images: Positive = 1
    factor: float = Field(default=0.1, ge=0, le=1)

    def multiplier(self, images_seen: int) -> float:
        """Return the multiplier of the learning rates after `images_seen` images, in [0, 1]."""
        if self.kind == "step":
            return float(self.factor ** (images_seen // self.images))
        if self.kind == "inverse":
            return 1 / (1 + images_seen / self.images)
        if self.kind == "linear":
            return 1 - (1 - self.factor) * min(images_seen / self.images, 1.0)
        if self.kind == "cosine":
            return Ramp(start=1, end=self.factor, images=self.images).value(images_seen)
        return 1.0


class Penalty(Configuration):
    """The gradient penalty in the discriminator's loss.

    Attributes:
        kind: "r1" and "r1+r2": the squared norm of the gradient at real images, or at real and generated,
            times weight / 2 (Mescheder et al. 2018, eq. 9); "gradient": the squared difference between 1 and
            the norm of the gradient between real and generated images, times weight (Gulrajani et al. 2017,
            eq. 3).
        weight: gamma or lambda of these papers.
        every: steps between two that pay the penalty, each with `every` times its weight (lazy
            regularization, Karras et al. 2020, appendix B).
        after: number of images seen before the first penalty.
    """

    kind: PenaltyKind = "none"
    weight: Annotated[float, Field(ge=0)] | Ramp = 1.0
    every: Positive = 1
    after: Count = 0


class Adaptive(Configuration):
    """A probability of augmentation that follows the discriminator (Karras et al. 2020, section 3.1).

    It rises while the mean sign of the logits of real images is above `target`, which tells that the
    discriminator knows the photographs by heart, and falls while it is below.

    Attributes:
        target: r_t of the paper.
        images: number of images in which the probability may rise from 0 to 1.
        maximum: limit of the probability; above about 0.8 augmentations show in the faces.
    """

    target: float = Field(default=0.6, ge=-1, le=1)
    images: Positive = 500_000
    maximum: float = Field(default=0.8, gt=0, le=1)

    def follow(self, probability: Tensor, real_accuracy: Tensor, images: int) -> Tensor:
        """Return the probability after a step of so many images; both are scalars."""
        change = torch.sign(2 * real_accuracy - 1 - self.target) * images / self.images
        return (probability + change).clamp(0, self.maximum)


class Augmentation(Configuration):
    """The augmentation of real and generated images before the discriminator.

    Attributes:
        names: augmentations, applied in this order.
        probability: chance that an image undergoes each of them: a number, a ramp, or one that follows the
            discriminator.
    """

    names: tuple[AugmentationName, ...] = ()
    probability: Annotated[float, Field(ge=0, le=1)] | Ramp | Adaptive = 1.0

    def probability_at(self, images_seen: int, adapted: Tensor) -> float | Tensor:
        """Return the probability after `images_seen` images, or `adapted` if it follows the training."""
        return adapted if isinstance(self.probability, Adaptive) else value_at(self.probability, images_seen)
