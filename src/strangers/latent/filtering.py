"""Filtering: seeds whose faces have given attributes and are not broken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import count as count_from

import numpy as np
from numpy.typing import NDArray

from strangers.data.face_detection import certainties
from strangers.errors import StrangersError
from strangers.evaluation.attributes import load_attributes
from strangers.images import Pixels
from strangers.latent.rejection import least_certainty
from strangers.sampling.model import Model

MAX_EXAMINED = 20_000
"""Faces after which an open-ended search gives up: some minutes on a CPU."""


@dataclass(frozen=True)
class Filtered:
    """Matching seeds in the order of examination, and the number of faces examined."""

    seeds: list[int]
    examined: int

    def __str__(self) -> str:
        rate = len(self.seeds) / self.examined
        return f"{len(self.seeds):,} of {self.examined:,} faces ({rate:.1%})"


def find_seeds(
    model: Model,
    wanted: Mapping[str, bool],
    *,
    seeds: Iterable[int] | None = None,
    count: int | None = None,
    truncation: float = 1.0,
    rejected: float = 0.0,
    advance: Callable[[int], None] = lambda count: None,
) -> Filtered:
    """Return the seeds whose faces match `wanted`, as predicted by the attribute network.

    wanted: True for attributes to have, False for attributes to lack; all faces match an empty one.
    seeds: to examine, all of them; None examines 0, 1, 2, ... until `count` faces match.
    rejected: share in [0, 1) of the model's faces that are left out, those of which the face detector is
        least certain.
    advance: called with the number of new matches.
    Raises UsageError for an unknown attribute; StrangersError when no face matches, or when fewer than
    `count` of the first 20,000 do.
    """
    matches = _condition(model, wanted, least_certainty(model, rejected))
    found: list[int] = []
    examined = 0
    open_ended = seeds is None
    for numbers, faces in model.batches(count_from() if seeds is None else seeds, truncation=truncation):
        new = [seed for seed, matched in zip(numbers, matches(faces), strict=True) if matched]
        if open_ended and count is not None and len(found) + len(new) >= count:
            new = new[: count - len(found)]
            advance(len(new))
            return Filtered(found + new, examined + (numbers.index(new[-1]) + 1 if new else 0))
        found += new
        examined += len(numbers)
        advance(len(new))
        if open_ended and examined >= MAX_EXAMINED:
            break
    if open_ended or not found:
        condition = ",".join(f"{name}={int(value)}" for name, value in wanted.items())
        what = f"have {condition}" if wanted else "are kept"
        what += f" ({rejected:.0%} rejected)" if rejected else ""
        advice = "ask for fewer faces or attributes" if found else "relax the condition or pass more seeds"
        raise StrangersError(f"Only {len(found):,} of {examined:,} faces {what}; {advice}.")
    return Filtered(found, examined)


def _condition(
    model: Model, wanted: Mapping[str, bool], certainty: float
) -> Callable[[Pixels], NDArray[np.bool_]]:
    """Return a function from faces (n, size, size, 3) to which of them match. Raises UsageError."""
    network = load_attributes(device=str(next(model.generator.parameters()).device)) if wanted else None
    columns = network.positions(wanted) if network else []
    values = np.array([*wanted.values()], bool)

    def matches(faces: Pixels) -> NDArray[np.bool_]:
        matched = np.ones(len(faces), bool)
        if network:
            matched = ((network.read(faces).probabilities[:, columns] > 0.5) == values).all(axis=1)
        if certainty and matched.any():
            matched[matched] = certainties(faces[matched]) >= certainty
        return matched

    return matches
