"""evaluate: measure a model's faces against a set of photographs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from strangers.data.prepare import open_or_prepare
from strangers.data.prepared import PreparedSet, open_prepared, positions
from strangers.errors import UsageError
from strangers.evaluation.attributes import Attributes, load_attributes
from strangers.evaluation.features import EXTRACTION_BATCH, Extractor, FeatureSet, extract, reference_features
from strangers.evaluation.inception import load_inception
from strangers.evaluation.memorization import Memorization, memorization
from strangers.evaluation.metrics import (
    diversity,
    frechet_distance,
    kernel_distance,
    prdc,
    statistics,
)
from strangers.evaluation.result import (
    AttributeFrequency,
    Result,
    Value,
    check_protocols,
    facts_of_model,
    facts_of_set,
    hardware,
)
from strangers.images import Pixels
from strangers.sampling.latents import format_seeds
from strangers.sampling.load import load
from strangers.sampling.model import Model
from strangers.system.machine import versions

METRICS = ("fd", "kd", "pr", "diversity", "memorization")
"""Frechet distance; kernel distance; precision, recall, density and coverage; diversity; memorization."""

FEATURES = ("face", "inception")
"""The feature networks: the attribute network, and FID's Inception."""

MEMORIZATION_FACES = 1_000
"""Generated faces that are compared with every training picture."""

JACKKNIFE_HALVES = 10
"""Random halves of the faces that give the standard error of a Frechet distance."""


@dataclass(frozen=True)
class Settings:
    """Options of a measurement.

    Attributes:
        metrics: a selection of METRICS.
        features: a selection of FEATURES.
        count: number of generated faces, seeds 0 to count - 1, and of the set's pictures if it has as many.
        truncation: factor of the latents.
        weights: of the Inception network; see `load_inception`.
        device: to compute on.
        shrinkage: for fewer faces than feature dimensions; see `frechet_distance`.
        allow_mismatch: measure across protocols; the result records it.
        batch: faces per batch; changes no number.
    """

    metrics: Sequence[str] = METRICS
    features: Sequence[str] = ("face",)
    count: int = 10_000
    truncation: float = 1.0
    weights: str | Path | None = None
    device: str = "auto"
    shrinkage: bool = False
    allow_mismatch: bool = False
    batch: int = EXTRACTION_BATCH

    def check(self) -> None:
        """Raise UsageError for invalid options."""
        for kind, asked, known in (("metric", self.metrics, METRICS), ("features", self.features, FEATURES)):
            if not asked:
                raise UsageError(f"Pass at least one of the {kind} {', '.join(known)}.")
            for name in asked:
                if name not in known:
                    raise UsageError(f"Unknown {kind} {name!r}. Choose from {', '.join(known)}.")
        if self.count < 2:
            raise UsageError(f"--count must be at least 2 (got {self.count}); 10,000 is usual.")
        if "face" not in self.features and "diversity" in self.metrics and tuple(self.metrics) != METRICS:
            raise UsageError("The metric diversity needs the face features; add face to --features.")


@dataclass(frozen=True)
class Measured:
    """A result with the first faces, uint8 (n, size, size, 3), for the report."""

    result: Result
    faces: Pixels


def evaluate(
    model: Model | str | Path,
    data: str | Path,
    *,
    held_out: str | Path | None = None,
    settings: Settings | None = None,
    progress: bool = True,
) -> Measured:
    """Measure a model's faces against the pictures of `data`.

    data: a prepared set, or a source of photographs, which is prepared into the cache as the model's was.
    held_out: a prepared set that was not trained on, as the control of the memorization check.
    Raises UsageError for mismatched protocols and wrong arguments, DataError, and ModelError.
    """
    settings = settings or Settings()
    settings.check()
    started = time.monotonic()
    path = str(model) if not isinstance(model, Model) else f"model {model.hash}"
    if not isinstance(model, Model):
        model = load(model, device=settings.device)
    header = model.header
    crop = header.crop if header.crop != "auto" else None
    pictures = open_or_prepare(data, size=header.size, crop=crop, progress=progress)
    facts, set_facts = facts_of_model(path, model), facts_of_set(pictures)
    mismatch = check_protocols(facts, set_facts, settings.allow_mismatch)
    control = None if held_out is None else open_prepared(held_out)
    if control is not None:
        check_protocols(facts, facts_of_set(control), settings.allow_mismatch)
    extractors = _extractors(settings)
    with _progress(progress) as advance:
        collected, faces = _collect(model, pictures, extractors, settings, advance)
        values: dict[str, Value] = {}
        for extractor in extractors:
            values |= _values(extractor.name, *collected[extractor.name], settings)
        copies = _memorization(faces, pictures, control, settings, advance)
    result = Result(
        model=facts,
        data=set_facts,
        mismatch=mismatch,
        generated=settings.count,
        reference=min(settings.count, len(pictures)),
        seeds=format_seeds(range(settings.count)),
        truncation=settings.truncation,
        features={extractor.name: extractor.hash for extractor in extractors},
        shrinkage=settings.shrinkage,
        values=values,
        attributes=_frequencies(extractors, collected),
        memorization=copies,
        versions=versions(),
        hardware=hardware(str(next(model.generator.parameters()).device)),
        seconds=round(time.monotonic() - started, 1),
    )
    return Measured(result, faces)


