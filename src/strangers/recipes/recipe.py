"""Recipe: everything that decides what a training learns, as one frozen value."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator
from torch import nn

from strangers.config import Configuration
from strangers.errors import UsageError
from strangers.networks import Network

ObjectiveName = Literal["bce", "hinge", "wasserstein", "relativistic"]
PenaltyKind = Literal["none", "r1", "r1+r2", "gradient"]
AugmentationName = Literal["color", "translation", "cutout"]


class Ramp(Configuration):
    """A number that moves from `start` to `end` along half a cosine while `images` are seen, then stays."""

    start: float = Field(ge=0)
    end: float = Field(ge=0)
    images: int = Field(ge=1)


def at(number: float | Ramp, images_seen: int) -> float:
    """What a number of a recipe is after `images_seen` images."""
    if not isinstance(number, Ramp):
        return number
    share = min(images_seen / number.images, 1.0)
    return number.end + (number.start - number.end) * (1 + math.cos(math.pi * share)) / 2


class OptimizerConfig(Configuration):
    """How one network's weights are changed by their gradients.

    Attributes:
        name: Adam (Kingma and Ba 2015) or Nadam (Dozat 2016).
        learning_rate: before any schedule.
        beta1, beta2: how much of the first and second moments is kept from step to step.
    """

    name: Literal["adam", "nadam"] = "adam"
    learning_rate: float = Field(default=2e-4, gt=0, le=1)
    beta1: float = Field(default=0.5, ge=0, lt=1)
    beta2: Annotated[float, Field(ge=0, lt=1)] | Ramp = 0.999


class Schedule(Configuration):
    """How both learning rates fall with the images seen.

    Attributes:
        kind: "constant"; "step": times `factor` after every `images`; "inverse": divided by
            1 + images seen / `images`; "linear", "cosine": down to `factor` after `images`, and no further.
        images: the schedule's unit of time, in images.
        factor: what a step multiplies by, and what is left in the end.
    """

    kind: Literal["constant", "step", "inverse", "linear", "cosine"] = "constant"
    images: int = Field(default=1, ge=1)
    factor: float = Field(default=0.1, ge=0, le=1)

    def multiplier(self, images_seen: int) -> float:
        """What the learning rates are multiplied by after `images_seen` images, in [0, 1]."""
        if self.kind == "step":
            return float(self.factor ** (images_seen // self.images))
        if self.kind == "inverse":
            return 1 / (1 + images_seen / self.images)
        if self.kind == "linear":
            return 1 - (1 - self.factor) * min(images_seen / self.images, 1.0)
        if self.kind == "cosine":
            return at(Ramp(start=1, end=self.factor, images=self.images), images_seen)
        return 1.0


class Penalty(Configuration):
    """What a discriminator pays for being steep.

    Attributes:
        kind: "r1" and "r1+r2": its squared gradient at real images, and at generated ones too, times
            weight / 2 (Mescheder et al. 2018, eq. 9); "gradient": its gradient's difference from 1 between
            real and generated images, squared, times weight (Gulrajani et al. 2017, eq. 3).
        weight: their gamma or lambda.
        every: in every how many steps it is paid, so many times as dear (Karras et al. 2020, "lazy").
        after: from how many images seen on it is paid.
    """

    kind: PenaltyKind = "none"
    weight: Annotated[float, Field(ge=0)] | Ramp = 1.0
    every: int = Field(default=1, ge=1)
    after: int = Field(default=0, ge=0)


class Augmentation(Configuration):
    """What is done to images before the discriminator sees them, real and generated ones alike.

    Attributes:
        names: augmentations, applied in this order.
        probability: with which an image undergoes each of them.
    """

    names: tuple[AugmentationName, ...] = ()
    probability: Annotated[float, Field(ge=0, le=1)] | Ramp = 1.0


class Recipe(Configuration):
    """What is trained, and how. The same value is in memory, in the run folder and in the model file.

    Attributes:
        name: the preset that it is, or that it came from.
        source: where its values come from.
        size: height and width of the pictures, in pixels.
        crop: the crop protocol of the photographs; "auto" is c178 for 178x218, and square for all others.
        network: the architecture with its widths.
        latent, latent_size: the latent's distribution, N(0, 1) or U(-1, 1), and its number of dimensions.
        objective: the losses of the two networks.
        penalty: what the discriminator pays for being steep.
        augmentation: what is done to images before the discriminator sees them.
        real_label: what the discriminator is asked to say of real images; below 1 it is one-sided smoothing.
        generator_label: what the generator wants the discriminator to say of its images.
        batch: real images, and as many generated ones, in one discriminator update.
        generator_batch: generated images in one generator update.
        discriminator_steps: discriminator updates before each generator update.
        ema_halflife_images: after how many images an old weight counts half in the averaged generator.
        flip: whether half of the photographs are mirrored.
        images: for how many real images training goes on, unless told otherwise.
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
                f"objective {self.objective!r} has no labels; leave real_label and generator_label"
            )
        if self.objective == "relativistic" and self.generator_batch != self.batch:
            raise ValueError(
                f"objective {self.objective!r} needs a generator_batch of {self.batch}, as batch is"
            )
        return self

    @property
    def images_per_step(self) -> int:
        """Real images in one training step."""
        return self.batch * self.discriminator_steps

    def penalty_weight(self, images_seen: int) -> float:
        """What the penalty is multiplied by in the step after `images_seen` images; 0 where none is paid."""
        penalty = self.penalty
        due = images_seen >= penalty.after and images_seen // self.images_per_step % penalty.every == 0
        return penalty.every * at(penalty.weight, images_seen) * (penalty.kind != "none") * due


def build_networks(recipe: Recipe) -> tuple[nn.Module, nn.Module]:
    """A new (generator, discriminator) of the recipe, initialized from torch's random state."""
    return recipe.network.build(recipe.latent_size)


def parameter_counts(recipe: Recipe) -> dict[str, int]:
    """How many numbers are trained in the recipe's generator and discriminator."""
    networks = zip(("generator", "discriminator"), build_networks(recipe), strict=True)
    return {name: sum(weights.numel() for weights in network.parameters()) for name, network in networks}


def with_overrides(recipe: Recipe, overrides: Mapping[str, str]) -> Recipe:
    """The recipe with some fields changed, as `--set generator_optimizer.learning_rate=1e-4` does.

    Values are JSON where they can be read so, else strings. Raises UsageError for an unknown field or a wrong
    value.
    """
    fields = json.loads(recipe.model_dump_json())
    for path, text in overrides.items():
        _set(fields, path, text)
    return parse_recipe(json.dumps(fields))


def parse_recipe(text: str) -> Recipe:
    """The recipe in a JSON text. Raises UsageError that names the field."""
    try:
        return Recipe.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"] if part not in ("dcgan", "dense"))
        raise UsageError(
            f"The recipe is not valid{f' at {path!r}' if path else ''}: {first['msg']}."
        ) from None


def flatten(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Inner values by the dotted names that `--set` knows: ("schedule.factor", 0.1)."""
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
        raise UsageError(
            f"A recipe has no field {path!r}. Its fields are {known}; inner ones are written a.b."
        )
    try:
        inner[field] = json.loads(text)
    except (ValueError, RecursionError):  # also of numbers, and of lists in lists, without end
        inner[field] = text


def written(value: Any) -> str:
    """A value as --set reads it: words as they are, the rest as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
