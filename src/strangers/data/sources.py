"""Where photographs come from: a folder, an archive, a data set of the Hugging Face hub, or a pencil."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from strangers.data import decode, hub
from strangers.data.annotations import SPLITS, Annotations, read_annotations, stem
from strangers.data.archives import Container, File, Folder, Tar, Zip
from strangers.data.crops import Crop, default_crop
from strangers.data.synthetic import faces as synthetic
from strangers.errors import DataError, UsageError

TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
DRAWN = 20_000
"""Faces that `synthetic` draws unless told how many."""

CHUNK_FILES = 64
CHUNK_BYTES = 2**23


class JobResult(NamedTuple):
    """What one job made: a problem for every name, "" where there is none, and the images of those.

    attributes, int8 (images, k), only where the job knows them. originals: width x height of each image's
    photograph, as in "178x218"; none of what was drawn.
    """

    names: list[str]
    problems: list[str]
    images: NDArray[np.uint8]
    attributes: NDArray[np.int8] | None = None
    originals: tuple[str, ...] = ()


class Job(Protocol):
    """A few images' worth of work, that can be sent to another process."""

    def run(self, size: int, crop: Crop) -> JobResult:
        """Do it: images uint8 (n, size, size, 3)."""


class Source(Protocol):
    """Photographs in a fixed order, and what is known about them.

    Attributes:
        filter: name of the resize filter.
        annotations: what tables say about the photographs.
        count: number of files that may be photographs.
    """

    filter: str
    annotations: Annotations
    count: int

    def default_crop(self) -> str: ...
    def jobs(self) -> Iterator[Job]: ...


@dataclass(frozen=True)
class Photographs:
    """A job: files to decode, crop and resize."""

    files: list[File] = field(default_factory=list)

    def run(self, size: int, crop: Crop) -> JobResult:
        """Decode, crop and resize; a file that cannot be used has a problem instead of an image."""
        images: list[NDArray[np.uint8]] = []
        problems, originals = [], []
        for file in self.files:
            try:
                if file.problem:
                    raise DataError(file.problem)
                images.append(decode.face(file.data, size, crop))
                problems.append("")
                width, height = decode.dimensions(file.data)
                originals.append(f"{width}x{height}")
            except DataError as error:
                problems.append(str(error))
        pixels = np.stack(images) if images else np.zeros((0, size, size, 3), np.uint8)
        return JobResult([file.name for file in self.files], problems, pixels, originals=tuple(originals))


@dataclass(frozen=True)
class Drawings:
    """A job: faces to draw."""

    seeds: range

    def run(self, size: int, crop: Crop) -> JobResult:
        """Draw; a drawing is made at its size, and every crop shows all of it."""
        del crop
        images, attributes = synthetic.draw(self.seeds, size)
        names = [f"{seed:06d}" for seed in self.seeds]
        return JobResult(names, [""] * len(names), images, attributes)


class FileSource:
    """The photographs of a container: all of them, those of one split, or one part of either."""

    filter = decode.FILTER

    def __init__(
        self,
        container: Container,
        annotations: Annotations,
        split: str | None = None,
        part: tuple[int, int] | None = None,
    ) -> None:
        self.annotations = annotations.otherwise(read_annotations(container.tables()))
        self._container = container
        self._split = _split_number(split, self.annotations)
        self._part: Collection[int] | None = None
        names = container.names()
        if part is not None:
            whole = [position for position, name in enumerate(names) if self._in_split(position, name)]
            self._part = frozenset(whole[slice(*bounds(len(whole), part))])
        self.count = sum(map(self._wanted, count(), names))

    def default_crop(self) -> str:
        """The crop that suits the first photograph that can be read: of all parts, so that they agree."""
        for file in self._container.files(self._in_split):
            try:
                return default_crop(*decode.dimensions(file.data))
            except DataError:
                continue
        return "square"  # nothing can be read, which will be told when everything has been tried

    def jobs(self) -> Iterator[Job]:
        """The files in chunks that keep a worker busy and the memory small."""
        files: list[File] = []
        size = 0
        for file in self._container.files(self._wanted):
            files.append(file)
            size += len(file.data)
            if len(files) == CHUNK_FILES or size > CHUNK_BYTES:
                yield Photographs(files)
                files, size = [], 0
        if files:
            yield Photographs(files)

    def _wanted(self, position: int, name: str) -> bool:
        return self._in_split(position, name) if self._part is None else position in self._part

    def _in_split(self, _position: int, name: str) -> bool:
        return self._split is None or self.annotations.splits.get(stem(name)) == self._split