def measure_all(
    models: Sequence[str],
    data: str | Path,
    *,
    held_out: str | Path | None = None,
    settings: Settings | None = None,
    progress: bool = True,
) -> list[Measured]:
    """Measure several models with the same settings."""
    return [
        evaluate(model, data, held_out=held_out, settings=settings, progress=progress) for model in models
    ]


def _extractors(settings: Settings) -> list[Extractor]:
    extractors: list[Extractor] = []
    if "face" in settings.features:
        extractors.append(load_attributes(device=settings.device))
    if "inception" in settings.features:
        extractors.append(load_inception(settings.weights, device=settings.device))
    return extractors


def _collect(
    model: Model,
    pictures: PreparedSet,
    extractors: Sequence[Extractor],
    settings: Settings,
    advance: Callable[[str, int, int], None],
) -> tuple[dict[str, tuple[FeatureSet, FeatureSet]], Pixels]:
    """Return the features of set and faces by extractor, and the first faces."""
    size = min(settings.count, len(pictures))
    real = [
        reference_features(
            pictures, extractor, settings.count, lambda n: advance("pictures", n, size * len(extractors))
        )
        for extractor in extractors
    ]
    kept: list[Pixels] = []

    def faces() -> Iterator[Pixels]:
        seeds = range(settings.count)
        for numbers, drawn in model.batches(seeds, truncation=settings.truncation, batch=settings.batch):
            if numbers[0] < MEMORIZATION_FACES:
                kept.append(drawn)
            yield drawn

    fake = extract(faces(), extractors, lambda n: advance("faces", n, settings.count))
    names = [extractor.name for extractor in extractors]
    return dict(zip(names, zip(real, fake, strict=True), strict=True)), np.concatenate(kept)[
        :MEMORIZATION_FACES
    ]


def _values(features: str, real: FeatureSet, fake: FeatureSet, settings: Settings) -> dict[str, Value]:
    """Compute every requested metric on one kind of features."""
    values: dict[str, Value] = {}
    if "fd" in settings.metrics:
        distance = frechet_distance(real.statistics, fake.statistics, shrinkage=settings.shrinkage)
        error = _frechet_error(real, fake, settings)
        values[metric_name("fd", features)] = Value(value=distance, error=error)
    if "kd" in settings.metrics:
        estimate = kernel_distance(real.features, fake.features)
        values[metric_name("kd", features)] = Value(value=estimate.value, error=estimate.error)
    if "pr" in settings.metrics:
        found = prdc(real.features, fake.features)
        for name in ("precision", "recall", "density", "coverage"):
            values[metric_name(name, features)] = Value(value=getattr(found, name))
    if "diversity" in settings.metrics and fake.probabilities is not None:
        values["diversity"] = Value(value=diversity(fake.probabilities))
    return values


def _frechet_error(real: FeatureSet, fake: FeatureSet, settings: Settings) -> float | None:
    """Standard error of the Frechet distance from its spread over random halves of the faces.

    Delete-half jackknife (Shao and Wu 1989): a half drawn without replacement varies around the whole as
    much as the whole does around the truth. None if halves have too few faces for the dimensions.
    """
    count, dimensions = fake.features.shape
    if count // 2 <= dimensions and not settings.shrinkage:
        return None
    distances = []
    for seed in range(JACKKNIFE_HALVES):
        half = positions(count, count // 2, seed, 0)
        part = statistics(fake.features[half])
        distances.append(frechet_distance(real.statistics, part, shrinkage=settings.shrinkage))
    return float(np.std(distances, ddof=1) * np.sqrt(count / fake.statistics.count))


def metric_name(metric: str, features: str) -> str:
    """Return the name of a metric on these features: fd-face, fid768, kid, precision-face, recall768."""
    if features == "face":
        return f"{metric}-face"
    dimensions = features.removeprefix("inception").removesuffix("2048")  # plain "fid" is the published one
    return {"fd": "fid", "kd": "kid"}.get(metric, metric) + dimensions


def _frequencies(
    extractors: Sequence[Extractor], collected: dict[str, tuple[FeatureSet, FeatureSet]]
) -> tuple[AttributeFrequency, ...]:
    """Predict attribute frequencies on both sides, so that errors of the network cancel."""
    for extractor in extractors:
        if isinstance(extractor, Attributes):
            real, fake = collected[extractor.name]
            assert real.probabilities is not None
            assert fake.probabilities is not None
            shares = [(side > 0.5).mean(axis=0) for side in (real.probabilities, fake.probabilities)]
            return tuple(
                AttributeFrequency(name=name, data=float(data), generated=float(generated))
                for name, data, generated in zip(extractor.names, *shares, strict=True)
            )
    return ()


def _memorization(
    faces: Pixels,
    pictures: PreparedSet,
    control: PreparedSet | None,
    settings: Settings,
    advance: Callable[[str, int, int], None],
) -> Memorization | None:
    if "memorization" not in settings.metrics:
        return None
    network = load_attributes(device=settings.device)
    total = len(pictures)
    return memorization(faces, pictures, network, control, lambda n: advance("neighbors", n, total))


@contextmanager
def _progress(wanted: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Show a progress bar per kind of work; yields `advance(kind, count, total)`."""
    columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, disable=not wanted) as bars:
        tasks = {}

        def advance(kind: str, count: int, total: int) -> None:
            if kind not in tasks:
                tasks[kind] = bars.add_task(kind, total=total)
            bars.advance(tasks[kind], count)

        yield advance
