"""Result: a measurement with everything it depends on, so that it can be cited and repeated."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field

from strangers.config import Configuration
from strangers.data.prepared import PreparedSet
from strangers.errors import UsageError
from strangers.evaluation.memorization import Memorization
from strangers.sampling.model import Model
from strangers.system.machine import processor_name, usable_cores

HIGHER_IS_BETTER = ("precision", "recall", "density", "coverage", "diversity")
"""Prefixes of metrics whose larger values are better; of all others smaller values are."""


NOT_STATED = "not stated"


class Protocol(Configuration):
    """The preprocessing of photographs, which two sets must share to be comparable.

    Attributes:
        crop: name of the crop protocol; None for pictures that do not state it.
        size: height and width in pixels.
        filter: name of the resize filter; None for pictures that do not state it.
    """

    crop: str | None
    size: int
    filter: str | None

    def __str__(self) -> str:
        return f"crop {self.crop or NOT_STATED}, {self.size} px, filter {self.filter or NOT_STATED}"


class Value(Configuration):
    """A measured number with its standard error, or None for a metric without one.

    The error covers the sampling of the generated faces (for kernel distances, of both sides). It covers
    neither the choice of the set's pictures nor the bias of a Frechet distance, which grows as faces get
    fewer: compare only results of equal counts.
    """

    value: float
    error: float | None = None

    def __str__(self) -> str:
        return f"{self.value:.4g}" if self.error is None else f"{self.value:.4g} ± {1.96 * self.error:.2g}"


class AttributeFrequency(Configuration):
    """Fractions of the set's pictures and of the generated faces predicted to have an attribute."""

    name: str
    data: float
    generated: float


class ModelFacts(Configuration):
    """The measured model."""

    path: str
    hash: str
    recipe: str
    images_seen: int
    parameters: int
    data_hash: str
    protocol: Protocol

    @property
    def label(self) -> str:
        """The model in a few words."""
        return f"{self.recipe} after {self.images_seen:,} images"


class PictureFacts(Configuration):
    """Measured pictures of unknown origin.

    Attributes:
        path: as it was named.
        hash: first 16 hexadecimal digits of a SHA-256 of their content.
        count: number of pictures.
        formats: of the files, such as "JPEG".
        protocol: as far as it is known.
    """

    path: str
    hash: str
    count: int
    formats: tuple[str, ...]
    protocol: Protocol

    @property
    def label(self) -> str:
        """The pictures in a few words."""
        return Path(self.path).name or self.path


class SetFacts(Configuration):
    """The set that the model was measured against."""

    path: str
    source: str
    split: str | None
    hash: str
    count: int
    protocol: Protocol


class Hardware(Configuration):
    """The hardware of the measurement."""

    processor: str
    cores: int
    threads: int
    device: str


class Result(Configuration):
    """A measurement and its conditions.

    Attributes:
        format: version of this layout.
        model, data: the measured model, or pictures, and the set.
        mismatch: differences between their protocols; empty for a valid comparison.
        generated, reference: number of faces, and of the set's pictures.
        seeds: of the faces; empty for pictures.
        truncation: factor of their latents.
        features: hash of each feature network's weights, by the name of its features.
        shrinkage: whether covariances were shrunk (`metrics.oas_covariance`).
        values: by metric. `fd-face` is a Frechet distance on the attribute network's features; `fid` is FID;
            `fid768` uses 768 features of an earlier layer and is not comparable with it.
        attributes: frequency of each attribute.
        memorization: None if it was not requested, or could not be checked; see `notes`.
        notes: sentences about what the measurement does not cover.
        versions, hardware, seconds: of the computation.
    """

    format: Literal[1] = 1
    model: ModelFacts | PictureFacts
    data: SetFacts
    mismatch: tuple[str, ...] = ()
    generated: int = Field(ge=1)
    reference: int = Field(ge=1)
    seeds: str
    truncation: float
    features: dict[str, str]
    shrinkage: bool = False
    values: dict[str, Value]
    attributes: tuple[AttributeFrequency, ...] = ()
    memorization: Memorization | None = None
    notes: tuple[str, ...] = ()
    versions: dict[str, str]
    hardware: Hardware
    seconds: float