class SyntheticSource:
    """Drawn faces, with exact attributes: the seeds 0, 1, 2, ..."""

    filter = "drawn"

    def __init__(self, count: int, part: tuple[int, int] | None = None) -> None:
        self._seeds = range(count) if part is None else range(*bounds(count, part))
        self.count = len(self._seeds)
        self.annotations = Annotations(names=synthetic.ATTRIBUTES)

    def default_crop(self) -> str:
        """Drawings are square."""
        return "square"

    def jobs(self) -> Iterator[Job]:
        """Seeds in chunks."""
        for start in range(0, len(self._seeds), CHUNK_FILES):
            yield Drawings(self._seeds[start : start + CHUNK_FILES])


def open_source(
    text: str,
    annotations: str | Path | None = None,
    split: str | None = None,
    part: tuple[int, int] | None = None,
) -> Source:
    """The photographs that `text` names, or of those the part k of n, as (k, n), with k from 1.

    Raises UsageError for the words, DataError for the data.
    """
    if text == "synthetic" or text.startswith("synthetic:"):
        if split is not None or annotations is not None:
            raise UsageError("Drawn faces have their own attributes and no splits; leave both options away.")
        return SyntheticSource(_drawn_count(text), part)
    given = Annotations()
    if annotations is not None:
        given = _read_tables(Path(annotations))
    return FileSource(open_container(text), given, split, part)


def bounds(files: int, part: tuple[int, int]) -> tuple[int, int]:
    """Where the part (k, n) of so many files begins and ends: n parts make the whole, none is empty.

    Raises UsageError for a part that there cannot be.
    """
    number, parts = part
    if not 1 <= number <= parts:
        raise UsageError(
            f"The parts of {parts} are numbered from 1 to {parts}; there is no {number}/{parts}."
        )
    if parts > files:
        raise UsageError(f"{files:,} files cannot be divided into {parts:,} parts.")
    return (number - 1) * files // parts, number * files // parts


def open_container(text: str) -> Container:
    """What holds the files that `text` names. Raises UsageError, DataError."""
    if text.startswith("hf:"):
        folder = hub.fetch(text.removeprefix("hf:"))
        return _in_folder(folder)
    path = Path(text)
    if path.is_dir() and text:
        return Folder(path)
    if not path.exists() or not text:
        raise UsageError(
            f"There is no file or folder {text!r}. Photographs come from a folder, a .zip, a .tar, "
            "hf:OWNER/NAME or synthetic[:N]."
        )
    if path.name.lower().endswith(".zip"):
        return Zip(path)
    if path.name.lower().endswith(TARS):
        return Tar(path)
    raise UsageError(f"The file {text} is neither a folder nor an archive; give a folder, a .zip or a .tar.")


def _in_folder(folder: Path) -> Container:
    """What a data set of the hub keeps its pictures in: parquet files, one archive, or plain files."""
    if any(folder.rglob("*.parquet")):
        return hub.Parquet(folder)
    archives = [path for path in sorted(folder.rglob("*")) if path.name.lower().endswith((".zip", *TARS))]
    if len(archives) == 1:
        return open_container(str(archives[0]))
    return Folder(folder)


def _read_tables(path: Path) -> Annotations:
    """The tables at `path`: a folder or an archive that holds some, or one of them."""
    if path.is_file() and not path.name.lower().endswith((".zip", *TARS)):
        tables = {path.name: path.read_bytes()}
    else:
        tables = open_container(str(path)).tables()
    found = read_annotations(tables)
    if not found.names and not found.splits:
        raise DataError(
            f"There is neither list_attr_celeba nor list_eval_partition, as .txt or .csv, in {path}."
        )
    return found


def _drawn_count(text: str) -> int:
    match = re.fullmatch(r"synthetic(?::([1-9]\d{0,7}))?", text)
    if match is None:
        raise UsageError(f"A number of faces to draw is written like synthetic:5000, not {text!r}.")
    return int(match[1] or DRAWN)


def _split_number(split: str | None, annotations: Annotations) -> int | None:
    if split is None:
        return None
    if split not in SPLITS:
        raise UsageError(f"There is no split {split!r}; the splits are {', '.join(SPLITS)}.")
    if not annotations.splits:
        raise DataError(
            f"--split {split} needs list_eval_partition.txt (or .csv) beside the photographs, "
            "or where --annotations says; it was not found."
        )
    return SPLITS[split]
