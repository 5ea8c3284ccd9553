"""evaluate: measure the faces of a model, or pictures in files, against a set of photographs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from strangers.data.prepare import open_or_prepare
from strangers.data.prepared import PreparedSet, open_prepared
from strangers.errors import UsageError
from strangers.evaluation.attributes import load_attributes
from strangers.evaluation.features import (
    EXTRACTION_BATCH,
    Extractor,
    FeatureSet,
    extract,
    reference_features,
)
from strangers.evaluation.generated import Generated, open_generated
from strangers.evaluation.inception import load_inception
from strangers.evaluation.memorization import Memorization, memorization
from strangers.evaluation.progress import Advance, progress_bars
from strangers.evaluation.result import (
    Result,
    Value,
    check_protocols,
    facts_of_set,
    hardware,
)
from strangers.evaluation.values import attribute_frequencies, check_counts, compute_values
from strangers.images import Pixels
from strangers.sampling.latents import format_seeds
from strangers.sampling.model import Model
from strangers.system.devices import choose_device
from strangers.system.machine import versions

METRICS = ("fd", "kd", "pr", "diversity", "memorization")
"""Frechet distance; kernel distance; precision, recall, density and coverage; diversity; memorization."""

FEATURES = ("face", "inception")
"""The feature networks: the attribute network, and FID's Inception."""

MEMORIZATION_FACES = 1_000
"""Generated faces that are compared with every training picture."""


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
        if not 0 < self.truncation <= 1:
            raise UsageError(f"--truncation must be above 0 and at most 1 (got {self.truncation:g}).")
        if "face" not in self.features and "diversity" in self.metrics and tuple(self.metrics) != METRICS:
            raise UsageError("The metric diversity needs the face features; add face to --features.")


@dataclass(frozen=True)
class Measured:
    """A result with pictures for the report.

    Attributes:
        result: the values and their conditions.
        faces: the first faces, uint8 (n, size, size, 3).
        neighbors: the training pictures of the memorization's pairs, uint8 (pairs, size, size, 3).
    """

    result: Result
    faces: Pixels
    neighbors: Pixels | None = None


@dataclass(frozen=True)
class _Job:
    """Faces and the sets that they are measured against, all checked."""

    generated: Generated
    pictures: PreparedSet
    mismatch: tuple[str, ...]
    training: PreparedSet | None
    control: PreparedSet | None

    @property
    def notes(self) -> tuple[str, ...]:
        if self.training is not None:
            return self.generated.notes
        return (
            *self.generated.notes,
            f"Memorization was not checked: {self.pictures.path} is not known to be the set that "
            f"{self.generated.facts.path} was trained on. Name that set with --training.",
        )

    def counts(self, settings: Settings) -> tuple[int, int]:
        """Numbers of faces and of the set's pictures that are measured."""
        available = self.generated.count
        faces = settings.count if available is None else min(settings.count, available)
        return faces, min(settings.count, len(self.pictures))


def evaluate(
    generated: Model | str | Path,
    data: str | Path,
    *,
    held_out: str | Path | None = None,
    training: str | Path | None = None,
    settings: Settings | None = None,
    progress: bool = True,
) -> Measured:
    """Measure generated faces against the pictures of `data`.

    generated: a model, or pictures in a folder, .zip, .tar, .npy, .npz or prepared set.
    data: a prepared set, or a source of photographs, which is prepared into the cache as the model's was.
    held_out: a prepared set that was not trained on, as the control of the memorization check.
    training: the prepared set of the training; None if it is `data`. Without it memorization is not checked.
    Raises UsageError for mismatched protocols and wrong arguments, DataError for unusable or too few
    pictures, and ModelError, all before a face is drawn.
    """
    [measured] = measure_all(
        [generated], data, held_out=held_out, training=training, settings=settings, progress=progress
    )
    return measured


def measure_all(
    generated: Sequence[Model | str | Path],
    data: str | Path,
    *,
    held_out: str | Path | None = None,
    training: str | Path | None = None,
    settings: Settings | None = None,
    progress: bool = True,
) -> list[Measured]:
    """Measure several models or collections of pictures with the same settings, after checking all."""
    settings = settings or Settings()
    settings.check()
    jobs = [_check(one, data, held_out, training, settings, progress) for one in generated]
    extractors = _extractors(settings)
    for job in jobs:
        names = job.generated.facts.path, str(job.pictures.path)
        sides = dict(zip(names, job.counts(settings), strict=True))
        check_counts(settings.metrics, extractors, sides, shrinkage=settings.shrinkage)
    return [_measure(job, extractors, settings, progress) for job in jobs]


