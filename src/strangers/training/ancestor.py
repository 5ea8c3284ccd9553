"""Ancestor: the trained model from which a training starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from torch import Tensor

from strangers.errors import ModelError, UsageError
from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import FacesRecipe, Recipe
from strangers.sampling.load import load, model_file, source_name
from strangers.system.streams import read_regular_file
from strangers.training.step import State

FEW_PICTURES = 5_000
"""Pictures below which a training from a model measures itself, and stops early.

Below them, or without a discriminator, its recipe is `few-64` or `few-128` by default: at the rates of the
model's own recipe a new discriminator ruins the generator.
"""

DISCRIMINATOR = "discriminator."
"""Prefix of the discriminator's tensors in a checkpoint."""


@dataclass(frozen=True)
class Ancestor:
    """A model and, if it is a run's, the discriminator that was trained with it.

    Attributes:
        name: the model's name and the beginning of its hash.
        recipe: that it was trained with.
        crop: of the photographs that it was trained on.
        license: name and terms of these photographs.
        generator, discriminator: weights; no discriminator in a model file.
    """

    name: str
    recipe: FacesRecipe
    crop: str
    generator: dict[str, Tensor]
    discriminator: dict[str, Tensor] | None
    license: str = ""

    def adapt(self, recipe: Recipe) -> Recipe:
        """Return the recipe with this model's networks and latents."""
        fields = {name: getattr(self.recipe, name) for name in ("size", "network", "latent", "latent_size")}
        return Recipe(**(dict(recipe) | fields))

    def check(self, recipe: Recipe) -> None:
        """Raise UsageError unless the model's networks are the recipe's."""
        if self.adapt(recipe) != recipe:
            raise UsageError(
                f"The networks of recipe {recipe.name} are not those of {self.name}, which was trained by "
                f"{self.recipe.name}; leave out --recipe, or choose a model of that recipe."
            )

    def start(self, state: State) -> None:
        """Give a new training the weights of the model."""
        state.generator.load_state_dict(self.generator)
        state.ema.load_state_dict(self.generator)
        if self.discriminator is not None:
            state.discriminator.load_state_dict(self.discriminator)

    def __str__(self) -> str:
        own = "with its discriminator" if self.discriminator else "with a new discriminator"
        return f"Starting from {self.name}, {own}"


def read_ancestor(source: str | Path) -> Ancestor:
    """Read the model that `--from` names, and its discriminator if it is a run's. Raises ModelError."""
    model = load(source, device="cpu")
    return Ancestor(
        name=f"{source_name(source)} ({model.hash})",
        recipe=model.recipe,
        crop=model.header.crop,
        generator=model.generator.state_dict(),
        discriminator=_discriminator(source),
        license=model.header.license,
    )


def few_recipe(ancestor: Ancestor) -> Recipe:
    """Return the recipe for few pictures, with the networks of the model."""
    return ancestor.adapt(RECIPES["few-128" if ancestor.recipe.size >= 128 else "few-64"])


def _discriminator(source: str | Path) -> dict[str, Tensor] | None:
    """Return the discriminator in the checkpoint of a model; None for a model file on its own."""
    path = Path(source)
    if not path.exists():
        return None
    training = model_file(path).with_name("training.safetensors")
    if not training.is_file():
        return None
    try:
        tensors = load_tensors(read_regular_file(training))
    except (OSError, SafetensorError) as error:
        raise ModelError(f"The discriminator in {training} cannot be read: {error}.") from None
    return {
        name.removeprefix(DISCRIMINATOR): value
        for name, value in tensors.items()
        if name.startswith(DISCRIMINATOR)
    }
