"""Result: a measurement with everything that it depends on, so that it can be cited and repeated."""

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
"""How the names begin whose larger values are the better ones; of all others the smaller."""


class Protocol(Configuration):
    """How photographs became pictures: what two sets must share for their distances to mean anything.

    Attributes:
        crop: name of the crop protocol.
        size: height and width in pixels.
        filter: name of the resize filter.
    """

    crop: str
    size: int
    filter: str

    def __str__(self) -> str:
        return f"crop {self.crop}, {self.size} px, filter {self.filter}"


class Value(Configuration):
    """One measured number, with its standard error where the metric has one.

    The error is what chance does to the generated faces (or, of kernel distances, to the subsets). The
    pictures of the set are taken as given, and so is the bias of a Frechet distance, which grows as
    faces get fewer: compare only results of equal counts.
    """

    value: float
    error: float | None = None

    def __str__(self) -> str:
        return f"{self.value:.4g}" if self.error is None else f"{self.value:.4g} ± {1.96 * self.error:.2g}"


class Share(Configuration):
    """How many faces have an attribute, of the set's and of the generated, as the network labels both."""

    name: str
    data: float
    generated: float


class ModelFacts(Configuration):
    """Which model was measured."""

    path: str
    hash: str
    recipe: str
    images_seen: int
    parameters: int
    trained_on: str
    protocol: Protocol


class SetFacts(Configuration):
    """Which set it was measured against."""

    path: str
    source: str
    split: str | None
    hash: str
    count: int
    protocol: Protocol


class Hardware(Configuration):
    """What it was computed on."""

    processor: str
    cores: int
    threads: int
    device: str


class Result(Configuration):
    """What `evaluate` found, and under which conditions.

    Attributes:
        format: version of this layout.
        model, data: what was measured against what.
        mismatch: how their protocols differ; empty where they agree, which comparisons ask for.
        generated, reference: how many faces, and how many pictures of the set.
        seeds: of the faces; truncation: what their latents were multiplied by.
        features: the hash of the weights of each network that saw them, by its features' name.
        shrinkage: whether covariances were oas_covariance (`metrics.frechet_distance`).
        values: by name. `fd-face` is a Frechet distance on the attribute network's features; `fid` is FID,
            and `fid768` the same on the 768 features of an earlier layer, not comparable with it.
        attributes: shares of each.
        memorization: whether the faces are copies; None where it was not asked for.
        versions, hardware, seconds: of the computation.
    """

    format: Literal[1] = 1
    model: ModelFacts
    data: SetFacts
    mismatch: tuple[str, ...] = ()
    generated: int = Field(ge=1)
    reference: int = Field(ge=1)
    seeds: str
    truncation: float
    features: dict[str, str]
    shrinkage: bool = False
    values: dict[str, Value]
    attributes: tuple[Share, ...] = ()
    memorization: Memorization | None = None
    versions: dict[str, str]
    hardware: Hardware
    seconds: float


class Difference(Configuration):
    """What lies between two models on one metric: the first's value less the second's, and its error."""

    name: str
    value: float
    error: float

    @property
    def interval(self) -> tuple[float, float]:
        """95 % of it, as chance goes."""
        return self.value - 1.96 * self.error, self.value + 1.96 * self.error

    @property
    def sentence(self) -> str:
        """Which is better, if the interval leaves no doubt."""
        low, high = self.interval
        if low <= 0 <= high:
            return f"{self.name}: no difference beyond chance ({low:.3g} to {high:.3g})"
        better = "first" if (self.value > 0) == self.name.startswith(HIGHER_IS_BETTER) else "second"
        return f"{self.name}: the {better} is better, by {abs(self.value):.3g} ± {1.96 * self.error:.2g}"


def differences(first: Result, second: Result) -> list[Difference]:
    """Of every value that both have with its error. Raises UsageError where they cannot be compared."""
    for name in ("generated", "reference", "features", "truncation", "shrinkage"):
        ours, theirs = getattr(first, name), getattr(second, name)
        if ours != theirs:
            raise UsageError(f"Results with other {name} ({ours} and {theirs}) cannot be compared.")
    if first.data.hash != second.data.hash:
        raise UsageError(f"{first.data.path} and {second.data.path} are other sets; they cannot be compared.")
    return [
        Difference(name=name, value=ours.value - theirs.value, error=math.hypot(ours.error, theirs.error))
        for name, ours in first.values.items()
        if (theirs := second.values.get(name)) and ours.error is not None and theirs.error is not None
    ]


def facts_of_model(path: str, model: Model) -> ModelFacts:
    """What a result says of the model."""
    header = model.header
    return ModelFacts(
        path=path,
        hash=model.hash,
        recipe=header.recipe.name,
        images_seen=header.images_seen,
        parameters=sum(parameter.numel() for parameter in model.generator.parameters()),
        trained_on=header.data_hash,
        protocol=Protocol(crop=header.crop, size=header.size, filter=header.filter),
    )


def facts_of_set(pictures: PreparedSet) -> SetFacts:
    """What a result says of the set."""
    manifest = pictures.manifest
    return SetFacts(
        path=str(pictures.path),
        source=manifest.source,
        split=manifest.split,
        hash=manifest.hash,
        count=len(pictures),
        protocol=Protocol(crop=manifest.crop, size=manifest.size, filter=manifest.filter),
    )


def refuse_mismatch(model: ModelFacts, data: SetFacts, allow: bool) -> tuple[str, ...]:
    """How the protocols differ, as words. Raises UsageError if they do and that is not allowed.

    Pictures of other sizes cannot be compared at all.
    """
    theirs, ours = data.protocol.model_dump(), model.protocol.model_dump()
    found = [f"{name}: {ours[name]} and {theirs[name]}" for name in ours if ours[name] != theirs[name]]
    if not found:
        return ()
    sentence = (
        f"{model.path} was trained under another protocol ({model.protocol}) than {data.path} was prepared "
        f"under ({data.protocol}): a distance between them would measure the crop and the filter too."
    )
    if model.protocol.size != data.protocol.size:
        raise UsageError(f"{sentence} Prepare the photographs with --size {model.protocol.size}.")
    if not allow:
        raise UsageError(
            f"{sentence} Prepare the photographs alike, or add --allow-mismatch, which the result will say."
        )
    return tuple(found)


def hardware(device: str) -> Hardware:
    """What computes here."""
    return Hardware(
        processor=processor_name(), cores=usable_cores(), threads=torch.get_num_threads(), device=device
    )


def summary(results: list[Result]) -> str:
    """The values of one or more models, a line a metric, ready to be printed."""
    names = list(dict.fromkeys(name for result in results for name in result.values))
    headings = [Path(result.model.path).name or result.model.path for result in results]
    lines = [f"{'':<16}" + "".join(f"{heading:>24}" for heading in headings)]
    for name in names:
        cells = [str(result.values[name]) if name in result.values else "" for result in results]
        arrow = "↑" if name.startswith(HIGHER_IS_BETTER) else "↓"
        lines.append(f"{name + ' ' + arrow:<16}" + "".join(f"{cell:>24}" for cell in cells))
    for result, heading in zip(results, headings, strict=True):
        if result.memorization:
            lines.append(f"{heading}: {result.memorization.sentence}.")
        if result.mismatch:
            lines.append(f"{heading}: measured across protocols ({'; '.join(result.mismatch)}).")
    return "\n".join(lines)
