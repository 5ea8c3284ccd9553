"""Generated faces to measure: those of a model, or pictures in files that any program wrote."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strangers.data.containers import ARCHIVE_SUFFIXES, Container, File, is_picture
from strangers.data.decode import decode
from strangers.data.prepared import PreparedSet, is_prepared, open_prepared, positions
from strangers.data.sources import open_container
from strangers.errors import DataError
from strangers.evaluation.features import EXTRACTION_BATCH, batches_of, reference_positions
from strangers.evaluation.result import ModelFacts, PictureFacts, Protocol, facts_of_model
from strangers.images import Pixels
from strangers.sampling.load import load
from strangers.sampling.model import Model
from strangers.system.files import sha256_of

ARRAY_SUFFIXES = (".npy", ".npz")

JPEG_NOTE = "has JPEG pictures. Compression changes distances; compare only with results on JPEG pictures."


@dataclass(frozen=True)
class Generated:
    """Faces to measure.

    Attributes:
        facts: description for the result.
        count: number of pictures; None for a model, which draws as many as requested.
        batches: yields `n` faces as uint8 (b, size, size, 3).
        model: None for pictures.
        notes: sentences for the result.
    """

    facts: ModelFacts | PictureFacts
    count: int | None
    batches: Callable[[int], Iterator[Pixels]]
    model: Model | None = None
    notes: tuple[str, ...] = ()


def open_generated(
    source: Model | str | Path,
    *,
    device: str = "auto",
    truncation: float = 1.0,
    batch: int = EXTRACTION_BATCH,
) -> Generated:
    """Open a model, a prepared set, a folder, .zip or .tar of pictures, or an .npy or .npz of them.

    Raises ModelError, and DataError for pictures that are unreadable, not square or of several sizes.
    """
    if not isinstance(source, Model):
        path = Path(source)
        if is_prepared(path):
            return _of_set(open_prepared(path))
        if path.is_file() and path.suffix.lower() in ARRAY_SUFFIXES:
            return _of_array(path)
        if _holds_pictures(path):
            return _of_files(path, open_container(str(source)))
    model = source if isinstance(source, Model) else load(source, device=device)
    name = f"model {model.hash}" if isinstance(source, Model) else str(source)

    def draw(count: int) -> Iterator[Pixels]:
        for _, faces in model.batches(range(count), truncation=truncation, batch=batch):
            yield faces

    return Generated(facts_of_model(name, model), None, draw, model)


def _holds_pictures(path: Path) -> bool:
    """Tell an archive or a folder of pictures from a model file, a run and a checkpoint."""
    if path.is_dir():
        return not any((path / name).exists() for name in ("latest", "model.safetensors", "recipe.json"))
    return path.is_file() and path.name.lower().endswith(ARCHIVE_SUFFIXES)


def _of_set(pictures: PreparedSet) -> Generated:
    manifest = pictures.manifest
    facts = PictureFacts(
        path=str(pictures.path),
        hash=manifest.hash[:16],
        count=len(pictures),
        formats=("prepared set",),
        protocol=Protocol(crop=manifest.crop, size=manifest.size, filter=manifest.filter),
    )
    return Generated(
        facts, len(pictures), lambda count: batches_of(pictures, reference_positions(pictures, count))
    )


def _of_array(path: Path) -> Generated:
    images = _read_array(path)
    facts = PictureFacts(
        path=str(path),
        hash=sha256_of(path)[:16],
        count=len(images),
        formats=("array",),
        protocol=Protocol(crop=None, size=images.shape[1], filter=None),
    )

    def batches(count: int) -> Iterator[Pixels]:
        which = _chosen(len(images), count)
        for start in range(0, len(which), EXTRACTION_BATCH):
            yield np.asarray(images[which[start : start + EXTRACTION_BATCH]])

    return Generated(facts, len(images), batches)


def _read_array(path: Path) -> Pixels:
    """Read the only array of pictures in an .npy or .npz file. Raises DataError."""
    arrays: dict[str, NDArray[Any]]
    try:
        if path.suffix.lower() == ".npy":
            arrays = {path.name: np.load(path, mmap_mode="r", allow_pickle=False)}
        else:
            with path.open("rb") as file, zipfile.ZipFile(file), np.load(file, allow_pickle=False) as archive:
                arrays = dict(archive)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, MemoryError) as error:
        raise DataError(f"Cannot read {path}: {error}. It may be truncated.") from None
    if {"mu", "sigma"} <= arrays.keys():
        raise DataError(f"{path} has statistics (mu and sigma), not pictures; pass the pictures.")
    images = [array for array in arrays.values() if _are_pictures(array)]
    if len(images) != 1:
        shapes = ", ".join(f"{name} {array.dtype} {array.shape}" for name, array in arrays.items())
        raise DataError(
            f"{path} must hold one array of pictures, uint8 (n, size, size, 3) (got {shapes or 'none'})."
        )
    if len(images[0]) == 0:
        raise DataError(f"{path} has no pictures.")
    return images[0]


def _are_pictures(array: NDArray[Any]) -> bool:
    shape = array.shape
    return array.dtype == np.uint8 and len(shape) == 4 and shape[1] == shape[2] and shape[3] == 3


def _of_files(path: Path, container: Container) -> Generated:
    names: list[str] = []
    digest, formats, size = hashlib.sha256(), set(), 0
    for file in container.files(lambda _, name: is_picture(name)):
        side = _side(path, file)
        if names and side != size:
            raise DataError(
                f"The pictures of {path} must have one size (got {size} px for {names[0]} and {side} px for "
                f"{file.name})."
            )
        size = side
        names.append(file.name)
        formats.add("JPEG" if file.data.startswith(b"\xff\xd8\xff") else "lossless or other")
        digest.update(f"{file.name}\0{len(file.data)}\0".encode(errors="surrogateescape") + file.data)
    if not names:
        raise DataError(f"{path} has no pictures.")
    facts = PictureFacts(
        path=str(path),
        hash=digest.hexdigest()[:16],
        count=len(names),
        formats=tuple(sorted(formats)),
        protocol=Protocol(crop=None, size=size, filter=None),
    )

    def batches(count: int) -> Iterator[Pixels]:
        which = {names[position] for position in _chosen(len(names), count).tolist()}
        batch: list[Pixels] = []
        for file in container.files(lambda _, name: name in which):
            batch.append(decode(file.data))
            if len(batch) == EXTRACTION_BATCH:
                yield np.stack(batch)
                batch = []
        if batch:
            yield np.stack(batch)

    return Generated(facts, len(names), batches, notes=(f"{path} {JPEG_NOTE}",) if "JPEG" in formats else ())


def _side(path: Path, file: File) -> int:
    """Return the height and width of a square picture. Raises DataError for anything else."""
    if file.problem:
        raise DataError(f"{file.name} of {path} cannot be used: {file.problem}.")
    try:
        height, width = decode(file.data).shape[:2]
    except DataError as error:
        raise DataError(f"{file.name} of {path} is not a picture: {error}.") from None
    if width != height:
        raise DataError(f"Pictures to measure must be square ({file.name} of {path} is {width}x{height}).")
    return int(width)


def _chosen(count: int, wanted: int) -> NDArray[np.int64]:
    """Positions of `wanted` of `count` pictures, drawn with seed 0, in ascending order."""
    return np.sort(positions(count, min(count, wanted), 0, 0))
