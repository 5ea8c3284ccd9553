"""Recipe: the frozen value that determines what a training learns."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

import torch
from pydantic import Field, ValidationError, model_validator
from torch import Tensor, nn

from strangers.config import Configuration
from strangers.errors import UsageError
from strangers.networks import ARCHITECTURES, Network

ObjectiveName = Literal["bce", "hinge", "wasserstein", "relativistic"]
PenaltyKind = Literal["none", "r1", "r1+r2", "gradient"]
AugmentationName = Literal["color", "translation", "cutout"]


class Ramp(Configuration):
    """A number that follows half a cosine from `start` to `end` over `images` images, then stays at `end`."""

    start: float = Field(ge=0)
    end: float = Field(ge=0)
    images: int = Field(ge=1)

    def value(self, images_seen: int) -> float:
        """Return the number after `images_seen` images."""
        progress = min(images_seen / self.images, 1.0)
        return self.end + (self.start - self.end) * (1 + math.cos(math.pi * progress)) / 2


def _value(number: float | Ramp, images_seen: int) -> float:
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
        return self.beta1, _value(self.beta2, images_seen)


class Schedule(Configuration):
    """The schedule of both learning rates over the images seen.

    Attributes:
        kind: "constant"; "step": multiplied by `factor` after every `images`; "inverse": divided by
            1 + images seen / `images`; "linear", "cosine": down to `factor` after `images`, then constant.
        images: the schedule's unit of time, in images.
        factor: the multiplier of one step, or the final multiplier of "linear" and "cosine".
    """

    kind: Literal["constant", "step", "inverse", "linear", "cosine"] = "constant"
    images: int = Field(default=1, ge=1)
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
    every: int = Field(default=1, ge=1)
    after: int = Field(default=0, ge=0)


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
    images: int = Field(default=500_000, ge=1)
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
        return adapted if isinstance(self.probability, Adaptive) else _value(self.probability, images_seen)


class Recipe(Configuration):
    """Networks, losses, optimizers and data options: the same value in memory, in a run and in a model file.

    Attributes:
        name: name of the preset, or of the preset that it was derived from.
        source: origin of the values.
        size: height and width of the pictures, in pixels.
        crop: crop protocol of the photographs; "auto" is c178 for 178x218, and square for all others.
        network: architecture and widths.
        latent, latent_size: distribution of the latents, N(0, 1) or U(-1, 1), and their dimension.
        objective: losses of the two networks.
        penalty: gradient penalty of the discriminator.
        augmentation: augmentation of the discriminator's input.
        real_label: target of the discriminator for real images; below 1 is one-sided label smoothing.
        generator_label: target of the generator for the discriminator's output on its images.
        batch: real images, and as many generated ones, in one discriminator update.
        generator_batch: generated images in one generator update.
        generator_after: number of images seen before the first generator update: until then a new
            discriminator gets to know the faces of a trained generator.
        discriminator_steps: discriminator updates per generator update.
        ema_halflife_images: half-life of the averaged generator, in images.
        flip: mirror half of the photographs.
        images: default length of a training, in real images.
    """

    name: str
    source: str
    size: int = Field(ge=8, le=1024)
    crop: str = "auto"
    network: Network
    latent: Literal["normal", "uniform"] = "normal"
    latent_size: int = Field(default=100, ge=1, le=4096)
    objective: ObjectiveName = "bce"
    penalty: Penalty = Penalty()
    augmentation: Augmentation = Augmentation()
    real_label: float = Field(default=1.0, gt=0.5, le=1)
    generator_label: float = Field(default=1.0, gt=0.5, le=1)
    discriminator_optimizer: OptimizerConfig = OptimizerConfig()
    generator_optimizer: OptimizerConfig = OptimizerConfig()
    schedule: Schedule = Schedule()
    batch: int = Field(default=128, ge=2)
    generator_batch: int = Field(default=128, ge=2)
    generator_after: int = Field(default=0, ge=0)
    discriminator_steps: int = Field(default=1, ge=1)
    ema_halflife_images: int = Field(default=20_000, ge=1)
    flip: bool = False
    images: int = Field(default=2_000_000, ge=1)

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.network.size != self.size:
            raise ValueError(f"the network makes pictures of {self.network.size} px, but size is {self.size}")
        downsamplings = self.network.downsamplings
        if self.size % 2**downsamplings:
            raise ValueError(f"a picture of {self.size} px cannot be halved {downsamplings} times")
        if self.objective != "bce" and (self.real_label, self.generator_label) != (1.0, 1.0):
            raise ValueError(
                f"objective {self.objective!r} has no labels; leave out real_label and generator_label"
            )
        if self.objective == "relativistic" and self.generator_batch != self.batch:
            raise ValueError(
                f"objective {self.objective!r} needs a generator_batch of {self.batch}, equal to batch"
            )
        return self

    @property
    def images_per_step(self) -> int:
        """Real images in one training step."""
        return self.batch * self.discriminator_steps

    def penalty_weight(self, images_seen: int) -> float:
        """Return the penalty's factor in the step after `images_seen` images; 0 in a step without penalty."""
        penalty = self.penalty
        due = images_seen >= penalty.after and images_seen // self.images_per_step % penalty.every == 0
        return penalty.every * _value(penalty.weight, images_seen) * (penalty.kind != "none") * due


def build_networks(recipe: Recipe) -> tuple[nn.Module, nn.Module]:
    """Return a new (generator, discriminator), initialized from torch's random state."""
    return recipe.network.build(recipe.latent_size)


def parameter_counts(recipe: Recipe) -> dict[str, int]:
    """Return the number of trainable parameters of the generator and of the discriminator."""
    networks = zip(("generator", "discriminator"), build_networks(recipe), strict=True)
    return {name: sum(weights.numel() for weights in network.parameters()) for name, network in networks}


def with_overrides(recipe: Recipe, overrides: Mapping[str, str]) -> Recipe:
    """Return the recipe with some fields changed, as `--set generator_optimizer.learning_rate=1e-4` does.

    overrides: values by dotted field name, each parsed as JSON, or else taken as a string.
    Raises UsageError for an unknown field or an invalid value.
    """
    fields = json.loads(recipe.model_dump_json())
    for path, text in overrides.items():
        _set(fields, path, text)
    return parse_recipe(json.dumps(fields))


def parse_recipe(text: str) -> Recipe:
    """Parse a recipe from JSON. Raises UsageError that names the field."""
    try:
        return Recipe.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"] if part not in ARCHITECTURES)
        raise UsageError(
            f"The recipe is not valid{f' at {path!r}' if path else ''}: {first['msg']}."
        ) from None


def flatten(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the inner values with their dotted names as of `--set`, as ("schedule.factor", 0.1)."""
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _set(fields: dict[str, Any], path: str, text: str) -> None:
    *parents, field = path.split(".")
    inner = fields
    for parent in parents:
        inner = inner.get(parent, {}) if isinstance(inner, dict) else {}
    if not isinstance(inner, dict) or field not in inner:
        known = ", ".join(fields)
        raise UsageError(f"A recipe has no field {path!r}. Its fields are {known}; write nested ones as a.b.")
    try:
        inner[field] = json.loads(text)
    except (ValueError, RecursionError):  # RecursionError: lists nested too deeply
        inner[field] = text


def written(value: Any) -> str:
    """Return a value as --set reads it: strings as they are, the rest as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
