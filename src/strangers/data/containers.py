"""Containers of photographs: the interface that folders, archives and data sets of the hub share."""

from __future__ import annotations

import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from strangers.data.annotations import ATTRIBUTES, IDENTITY, PARTITION, Labels, is_table
from strangers.data.tables import PICTURE_SUFFIXES
from strangers.errors import DataError
from strangers.system.files import SYSTEM_FILES

MAX_FILE_BYTES = 2**27
"""134 million: larger than any photograph that `decode` accepts."""

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
ARCHIVE_SUFFIXES = (".zip", *TAR_SUFFIXES)
UNREAD_ARCHIVE_SUFFIXES = (".7z", ".rar", ".tar.zst", ".tzst", ".001", ".002", ".003", ".z01")

UNUSED_TABLE = "a table, not a photograph; name it with --annotations to use it"
"""Why a table that labels nothing is left out."""

Wanted = Callable[[int, str], bool]
"""Return whether to read the candidate at this position with this name."""


@dataclass(frozen=True)
class File:
    """One file of a source.

    Attributes:
        name: its path within the source, with forward slashes.
        data: its bytes; empty if there is a problem.
        problem: why it cannot be read, as a clause; empty if it can.
    """

    name: str
    data: bytes = field(repr=False)
    problem: str = ""


class Container(ABC):
    """Files that may be photographs. It can be read any number of times, always in the same order."""

    @property
    @abstractmethod
    def place(self) -> str:
        """Path of the folder that the names are relative to; tables may name its folders too."""

    @abstractmethod
    def names(self) -> list[str]:
        """Return the names of the candidates: the files that may be photographs."""

    @abstractmethod
    def files(self, wanted: Wanted) -> Iterator[File]:
        """Yield the wanted candidates."""

    @abstractmethod
    def tables(self) -> dict[str, bytes]:
        """Return CelebA's tables in the container, or else around it, by path."""

    def omitted(self) -> Mapping[str, str]:
        """Return the reason, by name, for everything that is left out though it is no candidate."""
        return {}

    def labels(self) -> Labels | None:
        """Return attributes and splits that the container itself holds, row i for candidate i."""
        return None

    def __iter__(self) -> Iterator[File]:
        return self.files(lambda _position, _name: True)


def is_candidate(name: str) -> bool:
    """Return whether a file of this name may be a photograph: not a table, hidden, or a system's leftover."""
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith(".") or part in SYSTEM_FILES for part in parts)
    return not hidden and not is_table(name)


def is_picture(name: str) -> bool:
    """Return whether a file's name ends as those of pictures do."""
    return PurePosixPath(name).suffix.lower() in PICTURE_SUFFIXES


def is_archive(name: str) -> bool:
    """Return whether a file's name ends as those of archives do, read ones and others."""
    return name.lower().endswith((*ARCHIVE_SUFFIXES, *UNREAD_ARCHIVE_SUFFIXES))


def left_out(name: str) -> str | None:
    """Return why a candidate of this name is no photograph, or None: it is an archive or a table."""
    if is_archive(name):
        return "an archive among other files; unpack it, or name it as the source"
    if PurePosixPath(name).suffix.lower() in {".csv", ".jsonl", ".tsv"}:
        return UNUSED_TABLE
    return None


def too_large(size: int) -> str:
    """Return the problem of a file of more than MAX_FILE_BYTES."""
    return f"too large for a photograph: {size} bytes"


def read_from_disk(path: Path, name: str) -> File:
    """Read a file, or return its problem."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return File(name, b"", "not a regular file")
        if status.st_size > MAX_FILE_BYTES:
            return File(name, b"", too_large(status.st_size))
        return File(name, path.read_bytes())
    except OSError as error:
        return File(name, b"", f"cannot be read: {error.strerror}")


def tables_around(folder: Path) -> list[list[Path]]:
    """Return CelebA's tables around pictures that are in `folder`, nearest first.

    Searched are the folder itself, then `Anno` and `Eval` in it, and, from an `Img` folder, those beside it,
    as CelebA's authors ship it.
    """
    near = Path(os.path.abspath(folder))
    levels = [[near], [near / "Anno", near / "Eval"]]
    if near.name.lower() in {"img", "imgs"}:
        levels.append([near.parent, near.parent / "Anno", near.parent / "Eval"])
    return [
        [
            place / name
            for place in level
            for name in ATTRIBUTES + PARTITION + IDENTITY
            if os.path.isfile(place / name)
        ]
        for level in levels
    ]


def nearest_tables(inside: Mapping[str, bytes], around: list[list[Path]]) -> dict[str, bytes]:
    """Return the tables inside a container, and of each kind that it lacks those of the nearest level.

    Raises DataError for a table that cannot be read.
    """
    found = dict(inside)
    for kind in (ATTRIBUTES, PARTITION, IDENTITY):
        if any(PurePosixPath(name).name in kind for name in inside):
            continue
        for level in around:
            nearest = {path.as_posix(): _read_table(path) for path in level if path.name in kind}
            found.update(nearest)
            if nearest:
                break
    return found


def _read_table(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"The table {path} cannot be read: {error.strerror}.") from None
