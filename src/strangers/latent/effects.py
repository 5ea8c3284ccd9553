"""Measured effects of an edit: how often it changes its attribute, and which other attributes change too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from strangers.errors import UsageError
from strangers.evaluation.attributes import load_attributes
from strangers.latent.directions import Directions
from strangers.sampling.latents import latents
from strangers.sampling.model import Model


@dataclass(frozen=True)
class Effect:
    """The attributes that an edit changes, as predicted by the attribute network.

    Attributes:
        attribute: the edited attribute.
        strength: of the edit, in standard deviations; each face is moved away from its current label.
        count: number of edited faces; none of them was used to find the directions.
        changed: fraction of faces whose label for the attribute flips, in [0, 1].
        others: for each other attribute with a direction, the fraction of faces whose label flips, largest
            first.
    """

    attribute: str
    strength: float
    count: int
    changed: float
    others: Mapping[str, float]

    def __str__(self) -> str:
        effect = (
            f"{self.attribute} at {self.strength:g}: changes in {self.changed:.0%} of {self.count:,} faces"
        )
        if not self.others:
            return f"{effect}."
        mean = np.mean([*self.others.values()])
        name, fraction = next(iter(self.others.items()))
        return (
            f"{effect}; other attributes change in {mean:.1%} on average, at most {name} in {fraction:.0%}."
        )


def measure_effect(
    model: Model, directions: Directions, attribute: str, strength: float, *, count: int = 1_000
) -> Effect:
    """Edit `count` faces, each away from its current label, and count the labels that flip.

    Raises UsageError for an attribute without a direction, no faces, or a strength of 0.
    """
    attribute = directions.names[directions.index(attribute)]
    if count < 1 or strength == 0:
        raise UsageError("An effect needs at least one face and a strength other than 0.")
    network = load_attributes(device=str(next(model.generator.parameters()).device))
    seeds = range(directions.count, directions.count + count)
    z = latents(seeds, model.recipe.latent_size, model.recipe.latent)
    before = network.read(model.decode(z)).probabilities > 0.5
    (column,) = network.positions([attribute])
    amount = abs(strength)
    edited = np.where(
        before[:, column, None],
        directions.edit(z, {attribute: -amount}),
        directions.edit(z, {attribute: amount}),
    )
    flipped = (network.read(model.decode(edited)).probabilities > 0.5) != before
    fractions = {name: float(flipped[:, network.names.index(name)].mean()) for name in directions.names}
    changed = fractions.pop(attribute)
    others = dict(sorted(fractions.items(), key=lambda item: -item[1]))
    return Effect(attribute, amount, count, changed, others)
