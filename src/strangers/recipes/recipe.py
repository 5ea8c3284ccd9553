"""Recipe: the frozen value that determines what a training learns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from torch import nn

from strangers.config import Configuration, Count, Positive, invalid
from strangers.errors import UsageError, did_you_mean
from strangers.networks import Network
from strangers.plugins import load_plugins
from strangers.recipes.changes import SHORT_FORMS, change, flatten, parse_value, written
from strangers.recipes.settings import (
    Adaptive,
    Augmentation,
    AugmentationName,
    OptimizerConfig,
    Penalty,
    PenaltyKind,
    Ramp,
    Schedule,
    value_at,
)

__all__ = [
    "Adaptive",
    "Augmentation",
    "AugmentationName",
    "FacesRecipe",
    "ObjectiveName",
    "OptimizerConfig",
    "Penalty",
    "PenaltyKind",
    "Ramp",
    "Recipe",
    "Schedule",
    "build_networks",
    "flatten",
    "parameter_counts",
    "parse_recipe",
    "with_overrides",
    "written",
]

ObjectiveName = Literal["bce", "hinge", "wasserstein", "relativistic"]

OBJECTIVE_NAMES: set[str] = set(get_args(ObjectiveName))
"""Names of all objectives, with those of plug-ins."""


def _known_objective(name: str) -> str:
    if name not in OBJECTIVE_NAMES:
        load_plugins()
    if name not in OBJECTIVE_NAMES:
        advice = did_you_mean(name, sorted(OBJECTIVE_NAMES), listing="")
        raise ValueError(f"there is no objective {name!r}. {advice}")
    return name


class FacesRecipe(Configuration):
    """The part of a recipe that drawing faces needs; further fields are kept as they are, whatever they say.

    A model file is read as one where its training cannot be repeated here, as with an objective of a plug-in.

    Attributes:
        name: name of the preset, or of the preset that it was derived from.
        source: origin of the values.
        size: height and width of the pictures, in pixels.
        crop: crop protocol of the photographs; "auto" is c178 for 178x218, and square for all others.
        network: architecture and widths.
        latent, latent_size: distribution of the latents, N(0, 1) or U(-1, 1), and their dimension.
    """

    model_config = ConfigDict(extra="allow")

    name: str
    source: str
    size: int = Field(ge=8, le=1024)
    crop: str = "auto"
    network: Network
    latent: Literal["normal", "uniform"] = "normal"
    latent_size: int = Field(default=100, ge=1, le=4096)

    @model_validator(mode="after")
    def _network_fits(self) -> Self:
        if self.network.size != self.size:
            raise ValueError(
                f"the network makes pictures of {self.network.size} px, but size is {self.size}: "
                f"{self._fitting()}"
            )
        return self

    def _fitting(self) -> str:
        """Return how to make the network fit the size."""
        try:
            wanted = dict(flatten(self.network.resized(self.size).model_dump(mode="json"), "network."))
        except UsageError as error:
            return f"set size={self.network.size}. {str(error).rstrip('.')}"
        now = dict(flatten(self.network.model_dump(mode="json"), "network."))
        fields = [f"{name}={json.dumps(value)}" for name, value in wanted.items() if value != now[name]]
        return f"set size={self.network.size}, or {' and '.join(fields)}"


class Recipe(FacesRecipe):
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
        generator_batch: generated images in one generator update; as many as in `batch` if None.
        generator_after: number of images seen before the first generator update: until then a new
            discriminator gets to know the faces of a trained generator.
        discriminator_steps: discriminator updates per generator update.
        ema_halflife_images: half-life of the averaged generator, in images.
        flip: mirror half of the photographs.
        images: default length of a training, in real images.
    """

    model_config = ConfigDict(extra="forbid")

    short_forms: ClassVar[Mapping[str, tuple[str, ...]]] = SHORT_FORMS

    objective: Annotated[str, AfterValidator(_known_objective)] = "bce"
    penalty: Penalty = Penalty()
    augmentation: Augmentation = Augmentation()
    real_label: float = Field(default=1.0, gt=0.5, le=1)
    generator_label: float = Field(default=1.0, gt=0.5, le=1)
    discriminator_optimizer: OptimizerConfig = OptimizerConfig()
    generator_optimizer: OptimizerConfig = OptimizerConfig()
    schedule: Schedule = Schedule()
    batch: int = Field(default=128, ge=2, le=10**6)
    generator_batch: int | None = Field(default=None, ge=2, le=10**6)
    generator_after: Count = 0
    discriminator_steps: int = Field(default=1, ge=1, le=10**6)
    ema_halflife_images: Positive = 20_000
    flip: bool = False
    images: Positive = 2_000_000

    @field_validator("generator_batch")
    @classmethod
    def _equal_batches_are_one(cls, count: int | None, info: ValidationInfo) -> int | None:
        """Drop a generator_batch that equals batch, so that equal trainings have equal recipes."""
        return None if count == info.data.get("batch") else count

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        downsamplings = self.network.downsamplings
        if self.size % 2**downsamplings:
            raise ValueError(f"a picture of {self.size} px cannot be halved {downsamplings} times")
        if self.objective != "bce" and (self.real_label, self.generator_label) != (1.0, 1.0):
            raise ValueError(
                f"objective {self.objective!r} has no labels; leave out real_label and generator_label"
            )
        if self.objective == "relativistic" and self.generator_batch is not None:
            raise ValueError(
                f"objective {self.objective!r} needs as many generated images as real ones; leave out "
                "generator_batch"
            )
        return self

    def replace(self, **changes: Any) -> Self:
        """Return the recipe with some fields changed, as `replace(batch=64, network={"stem": "linear"})`.

        A mapping changes the fields that it has; a new size without a new network derives its widths.
        Raises UsageError for unknown fields, with the nearest, and for wrong values.
        """
        return type(self)(**dict(_changed(self, changes)))

    @property
    def images_per_step(self) -> int:
        """Real images in one training step."""
        return self.batch * self.discriminator_steps

    def penalty_weight(self, images_seen: int) -> float:
        """Return the penalty's factor in the step after `images_seen` images; 0 in a step without penalty."""
        penalty = self.penalty
        due = images_seen >= penalty.after and images_seen // self.images_per_step % penalty.every == 0
        return penalty.every * value_at(penalty.weight, images_seen) * (penalty.kind != "none") * due


