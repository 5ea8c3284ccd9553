"""What an edit does to faces, by the attribute network's word: how often it works, and what else changes."""

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
    """The changes that an edit makes to faces.

    Attributes:
        attribute, strength: the edit; each face is pushed away from what it has now.
        count: faces, none of which the directions were found from.
        changed: share of them whose attribute became the other one.
        others: by name, the share whose attribute changed though it was not wanted, the most changed first;
            of the attributes that have directions, since the rest hardly ever show.
    """

    attribute: str
    strength: float
    count: int
    changed: float
    others: Mapping[str, float]

    def __str__(self) -> str:
        said = f"{self.attribute} at {self.strength:g}: changes in {self.changed:.0%} of {self.count:,} faces"
        if not self.others:
            return f"{said}."
        mean = np.mean([*self.others.values()])
        most, share = next(iter(self.others.items()))
        return f"{said}; the others in {mean:.1%} each on average, most of all {most} in {share:.0%}."


def measure_effect(
    model: Model, directions: Directions, attribute: str, strength: float, *, count: int = 1_000
) -> Effect:
    """Edit `count` faces by `strength`, those with the attribute away from it, and look at what changed.

    Raises UsageError for an attribute without a direction.
    """
    directions.index(attribute)
    if count < 1 or strength == 0:
        raise UsageError("An effect is measured on at least one face, at a strength other than 0.")
    network = load_attributes(device=str(next(model.generator.parameters()).device))
    seeds = range(directions.count, directions.count + count)
    z = latents(seeds, model.recipe.latent_size, model.recipe.latent)
    before = network.read(model.decode(z)).probabilities > 0.5
    wanted = network.names.index(attribute)
    amount = abs(strength)
    edited = np.where(
        before[:, wanted, None],
        directions.edit(z, {attribute: -amount}),
        directions.edit(z, {attribute: amount}),
    )
    moved = (network.read(model.decode(edited)).probabilities > 0.5) != before
    shares = {name: float(moved[:, network.names.index(name)].mean()) for name in directions.names}
    changed = shares.pop(attribute)
    others = dict(sorted(shares.items(), key=lambda item: -item[1]))
    return Effect(attribute, amount, count, changed, others)
