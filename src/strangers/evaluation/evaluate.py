"""evaluate: measure the faces of a model, or pictures in files, against a set of photographs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from strangers.data.prepared import PreparedSet, open_prepared
from strangers.errors import UsageError
from strangers.evaluation.attributes import load_attributes
from strangers.evaluation.collect import check_sides, extractors_of, generated_side, reference_side
from strangers.evaluation.facts import check_protocols, facts_of_set
from strangers.evaluation.features import EXTRACTION_BATCH, Extractor, Features
from strangers.evaluation.memorization import MIN_CONTROLS, Memorization, memorization
from strangers.evaluation.metric_table import select_metrics
from strangers.evaluation.progress import Advance, progress_bars
from strangers.evaluation.result import MAX_FACES, AttributeFrequency, Result, Value, hardware
from strangers.evaluation.sides import Side, open_reference, open_side
from strangers.evaluation.values import attribute_frequencies, compute_values
from strangers.images import Pixels
from strangers.sampling.latents import format_seeds
from strangers.sampling.model import Model
from strangers.system.devices import choose_device
from strangers.system.machine import versions


@dataclass(frozen=True)
class Settings:
    """Options of a measurement.

    Attributes:
        metrics: names of metrics, and groups of them: `metric_table.METRICS` and `GROUPS`.
        count: number of generated faces, seeds 0 to count - 1, and of the set's pictures if it has as many.
        truncation: factor of the latents.
        weights: of the Inception network; see `load_inception`.
        device: to compute on.
        shrinkage: for fewer faces than feature dimensions; see `frechet_distance`.
        allow_mismatch: measure across protocols; the result records it.
        batch: faces per batch; changes no number.
        onnx_input: name of the latents' input of an .onnx generator with several inputs.
    """

    metrics: Sequence[str] = ("quick",)
    count: int = 10_000
    truncation: float = 1.0
    weights: str | Path | None = None
    device: str = "auto"
    shrinkage: bool = False
    allow_mismatch: bool = False
    batch: int = EXTRACTION_BATCH
    onnx_input: str | None = None

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The metrics, without groups. Raises UsageError for an unknown one."""
        return select_metrics(self.metrics)

    def check(self) -> None:
        """Raise UsageError for invalid options."""
        assert self.names
        if not 2 <= self.count <= MAX_FACES:
            raise UsageError(
                f"--count must be at least 2 and at most {MAX_FACES:,} (got {self.count}); 10,000 is usual."
            )
        if not 0 < self.truncation <= 1:
            raise UsageError(f"--truncation must be above 0 and at most 1 (got {self.truncation:g}).")


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
class Job:
    """Two sides, and the sets of the memorization check, all checked.

    Attributes:
        generated, data: the sides.
        mismatch: known differences between their protocols.
        training: the set that memorization is checked against; None if it is unknown.
        control: the held-out set.
        command: the words of the command that measures this; empty for a model in memory.
    """

    generated: Side
    data: Side
    mismatch: tuple[str, ...]
    training: PreparedSet | None
    control: PreparedSet | None
    command: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what the measurement does not cover."""
        return (*self.generated.notes, *self.data.notes)

    @property
    def unchecked(self) -> str:
        """Why memorization is not checked."""
        return (
            f"Memorization was not checked: {self.data.facts.path} is not known to be the set that "
            f"{self.generated.facts.path} was trained on. Name that set with --training."
        )

    def counts(self, settings: Settings) -> tuple[int | None, int | None]:
        """Numbers of faces and of reference pictures that are measured; None where a file does not say."""
        return self.generated.measured(settings.count), self.data.measured(settings.count)


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

    generated: a model, an .onnx generator, pictures in a folder, .zip, .tar, .npy, .npz or prepared set, or a
        statistics file.
    data: the same, or a source of photographs, which is prepared into the cache as the model's was.
    held_out: a prepared set that was not trained on, as the control of the memorization check; by default
        the held-out part of the training set, if it has MIN_CONTROLS pictures.
    training: the prepared set of the training; None if it is `data`. Without it memorization is not checked.
    Raises UsageError for mismatched protocols and wrong arguments, DataError for unusable or too few
    pictures, and ModelError, all before a face is drawn.
    """
    settings = settings or Settings()
    settings.check()
    job = check(generated, data, held_out, training, settings, progress)
    sides = [job.generated, job.data]
    extractors = extractors_of(settings.names, sides, settings.weights, settings.device)
    check_sides(settings.names, sides, extractors, settings.count, shrinkage=settings.shrinkage)
    return _measure(job, extractors, settings, progress)