def build_networks(recipe: Recipe) -> tuple[nn.Module, nn.Module]:
    """Return a new (generator, discriminator), initialized from torch's random state."""
    return recipe.network.build(recipe.latent_size)


def parameter_counts(recipe: Recipe) -> dict[str, int]:
    """Return the number of trainable parameters of the generator and of the discriminator."""
    networks = zip(("generator", "discriminator"), build_networks(recipe), strict=True)
    return {name: sum(weights.numel() for weights in network.parameters()) for name, network in networks}


def with_overrides(recipe: FacesRecipe, overrides: Mapping[str, Any]) -> Recipe:
    """Return the recipe with some fields changed, as `--set generator_optimizer.learning_rate=1e-4` does.

    overrides: values by dotted field name; a string is parsed as JSON, or else taken as it is.
    Raises UsageError for an unknown field or an invalid value.
    """
    values = {
        name: parse_value(value) if isinstance(value, str) else value for name, value in overrides.items()
    }
    return _changed(recipe, values)


def _changed(recipe: FacesRecipe, changes: Mapping[str, Any]) -> Recipe:
    """Return the recipe with Python values by dotted field name; a new size resizes the network."""
    fields = json.loads(recipe.model_dump_json())
    try:
        for path, value in changes.items():
            change(fields, path, value)
    except RecursionError:
        raise UsageError(f"A value of {', '.join(changes)} is nested too deeply for a recipe.") from None
    size = fields["size"]
    kept = not any(path.partition(".")[0] == "network" for path in changes)
    if kept and isinstance(size, int) and size != recipe.size and 8 <= size <= 1024:
        fields["network"] = recipe.network.resized(size).model_dump(mode="json")
    try:
        text = json.dumps(fields)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"A value of {', '.join(changes)} cannot be part of a recipe: {error}.") from None
    return parse_recipe(text)


def parse_recipe(text: str) -> Recipe:
    """Parse a recipe from JSON. Raises UsageError that names the field."""
    try:
        return Recipe.model_validate_json(text)
    except ValidationError as error:
        raise UsageError(invalid(Recipe, error)) from None