def _check(
    source: Model | str | Path,
    data: str | Path,
    held_out: str | Path | None,
    training: str | Path | None,
    settings: Settings,
    progress: bool,
) -> _Job:
    """Open everything that a measurement needs."""
    generated = open_generated(
        source, device=settings.device, truncation=settings.truncation, batch=settings.batch
    )
    facts = generated.facts
    if generated.model is None and settings.truncation != 1:
        raise UsageError(f"--truncation applies to models, and {facts.path} has pictures.")
    crop = facts.protocol.crop if facts.protocol.crop != "auto" else None
    pictures = open_or_prepare(data, size=facts.protocol.size, crop=crop, progress=progress)
    mismatch = check_protocols(facts, facts_of_set(pictures), settings.allow_mismatch)
    control = None if held_out is None else open_prepared(held_out)
    if control is not None:
        check_protocols(facts, facts_of_set(control), settings.allow_mismatch)
    trained_on = pictures if training is None else open_prepared(training)
    if training is not None:
        check_protocols(facts, facts_of_set(trained_on), settings.allow_mismatch)
    if generated.model is None:
        return _Job(generated, pictures, mismatch, None if training is None else trained_on, control)
    expected = generated.model.header.data_hash
    if trained_on.manifest.hash == expected:
        return _Job(generated, pictures, mismatch, trained_on, control)
    if training is not None:
        raise UsageError(
            f"{facts.path} was not trained on {training}: that set's hash begins with "
            f"{trained_on.manifest.hash[:16]}, the training set's with {expected[:16]}."
        )
    return _Job(generated, pictures, mismatch, None, control)


def _measure(job: _Job, extractors: list[Extractor], settings: Settings, progress: bool) -> Measured:
    started = time.monotonic()
    faces_count, reference_count = job.counts(settings)
    with progress_bars(progress) as advance:
        collected, faces = _collect(job, extractors, settings, advance)
        values: dict[str, Value] = {}
        for name, (real, fake) in collected.items():
            values |= compute_values(name, real, fake, settings.metrics, shrinkage=settings.shrinkage)
        copies = _memorization(faces, job, settings, advance)
    model = job.generated.model
    device = choose_device(settings.device).value
    if model is not None:
        device = next(model.generator.parameters()).device
    result = Result(
        model=job.generated.facts,
        data=facts_of_set(job.pictures),
        mismatch=job.mismatch,
        generated=faces_count,
        reference=reference_count,
        seeds="" if model is None else format_seeds(range(faces_count)),
        truncation=settings.truncation,
        features={extractor.name: extractor.hash for extractor in extractors},
        shrinkage=settings.shrinkage,
        values=values,
        attributes=attribute_frequencies(extractors, collected),
        memorization=copies,
        notes=job.notes if "memorization" in settings.metrics else job.generated.notes,
        versions=versions(),
        hardware=hardware(str(device)),
        seconds=round(time.monotonic() - started, 1),
    )
    if copies is None or job.training is None:
        return Measured(result, faces)
    return Measured(result, faces, job.training.batch(np.array([pair.picture for pair in copies.pairs])))


def _extractors(settings: Settings) -> list[Extractor]:
    extractors: list[Extractor] = []
    if "face" in settings.features:
        extractors.append(load_attributes(device=settings.device))
    if "inception" in settings.features:
        extractors.append(load_inception(settings.weights, device=settings.device))
    return extractors


def _collect(
    job: _Job, extractors: Sequence[Extractor], settings: Settings, advance: Advance
) -> tuple[dict[str, tuple[FeatureSet, FeatureSet]], Pixels]:
    """Return the features of set and faces by extractor, and the first faces."""
    faces_count, reference_count = job.counts(settings)
    total = reference_count * len(extractors)
    real = [
        reference_features(job.pictures, extractor, settings.count, lambda n: advance("pictures", n, total))
        for extractor in extractors
    ]
    kept: list[Pixels] = []

    def faces() -> Iterator[Pixels]:
        for drawn in job.generated.batches(faces_count):
            if sum(map(len, kept)) < MEMORIZATION_FACES:
                kept.append(drawn)
            yield drawn

    fake = extract(faces(), extractors, lambda n: advance("faces", n, faces_count))
    names = [extractor.name for extractor in extractors]
    both = dict(zip(names, zip(real, fake, strict=True), strict=True))
    return both, np.concatenate(kept)[:MEMORIZATION_FACES]


def _memorization(faces: Pixels, job: _Job, settings: Settings, advance: Advance) -> Memorization | None:
    if "memorization" not in settings.metrics or job.training is None:
        return None
    network = load_attributes(device=settings.device)
    total = len(job.training)
    return memorization(faces, job.training, network, job.control, lambda n: advance("neighbors", n, total))
