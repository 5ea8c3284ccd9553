"""Result: a measurement with everything it depends on, so that it can be cited and repeated."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field

from strangers.config import Configuration, Count, Positive
from strangers.evaluation.facts import Facts
from strangers.evaluation.memorization import Memorization
from strangers.evaluation.metric_table import higher_is_better
from strangers.system.machine import processor_name, usable_cores
from strangers.system.streams import printable

MAX_FACES = 10**9
"""Most faces of a measurement."""


class Value(Configuration):
    """A measured number with its standard error, or None, and the reason, for a metric without one.

    The error covers the sampling of the generated faces (for kernel distances and MIND, of both sides). It
    covers neither the choice of the set's pictures nor the bias of a Frechet distance, which grows as faces
    get fewer: compare only results of equal counts.
    """

    value: float
    error: float | None = Field(default=None, ge=0)
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.value:.4g}" if self.error is None else f"{self.value:.4g} ± {1.96 * self.error:.2g}"


class AttributeFrequency(Configuration):
    """Fractions of the set's pictures and of the generated faces predicted to have an attribute."""

    name: str
    data: float = Field(ge=0, le=1)
    generated: float = Field(ge=0, le=1)


class Hardware(Configuration):
    """The hardware of the measurement."""

    processor: str
    cores: Count
    threads: Count
    device: str


class Result(Configuration):
    """A measurement and its conditions.

    Attributes:
        format: version of this layout.
        model, data: the measured model or pictures, and the pictures that they are compared with.
        mismatch: differences between their protocols; empty for a valid comparison.
        generated, reference: number of faces, and of the set's pictures; None where a statistics file does
            not state it.
        seeds: of the faces; empty for pictures.
        truncation: factor of their latents.
        features: hash of each feature network's weights, by the name of the network.
        shrinkage: whether covariances were shrunk (`metrics.oas_covariance`).
        values: by metric, as named in `metric_table.METRICS`.
        attributes: frequency of each attribute.
        memorization: None if it was not requested, or could not be checked; see `notes`.
        command: the words of the command that measured; empty for a call from Python.
        notes: sentences about what the measurement does not cover.
        versions, hardware, seconds: of the computation.
    """

    format: Literal[1] = 1
    model: Facts
    data: Facts
    mismatch: tuple[str, ...] = ()
    generated: int | None = Field(ge=1, le=MAX_FACES)
    reference: Positive | None
    seeds: str
    truncation: float = Field(gt=0, le=1)
    features: dict[str, str]
    shrinkage: bool = False
    values: dict[str, Value]
    attributes: tuple[AttributeFrequency, ...] = ()
    memorization: Memorization | None = None
    notes: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    versions: dict[str, str]
    hardware: Hardware
    seconds: float = Field(ge=0)


def hardware(device: str) -> Hardware:
    """Describe this machine for a result."""
    return Hardware(
        processor=processor_name(), cores=usable_cores(), threads=torch.get_num_threads(), device=device
    )


def summary(result: Result) -> str:
    """Format a result as text: one line per metric, then the notes."""
    width = max([14, *map(len, result.values)]) + 4
    lines = [f"{f'{name} {arrow(name)}':<{width}}{value}" for name, value in result.values.items()]
    lines += [f"{name} has no ±: {one.reason}." for name, one in result.values.items() if one.reason]
    if result.memorization:
        lines.append(f"{result.memorization}.")
    lines += map(printable, result.notes)
    if result.mismatch:
        lines.append(f"Protocols differ ({printable('; '.join(result.mismatch))}).")
    return "\n".join(lines)


def arrow(name: str) -> str:
    """Return the direction in which a metric improves."""
    return "↑" if higher_is_better(name) else "↓"
