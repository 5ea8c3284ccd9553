"""Sources of pictures: folders, archives, data sets of the Hugging Face hub, and drawn faces."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from strangers.data import decode, hub
from strangers.data.annotations import (
    NO_SPLIT,
    SPLITS,
    Annotations,
    Labels,
    read_annotations,
    read_table,
)
from strangers.data.containers import (
    ARCHIVE_SUFFIXES,
    UNUSED_TABLE,
    Container,
    File,
    is_picture,
    tables_around,
)
from strangers.data.folders import Folder
from strangers.data.hold_out import HoldOut, hold_out
from strangers.data.jobs import Drawings, Job, Photographs, is_generated
from strangers.data.nested import open_archive, unnested
from strangers.data.parts import fingerprint, part_bounds
from strangers.data.synthetic import faces as synthetic
from strangers.errors import DataError, UsageError

DEFAULT_SYNTHETIC_FACES = 20_000
"""Faces that `synthetic` draws without a number."""

JOB_FILES = 64
JOB_BYTES = 2**23
"""A job has at most so many files or bytes, to keep a worker busy and the memory small."""

MAX_DECORATIONS = 10
"""Pictures beside parquet files up to which these are taken for the photographs."""

INSPECTED_FILES = 32
"""Files by which a source of generated pictures is told from one of photographs."""


class Source(Protocol):
    """Pictures in a fixed order, and their attributes.

    Attributes:
        filter: name of the resize filter.
        attributes: names of the attributes; empty without any.
        count: number of files that the jobs have together, used or skipped.
        listing: SHA-256 of the names and labels of all files, those of other parts included; parts belong
            together only if they were cut from the same listing.
    """

    filter: str
    attributes: tuple[str, ...]
    count: int
    listing: str

    def jobs(self) -> Iterator[Job]: ...

    def hold_out(self, share: float) -> HoldOut: ...


class FileSource:
    """The photographs of a container: all of them, those of one split, or one part of either.

    What the container leaves out, and files without a split, are files with a problem.
    """

    filter = decode.FILTER

    def __init__(
        self,
        container: Container,
        annotations: Annotations,
        split: str | None = None,
        part: tuple[int, int] | None = None,
    ) -> None:
        self._container = container
        candidates, given = container.names(), bool(annotations.names)
        annotations = annotations.or_else(read_annotations(container.tables()))
        omitted = {**container.omitted(), **dict.fromkeys(annotations.unused, UNUSED_TABLE)}
        self._names = [*candidates, *omitted]
        self._problems = dict(enumerate(omitted.values(), start=len(candidates)))
        labels = _labels(container, annotations, candidates)
        if given and candidates and not labels.values.any():
            raise DataError(
                f"The table {annotations.attribute_table.name} labels none of the {len(candidates):,} files: "
                f"its first row names {annotations.attribute_table.pictures[0]!r}, the first file is "
                f"{candidates[0]!r}. Name pictures by file name or relative path."
            )
        self.attributes = labels.names
        self._values = labels.values
        self._annotations = annotations
        chosen = np.ones(len(self._names), bool)
        if split is not None:
            splits = _splits(split, labels)
            unlisted = np.flatnonzero(splits == NO_SPLIT).tolist()
            self._problems |= dict.fromkeys(unlisted, "the partition table has no row for it")
            chosen[: len(candidates)] = np.isin(splits, (SPLITS[split], NO_SPLIT))
        self._all_parts: list[int] = np.flatnonzero(chosen).tolist()
        self.listing = fingerprint((self._names[position] for position in self._all_parts), labels)
        self._positions = self._all_parts
        if part is not None:
            self._positions = self._all_parts[slice(*part_bounds(len(self._all_parts), part))]
        self.count = len(self._positions)

    def jobs(self) -> Iterator[Job]:
        """Yield the files in jobs of JOB_FILES files or JOB_BYTES bytes."""
        accept_generated = self._is_generated()
        files: list[File] = []
        start = size = 0
        for number, file in enumerate(self._read(self._positions), start=1):
            files.append(file)
            size += len(file.data)
            if len(files) == JOB_FILES or size > JOB_BYTES or number == self.count:
                yield Photographs(files, self._attributes_of(start, number), accept_generated)
                files, start, size = [], number, 0

    def hold_out(self, share: float) -> HoldOut:
        """Return the rule by which that share of the photographs is held out. Raises UsageError."""
        candidates = self._container.names()
        return hold_out(share, candidates, self._annotations.people_of(candidates, self._container.place))

    def _attributes_of(self, start: int, end: int) -> NDArray[np.int8] | None:
        """Return the attributes of some of this source's files; what is left out has none."""
        if not self.attributes:
            return None
        rows = np.array(self._positions[start:end])
        padded = np.zeros((len(rows), len(self.attributes)), np.int8)
        known = rows < len(self._values)
        padded[known] = self._values[rows[known]]
        return padded

    def _read(self, positions: Sequence[int]) -> Iterator[File]:
        """Yield the files at `positions`, which ascend. Raises DataError if the container has changed."""
        read = frozenset(position for position in positions if position not in self._problems)
        files = self._container.files(lambda position, _name: position in read)
        for position in positions:
            name = self._names[position]
            if position in self._problems:
                yield File(name, b"", self._problems[position])
                continue
            file = next(files, None)
            if file is None or file.name != name:
                raise DataError(f"The source has changed while it was read, at {name}; start again.")
            yield file

    def _is_generated(self) -> bool:
        """Return whether the source is a set of pictures that this program generated, judged by some."""
        readable = [position for position in self._all_parts if position not in self._problems]
        step = max(1, len(readable) // INSPECTED_FILES)
        return all(is_generated(file.data) for file in self._read(readable[::step]))


class SyntheticSource:
    """Drawn faces, with exact attributes: the seeds 0, 1, 2, ..."""

    filter = "drawn"

    def __init__(self, count: int, part: tuple[int, int] | None = None) -> None:
        self._seeds = range(count) if part is None else range(*part_bounds(count, part))
        self.count = len(self._seeds)
        self.attributes = synthetic.ATTRIBUTES
        self.listing = fingerprint([f"synthetic:{count}"])

    def jobs(self) -> Iterator[Job]:
        """Yield the seeds in jobs of JOB_FILES."""
        for start in range(0, len(self._seeds), JOB_FILES):
            yield Drawings(self._seeds[start : start + JOB_FILES])

    def hold_out(self, share: float) -> HoldOut:
        """Return the rule by which that share of the faces is held out. Raises UsageError."""
        return hold_out(share, [], {})


def open_source(
    text: str,
    annotations: str | Path | None = None,
    split: str | None = None,
    part: tuple[int, int] | None = None,
) -> Source:
    """Open the source that `text` names.

    annotations: a table of any name, or a folder or archive that holds CelebA's tables.
    split: "train", "val" or "test".
    part: (k, n) for the k-th of n equal parts, k from 1.

    Raises UsageError for the arguments, DataError for the data.
    """
    if text == "synthetic" or text.startswith("synthetic:"):
        if split is not None or annotations is not None:
            raise UsageError("Drawn faces have their own attributes and no splits; leave both options out.")
        return SyntheticSource(_synthetic_count(text), part)
    given = Annotations()
    if annotations is not None:
        given = _read_tables(Path(annotations))
    return FileSource(open_container(text), given, split, part)


def inputs(text: str) -> list[Path]:
    """Return every path on the disk that a source is read from, tables included.

    Raises the errors of `open_container`.
    """
    if text.startswith("hf:"):
        return sorted(path for path in hub.fetch(text.removeprefix("hf:")).rglob("*") if path.is_file())
    path = Path(text)
    if path.is_dir():
        return Folder(path).inputs()
    around = tables_around(path.parent) if path.exists() else []
    return [path, *(table for level in around for table in level)] if path.exists() else []


def open_container(text: str) -> Container:
    """Open what holds the files that `text` names. Raises UsageError, DataError."""
    if text.startswith("hf:"):
        return _open_folder(hub.fetch(text.removeprefix("hf:")))
    path = Path(text)
    if path.is_dir() and text:
        return _open_folder(path)
    if not path.exists() or not text:
        raise UsageError(
            f"There is no file or folder {text!r}. Photographs come from a folder, a .zip, a .tar, "
            "hf:OWNER/NAME or synthetic[:N]."
        )
    if path.name.lower().endswith(ARCHIVE_SUFFIXES):
        return unnested(open_archive(path))
    raise DataError(f"{text} is neither a folder nor an archive; pass a folder, a .zip or a .tar.")


def _open_folder(path: Path) -> Container:
    """Open what a folder keeps its pictures in: parquet files, plain files, or one archive."""
    folder = Folder(path)
    pictures = [name for name in folder.names() if is_picture(name)]
    shards = [name for name in folder.names() if hub.is_parquet(name)]
    if len(pictures) <= MAX_DECORATIONS and shards:
        omitted = dict.fromkeys(pictures, "beside parquet files, which hold the photographs")
        return hub.Parquet(path, shards, {**omitted, **folder.omitted()})
    return unnested(folder)


def _labels(container: Container, annotations: Annotations, pictures: Sequence[str]) -> Labels:
    """Return the labels of the pictures: from tables, or from the container's columns."""
    own = container.labels()
    values, splits = np.zeros((len(pictures), 0), np.int8), None
    names = annotations.names
    if names:
        values = annotations.attributes_of(pictures, container.place)
    elif own is not None:
        names, values = own.names, own.values
    if len(annotations.splits):
        splits = annotations.splits_of(pictures, container.place)
    elif own is not None:
        splits = own.splits
    return Labels(names, values, splits)


def _splits(split: str, labels: Labels) -> NDArray[np.int8]:
    """Return the pictures' splits. Raises UsageError for an unknown split, DataError without a table."""
    if split not in SPLITS:
        raise UsageError(f"There is no split {split!r}; the splits are {', '.join(SPLITS)}.")
    if labels.splits is None:
        raise DataError(
            f"--split {split} needs list_eval_partition.txt (or .csv) beside the photographs, or a table of "
            "splits that --annotations names; none was found."
        )
    return labels.splits


def _read_tables(path: Path) -> Annotations:
    """Read the tables at `path`: a file, or those in a folder or archive. Raises UsageError, DataError."""
    if path.is_file() and not path.name.lower().endswith(ARCHIVE_SUFFIXES):
        return read_table(path.name, path.read_bytes())
    container = open_container(str(path))
    found = read_annotations(container.tables())
    if not found.names and not len(found.splits):
        raise DataError(
            f"{path} holds neither list_attr_celeba nor list_eval_partition, as .txt or .csv; name the table "
            "itself if it has another name."
        )
    return found


def _synthetic_count(text: str) -> int:
    match = re.fullmatch(r"synthetic(?::([1-9]\d{0,7}))?", text)
    if match is None:
        raise UsageError(f"{text!r} is not a number of faces to draw; write it as synthetic:5000.")
    return int(match[1] or DEFAULT_SYNTHETIC_FACES)
