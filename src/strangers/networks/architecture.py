"""Architecture: the base class of all networks' configurations, and the table of their names."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, SerializeAsAny, ValidationInfo
from torch import nn

from strangers.config import Configuration
from strangers.errors import UsageError, did_you_mean
from strangers.plugins import load_plugins

ARCHITECTURES: dict[str, type[Architecture]] = {}
"""All architectures by their name in a recipe."""


class Architecture(Configuration, ABC):
    """The configuration of a generator and a discriminator.

    A generator takes latents (n, latent_size) and returns images (n, 3, size, size) in [-1, 1].
    A discriminator takes such images and returns logits (n,); positive means real.

    Attributes:
        architecture: name in a recipe; each subclass declares its own as `Literal["name"] = "name"`.
    """

    architecture: str

    @property
    @abstractmethod
    def size(self) -> int:
        """Height and width of the pictures, in pixels."""

    @property
    @abstractmethod
    def downsamplings(self) -> int:
        """Number of times that the discriminator halves a picture."""

    @abstractmethod
    def build(self, latent_size: int) -> tuple[nn.Module, nn.Module]:
        """Return a new (generator, discriminator), initialized from torch's random state."""

    @abstractmethod
    def generator(self, latent_size: int) -> nn.Module:
        """Return the generator with uninitialized weights, for `build` or a model file to fill."""

    def resized(self, size: int) -> Self:
        """Return the configuration for pictures of another size. Raises UsageError if it has none."""
        raise UsageError(
            f"The widths of {type(self).__name__} for {size} px cannot be derived; set the fields of network."
        )


def architecture_named(name: object) -> type[Architecture]:
    """Return the class of that name in recipes. Raises UsageError."""
    if name not in ARCHITECTURES:
        load_plugins()
    if name not in ARCHITECTURES:
        raise UsageError(
            f"there is no architecture {name!r}. {did_you_mean(str(name), ARCHITECTURES)} One of a plug-in "
            "needs its package, or strangers.register(architecture=...) first."
        )
    return ARCHITECTURES[str(name)]


def _parsed(value: Any, info: ValidationInfo) -> Any:
    """Return the configuration that a mapping describes; other values are checked by pydantic."""
    if not isinstance(value, Mapping):
        return value
    try:
        kind = architecture_named(value.get("architecture", "dcgan"))
    except UsageError as error:
        raise ValueError(str(error)) from None
    for name in value:
        if name not in kind.model_fields:
            raise ValueError(kind.unknown_field(str(name)))
    if info.mode == "json":  # in which lists are tuples
        return kind.model_validate_json(json.dumps(value))
    return kind.model_validate(value)


Network = Annotated[SerializeAsAny[Architecture], BeforeValidator(_parsed)]
"""The configuration of any architecture, by the field `architecture`."""


def doublings(size: int, smallest: int) -> int:
    """Return how often `smallest` pixels double to `size`. Raises UsageError unless they do."""
    count = max(size // smallest, 1).bit_length() - 1
    if count < 1 or smallest * 2**count != size:
        sizes = ", ".join(
            str(smallest * 2**power) for power in range(1, 12) if 8 <= smallest * 2**power <= 1024
        )
        raise UsageError(f"This network cannot make pictures of {size} px; it makes {sizes} px.")
    return count


def inner_widths(widths: tuple[int, ...], count: int, *, factor: int = 1) -> tuple[int, ...]:
    """Return `count` widths from the picture inwards: drop inner ones, or add some, each `factor` wider."""
    longer = list(widths)
    while len(longer) < count:
        longer.append(longer[-1] * factor)
    return tuple(longer[: max(count, 1)])


def widths_of(
    generator: tuple[int, ...], discriminator: tuple[int, ...], count: int, *, factor: int = 1
) -> dict[str, tuple[int, ...]]:
    """Return the fields generator_widths and discriminator_widths for a generator of `count` maps.

    Both networks gain or lose as many inner widths, each `factor` wider than the one before it.
    """
    inner = len(discriminator) + count - len(generator)
    return {
        "generator_widths": inner_widths(generator[::-1], count, factor=factor)[::-1],
        "discriminator_widths": inner_widths(discriminator, inner, factor=factor),
    }
