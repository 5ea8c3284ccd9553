"""Sides of a measurement: a model, pictures in files that any program wrote, or a statistics file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from strangers.data.containers import ARCHIVE_SUFFIXES
from strangers.data.prepare import open_or_prepare
from strangers.data.prepared import PreparedSet, is_prepared, open_prepared
from strangers.data.sources import open_container
from strangers.errors import UsageError
from strangers.evaluation.facts import (
    Facts,
    GeneratorFacts,
    ModelFacts,
    Protocol,
    facts_of_model,
    facts_of_set,
)
from strangers.evaluation.features import EXTRACTION_BATCH, Features, batches_of, picture_order
from strangers.evaluation.picture_files import ARRAY_SUFFIXES, PictureFiles, open_array, open_files
from strangers.evaluation.statistics_file import is_statistics, read_statistics
from strangers.images import Pixels
from strangers.sampling.load import bundled, load
from strangers.sampling.model import Model
from strangers.sampling.onnx_generator import OnnxGenerator, load_onnx

JPEG_NOTE = (
    "has pictures that were compressed as JPEG at the measured size, which changes distances: compare only "
    "with results on pictures of the same compression."
)


@dataclass(frozen=True)
class Side:
    """One side of a measurement.

    Attributes:
        facts: description for the result.
        count: number of pictures; None for a generator, which draws as many as requested, and for
            statistics that do not state it.
        batches: yields `n` pictures as uint8 (b, size, size, 3); None for statistics.
        model: of a model file.
        pictures: of a prepared set.
        stored: features of a statistics file.
        notes: sentences for the result.
    """

    facts: Facts
    count: int | None
    batches: Callable[[int], Iterator[Pixels]] | None
    model: Model | None = None
    pictures: PreparedSet | None = None
    stored: Features | None = None
    notes: tuple[str, ...] = ()

    def measured(self, count: int) -> int | None:
        """Return the number of pictures that are measured if `count` are wanted; None if it is not stated."""
        if self.stored is not None:
            return self.count
        return count if self.count is None else min(count, self.count)

    @property
    def draws(self) -> bool:
        """True for pictures that are drawn from seeds."""
        return isinstance(self.facts, ModelFacts | GeneratorFacts)


def open_side(
    source: Model | str | Path,
    *,
    device: str = "auto",
    truncation: float = 1.0,
    batch: int = EXTRACTION_BATCH,
    onnx_input: str | None = None,
) -> Side:
    """Open a model, an .onnx generator, a statistics file, a prepared set, or pictures in files.

    Raises ModelError, and DataError for pictures that are unreadable, not square or of several sizes.
    """
    if not isinstance(source, Model):
        path = Path(source)
        if (found := _stored(path)) is not None:
            return found
        if path.suffix.lower() == ".onnx" and path.is_file():
            return _of_onnx(load_onnx(path, onnx_input), truncation, batch)
        if _holds_pictures(path):
            return _of_files(open_files(path, open_container(str(source))))
    model = source if isinstance(source, Model) else load(source, device=device)
    name = f"model {model.hash}" if isinstance(source, Model) else str(source)

    def draw(count: int) -> Iterator[Pixels]:
        for _, faces in model.batches(range(count), truncation=truncation, batch=batch):
            yield faces

    return Side(facts_of_model(name, model), None, draw, model)


def open_reference(data: str | Path, like: Protocol, *, progress: bool = True) -> Side:
    """Open the side that another of the protocol `like` is measured against.

    A source of photographs is prepared into the cache at the size and the crop of `like`.
    Raises UsageError if that size is not known, and the errors of `open_side` and `open_or_prepare`.
    """
    path = Path(data)
    if (found := _stored(path)) is not None:
        return found
    if str(data) in bundled() and not path.exists():
        return open_side(data)
    if path.suffix.lower() in (".onnx", ".safetensors") or (path.is_dir() and not _holds_pictures(path)):
        return open_side(data)
    if like.size is None:
        raise UsageError(
            f"The size of the pictures behind the statistics is not stated, so that {data} cannot be "
            "prepared alike: prepare it with `strangers prepare`, and pass the prepared set."
        )
    crop = like.crop if like.crop != "auto" else None
    return _of_set(open_or_prepare(data, size=like.size, crop=crop, progress=progress))


def _stored(path: Path) -> Side | None:
    """Open a prepared set, an array of pictures or a statistics file; None for anything else."""
    if is_prepared(path):
        return _of_set(open_prepared(path))
    if is_statistics(path):
        stored = read_statistics(path)
        return Side(stored.facts, stored.facts.count, None, stored=stored.features)
    if path.is_file() and path.suffix.lower() in ARRAY_SUFFIXES:
        return _of_files(open_array(path))
    return None


def _holds_pictures(path: Path) -> bool:
    """Tell an archive or a folder of pictures from a model file, a run and a checkpoint."""
    if path.is_dir():
        # os.path's answer is False also where the folder may not be searched.
        return not any(os.path.exists(path / name) for name in ("latest", "model.safetensors", "recipe.json"))
    return path.is_file() and path.name.lower().endswith(ARCHIVE_SUFFIXES)


def _of_files(files: PictureFiles) -> Side:
    jpeg = f"{files.facts.path} {JPEG_NOTE}" if files.facts.protocol.format == "JPEG" else ""
    notes = tuple(filter(None, (jpeg, files.left_out)))
    return Side(files.facts, files.facts.count, files.batches, notes=notes)


def _of_set(pictures: PreparedSet) -> Side:
    facts = facts_of_set(pictures)
    notes = (f"{facts.path} {JPEG_NOTE}",) if facts.protocol.format == "JPEG" else ()

    def batches(count: int) -> Iterator[Pixels]:
        return batches_of(pictures, picture_order(len(pictures), count))

    return Side(facts, len(pictures), batches, pictures=pictures, notes=notes)


def _of_onnx(generator: OnnxGenerator, truncation: float, batch: int) -> Side:
    def draw(count: int) -> Iterator[Pixels]:
        for _, faces in generator.batches(range(count), truncation=truncation, batch=batch):
            yield faces

    header = generator.header
    protocol = Protocol(size=generator.size)
    if header is not None:
        protocol = Protocol(crop=header.crop, size=generator.size, filter=header.filter)
    facts = GeneratorFacts(
        path=str(generator.path),
        hash=generator.hash,
        latent_size=generator.shape[0],
        latent=generator.latent,
        recipe=None if header is None else header.recipe.name,
        images_seen=None if header is None else header.images_seen,
        protocol=protocol,
    )
    note = f"{facts.path} does not state its latents; they were drawn from a normal distribution."
    return Side(facts, None, draw, notes=() if header else (note,))
