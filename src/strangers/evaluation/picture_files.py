"""Pictures in files that any program wrote: a folder, .zip or .tar, or an array."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strangers.data.array_file import ArrayFile
from strangers.data.containers import Container, File, is_picture
from strangers.data.decode import decode
from strangers.data.skipped import count_reasons, shorten
from strangers.errors import DataError
from strangers.evaluation.facts import PictureFacts, Protocol
from strangers.evaluation.features import EXTRACTION_BATCH, MAX_KEPT_FEATURES, picture_order
from strangers.images import Pixels
from strangers.system.streams import open_regular_file

ARRAY_SUFFIXES = (".npy", ".npz")

NO_PICTURE = "not named as a picture"


@dataclass(frozen=True)
class PictureFiles:
    """Pictures in files.

    Attributes:
        facts: description for the result.
        batches: yields `n` of the pictures as uint8 (b, size, size, 3).
        left_out: sentence on the files that are not measured; empty if all are.
    """

    facts: PictureFacts
    batches: Callable[[int], Iterator[Pixels]]
    left_out: str = ""


def open_array(path: Path) -> PictureFiles:
    """Open the only array of pictures in an .npy or .npz file. Raises DataError."""
    images, sha256 = _read_array(path)
    count, size = images.shape[:2]
    facts = PictureFacts(
        path=str(path),
        hash=sha256[:16],
        count=count,
        protocol=Protocol(crop=None, size=size, filter=None, format=None),
    )

    def batches(chosen: int) -> Iterator[Pixels]:
        which = picture_order(count, chosen)
        for start in range(0, len(which), EXTRACTION_BATCH):
            batch = which[start : start + EXTRACTION_BATCH]
            yield images.rows(batch) if isinstance(images, ArrayFile) else images[batch]

    return PictureFiles(facts, batches)


def _read_array(path: Path) -> tuple[Pixels | ArrayFile, str]:
    """Return the only array of pictures in a file, and the file's SHA-256. Raises DataError.

    The hash and the pictures are of the same open file, whatever takes its name meanwhile.
    """
    arrays: dict[str, NDArray[Any]] | dict[str, ArrayFile]
    try:
        if path.suffix.lower() == ".npy":
            array = ArrayFile(path)
            arrays, sha256 = {path.name: array}, array.sha256()
        else:
            with open_regular_file(path) as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                with zipfile.ZipFile(file), np.load(file, allow_pickle=False) as archive:
                    arrays = dict(archive)
    # The exceptions that numpy raises on a damaged header have no common base.
    except Exception as error:
        raise DataError(f"Cannot read {path}: {error}. It may be truncated.") from None
    images = [array for array in arrays.values() if _are_pictures(array)]
    if len(images) != 1:
        shapes = ", ".join(f"{name} {array.dtype} {array.shape}" for name, array in arrays.items())
        raise DataError(
            f"{path} must hold one array of pictures, uint8 (n, size, size, 3) (got {shapes or 'none'})."
        )
    if images[0].shape[0] == 0:
        raise DataError(f"{path} has no pictures.")
    return images[0], sha256


def _are_pictures(array: NDArray[Any] | ArrayFile) -> bool:
    shape = array.shape
    return array.dtype == np.uint8 and len(shape) == 4 and shape[1] == shape[2] and shape[3] == 3


def open_files(path: Path, container: Container) -> PictureFiles:
    """Open the pictures of a folder or an archive. Raises DataError for unusable ones, by name."""
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
        formats.add("JPEG" if file.data.startswith(b"\xff\xd8\xff") else "other")
        digest.update(f"{file.name}\0{len(file.data)}\0".encode(errors="surrogateescape") + file.data)
    if not names:
        raise DataError(f"{path} has no pictures.")
    facts = PictureFacts(
        path=str(path),
        hash=digest.hexdigest()[:16],
        count=len(names),
        protocol=Protocol(crop=None, size=size, filter=None, format="JPEG" if "JPEG" in formats else None),
    )

    def batches(count: int) -> Iterator[Pixels]:
        batch: list[Pixels] = []
        for part in np.split(picture_order(len(names), count), [MAX_KEPT_FEATURES]):
            which = {names[position] for position in part.tolist()}
            for file in _named(container, which):
                batch.append(decode(file.data))
                if len(batch) == EXTRACTION_BATCH:
                    yield np.stack(batch)
                    batch = []
        if batch:
            yield np.stack(batch)

    return PictureFiles(facts, batches, _left_out(path, container))


def _left_out(path: Path, container: Container) -> str:
    """Return a sentence on the files that are no pictures by their names, or that the container omits."""
    other = dict.fromkeys((name for name in container.names() if not is_picture(name)), NO_PICTURE)
    reasons = other | dict(container.omitted())
    if not reasons:
        return ""
    counts = count_reasons(reasons.values()).items()
    why = "; ".join(f"{count:,} x {shorten(reason)}" for reason, count in counts)
    return f"{path} has files that are not measured ({why}), such as {shorten(next(iter(reasons)))}."


def _named(container: Container, names: set[str]) -> Iterator[File]:
    """Yield the files of these names; an archive is not read for none."""
    if names:
        yield from container.files(lambda _, name: name in names)


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