class Difference(Configuration):
    """Difference of two models on one metric, first minus second, with its standard error."""

    name: str
    value: float
    error: float

    @property
    def interval(self) -> tuple[float, float]:
        """95% confidence interval."""
        return self.value - 1.96 * self.error, self.value + 1.96 * self.error

    def __str__(self) -> str:
        """Name the better model, if the interval excludes 0."""
        low, high = self.interval
        if low <= 0 <= high:
            return f"{self.name}: no significant difference ({low:.3g} to {high:.3g})"
        better = "first" if (self.value > 0) == self.name.startswith(HIGHER_IS_BETTER) else "second"
        return f"{self.name}: the {better} is better, by {abs(self.value):.3g} ± {1.96 * self.error:.2g}"


def differences(first: Result, second: Result) -> list[Difference]:
    """Return the differences of all values with errors. Raises UsageError for incomparable results."""
    for name in ("generated", "reference", "features", "truncation", "shrinkage"):
        ours, theirs = getattr(first, name), getattr(second, name)
        if ours != theirs:
            raise UsageError(f"Results with different {name} ({ours} and {theirs}) cannot be compared.")
    if first.data.hash != second.data.hash:
        raise UsageError(
            f"Results on different sets ({first.data.path} and {second.data.path}) cannot be compared."
        )
    return [
        Difference(name=name, value=ours.value - theirs.value, error=math.hypot(ours.error, theirs.error))
        for name, ours in first.values.items()
        if (theirs := second.values.get(name)) and ours.error is not None and theirs.error is not None
    ]


def facts_of_model(path: str, model: Model) -> ModelFacts:
    """Describe a model for a result."""
    header = model.header
    return ModelFacts(
        path=path,
        hash=model.hash,
        recipe=header.recipe.name,
        images_seen=header.images_seen,
        parameters=sum(parameter.numel() for parameter in model.generator.parameters()),
        data_hash=header.data_hash,
        protocol=Protocol(crop=header.crop, size=header.size, filter=header.filter),
    )


def facts_of_set(pictures: PreparedSet) -> SetFacts:
    """Describe a set for a result."""
    manifest = pictures.manifest
    return SetFacts(
        path=str(pictures.path),
        source=manifest.source,
        split=manifest.split,
        hash=manifest.hash,
        count=len(pictures),
        protocol=Protocol(crop=manifest.crop, size=manifest.size, filter=manifest.filter),
    )


def check_protocols(model: ModelFacts | PictureFacts, data: SetFacts, allow: bool) -> tuple[str, ...]:
    """Return the known differences between the protocols. Raises UsageError for any, unless `allow`.

    Different sizes are always an error.
    """
    theirs, ours = data.protocol.model_dump(), model.protocol.model_dump()
    found = [f"{name}: {ours[name]} and {theirs[name]}" for name in ours if _differ(ours[name], theirs[name])]
    if not found:
        return ()
    message = (
        f"The protocol of {model.path} ({model.protocol}) differs from that of {data.path} "
        f"({data.protocol}), so a distance would measure the preprocessing too."
    )
    if model.protocol.size != data.protocol.size:
        raise UsageError(f"{message} Prepare the photographs with --size {model.protocol.size}.")
    if not allow:
        raise UsageError(
            f"{message} Prepare the photographs alike, or pass --allow-mismatch, which the result records."
        )
    return tuple(found)


def _differ(ours: object, theirs: object) -> bool:
    """Compare two fields of protocols; one that is not stated differs from none."""
    return ours is not None and theirs is not None and ours != theirs


def hardware(device: str) -> Hardware:
    """Describe this machine for a result."""
    return Hardware(
        processor=processor_name(), cores=usable_cores(), threads=torch.get_num_threads(), device=device
    )


def summary(results: list[Result]) -> str:
    """Format the values of one or more models as a text table, one line per metric."""
    names = list(dict.fromkeys(name for result in results for name in result.values))
    headings = [Path(result.model.path).name or result.model.path for result in results]
    lines = [f"{'':<16}" + "".join(f"{heading:>24}" for heading in headings)]
    for name in names:
        cells = [str(result.values[name]) if name in result.values else "" for result in results]
        arrow = "↑" if name.startswith(HIGHER_IS_BETTER) else "↓"
        lines.append(f"{name + ' ' + arrow:<16}" + "".join(f"{cell:>24}" for cell in cells))
    for result, heading in zip(results, headings, strict=True):
        if result.memorization:
            lines.append(f"{heading}: {result.memorization}.")
        lines += [f"{heading}: {note}" for note in result.notes]
        if result.mismatch:
            lines.append(f"{heading}: protocols differ ({'; '.join(result.mismatch)}).")
    return "\n".join(lines)
