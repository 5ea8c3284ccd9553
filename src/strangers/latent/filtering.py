"""Choosing: which seeds' faces have the attributes that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import count as numbers

import numpy as np

from strangers.errors import StrangersError
from strangers.evaluation.attributes import load_attributes
from strangers.sampling.model import Model

MOST_LOOKED_AT = 20_000
"""Faces after which a search without an end of its own gives up: some minutes on a CPU."""


@dataclass(frozen=True)
class Found:
    """Seeds whose faces have what was asked for, in their order, and how many faces were looked at."""

    seeds: list[int]
    looked_at: int

    def __str__(self) -> str:
        share = len(self.seeds) / self.looked_at
        return f"{len(self.seeds):,} of {self.looked_at:,} faces are so ({share:.1%})"


def find_seeds(
    model: Model,
    wanted: Mapping[str, bool],
    *,
    seeds: Iterable[int] | None = None,
    enough: int | None = None,
    truncation: float = 1.0,
    advance: Callable[[int], None] = lambda count: None,
) -> Found:
    """The seeds whose faces the attribute network says to have, or to lack, the attributes.

    seeds: to look through, all of them; without, 0, 1, 2, ... until `enough` are found.
    advance: is told how many more were found.
    Raises UsageError for an unknown attribute; StrangersError if none is found, or after 20,000 faces.
    """
    network = load_attributes(device=str(next(model.generator.parameters()).device))
    columns, values = network.positions(wanted), np.array([*wanted.values()], bool)
    found: list[int] = []
    looked_at = 0
    endless = seeds is None
    for chosen, faces in model.batches(numbers() if seeds is None else seeds, truncation=truncation):
        right = ((network.read(faces).probabilities[:, columns] > 0.5) == values).all(axis=1)
        new = [seed for seed, kept in zip(chosen, right, strict=True) if kept]
        if endless and enough is not None and len(found) + len(new) >= enough:
            new = new[: enough - len(found)]
            advance(len(new))
            return Found(found + new, looked_at + (chosen.index(new[-1]) + 1 if new else 0))
        found += new
        looked_at += len(chosen)
        advance(len(new))
        if endless and looked_at >= MOST_LOOKED_AT:
            break
    if endless or not found:
        asked = ",".join(f"{name}={int(value)}" for name, value in wanted.items())
        raise StrangersError(
            f"Only {len(found):,} of {looked_at:,} faces have {asked}; "
            f"{'ask for fewer, or for less of each' if found else 'ask for less, or name more seeds'}."
        )
    return Found(found, looked_at)