def check(
    source: Model | str | Path,
    data: str | Path,
    held_out: str | Path | None,
    training: str | Path | None,
    settings: Settings,
    progress: bool,
) -> Job:
    """Open everything that a measurement needs. Raises the errors of `evaluate`."""
    generated = open_side(
        source, device=settings.device, truncation=settings.truncation, batch=settings.batch,
        onnx_input=settings.onnx_input,
    )  # fmt: skip
    facts = generated.facts
    if not generated.draws and settings.truncation != 1:
        raise UsageError(f"--truncation applies to models, and {facts.path} has pictures.")
    reference = open_reference(data, facts.protocol, progress=progress)
    mismatch = check_protocols(facts, reference.facts, settings.allow_mismatch)
    sets = [None if one is None else open_prepared(one) for one in (held_out, training)]
    for one in sets:
        if one is not None:
            check_protocols(facts, facts_of_set(one), settings.allow_mismatch)
    control, trained_on = sets
    command = () if isinstance(source, Model) else command_of(source, data, held_out, training, settings)
    if generated.model is None:
        return Job(generated, reference, mismatch, trained_on, control, command)
    expected = generated.model.header.data_hash
    if trained_on is not None and trained_on.manifest.hash != expected:
        raise UsageError(
            f"{facts.path} was not trained on {training}: that set's hash begins with "
            f"{trained_on.manifest.hash[:16]}, the training set's with {expected[:16]}."
        )
    if trained_on is None and reference.pictures and reference.pictures.manifest.hash == expected:
        trained_on = reference.pictures
    return Job(generated, reference, mismatch, trained_on, control, command)


def command_of(
    source: str | Path,
    data: str | Path,
    held_out: str | Path | None,
    training: str | Path | None,
    settings: Settings,
) -> tuple[str, ...]:
    """Return the words of the command that repeats a measurement."""
    words = ["strangers", "evaluate", str(source), str(data), "--metrics", ",".join(settings.metrics)]
    words += ["--count", str(settings.count)]
    default = Settings()
    for option, value, usual in (
        ("--truncation", settings.truncation, default.truncation),
        ("--held-out", held_out, None),
        ("--training", training, None),
        ("--weights", settings.weights, None),
        ("--onnx-input", settings.onnx_input, None),
    ):
        words += [option, str(value)] if value != usual else []
    words += ["--shrinkage"] if settings.shrinkage else []
    words += ["--allow-mismatch"] if settings.allow_mismatch else []
    return tuple(words)


def _measure(job: Job, extractors: list[Extractor], settings: Settings, progress: bool) -> Measured:
    started = time.monotonic()
    with progress_bars(progress) as advance:
        real = reference_side(job.data, extractors, settings.count, advance)
        fake, faces = generated_side(job.generated, extractors, settings.count, advance)
        values = compute_values(settings.names, real, fake, shrinkage=settings.shrinkage)
        copies = _memorization(faces, job, settings, advance)
    result = describe(job, settings, extractors, values, time.monotonic() - started).model_copy(
        update={"attributes": _attributes(real, fake), "memorization": copies}
    )
    if copies is None or job.training is None:
        return Measured(result, faces)
    return Measured(result, faces, job.training.batch(np.array([pair.picture for pair in copies.pairs])))


def describe(
    job: Job, settings: Settings, extractors: Sequence[Extractor], values: dict[str, Value], seconds: float
) -> Result:
    """Return the result of values, with everything that they depend on."""
    faces, reference = job.counts(settings)
    model = job.generated.model
    device = choose_device(settings.device).value
    if model is not None:
        device = next(model.generator.parameters()).device
    unchecked = "memorization" in settings.names and job.training is None
    return Result(
        model=job.generated.facts,
        data=job.data.facts,
        mismatch=job.mismatch,
        generated=faces,
        reference=reference,
        seeds=format_seeds(range(faces)) if job.generated.draws and faces else "",
        truncation=settings.truncation,
        features={extractor.name: extractor.hash for extractor in extractors},
        shrinkage=settings.shrinkage,
        values=values,
        notes=(*job.notes, *([job.unchecked] if unchecked else [])),
        command=job.command,
        versions=versions(),
        hardware=hardware(str(device)),
        seconds=round(seconds, 1),
    )


def _attributes(real: Features, fake: Features) -> tuple[AttributeFrequency, ...]:
    if "attributes" not in fake or "attributes" not in real or not len(fake["attributes"].features):
        return ()
    return attribute_frequencies(load_attributes().names, real["attributes"], fake["attributes"])


def _memorization(faces: Pixels, job: Job, settings: Settings, advance: Advance) -> Memorization | None:
    if "memorization" not in settings.names or job.training is None or not len(faces):
        return None
    network = load_attributes(device=settings.device)
    total = len(job.training)
    control = job.control or job.training.held_out_of(MIN_CONTROLS)
    return memorization(faces, job.training, network, control, lambda n: advance("neighbors", n, total))
