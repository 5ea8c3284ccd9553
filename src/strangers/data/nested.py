"""Archives that hold all photographs of a folder or of another archive, as download services pack them."""

from __future__ import annotations

import re
import shutil
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp

from strangers.data.annotations import ATTRIBUTES, IDENTITY, PARTITION, Labels
from strangers.data.archives import Tar, Zip
from strangers.data.containers import (
    ARCHIVE_SUFFIXES,
    Container,
    File,
    Wanted,
    is_picture,
)
from strangers.data.folders import Folder
from strangers.data.metadata import METADATA


def open_archive(path: Path) -> Zip | Tar:
    """Open the archive at `path`, by its suffix. Raises DataError."""
    return Zip(path) if path.name.lower().endswith(".zip") else Tar(path)


def unnested(outer: Folder | Zip | Tar) -> Container:
    """Return the archive within `outer` if it is the only one and no picture lies beside it, else `outer`.

    Raises DataError if the archive cannot be read.
    """
    archives = [name for name in outer.omitted() if name.lower().endswith(ARCHIVE_SUFFIXES)]
    if len(archives) != 1 or any(map(is_picture, outer.names())):
        return outer
    return Nested(outer, archives[0])


class Nested(Container):
    """The photographs of the archive `name` within a folder or archive, with the tables of both.

    An archive within an archive is unpacked to a temporary file for as long as this object lives.
    """

    def __init__(self, outer: Folder | Zip | Tar, name: str) -> None:
        self._outer = outer
        self._name = name
        if isinstance(outer, Folder):
            path = outer.path / name
        else:
            unpacked = mkdtemp(prefix="strangers-")
            weakref.finalize(self, shutil.rmtree, unpacked, ignore_errors=True)
            # A name that any disk accepts, with the suffix that tells the kind.
            path = Path(unpacked) / re.sub(r"[^\w.-]", "_", PurePosixPath(name).name)[-50:]
            with path.open("wb") as file:
                outer.extract(name, file)
        self._inner = open_archive(path)

    @property
    def place(self) -> str:
        """Absolute path of the outer container."""
        return self._outer.place

    def names(self) -> list[str]:
        """Return the names of the candidates in the inner archive."""
        return self._inner.names()

    def files(self, wanted: Wanted) -> Iterator[File]:
        """Yield the wanted candidates."""
        yield from self._inner.files(wanted)  # while it lives, so does the unpacked archive

    def tables(self) -> dict[str, bytes]:
        """Return the tables of the inner archive, and of each kind that it lacks the outer one's."""
        found = self._inner.tables()
        for kind in (ATTRIBUTES, PARTITION, IDENTITY, METADATA):
            if not any(PurePosixPath(name).name in kind for name in found):
                outer = self._outer.tables()
                found |= {name: data for name, data in outer.items() if PurePosixPath(name).name in kind}
        return found

    def omitted(self) -> Mapping[str, str]:
        """Return what is left out of both, and the files beside the inner archive."""
        beside = dict.fromkeys(self._outer.names(), "beside the archive that holds the photographs")
        outer = {name: reason for name, reason in self._outer.omitted().items() if name != self._name}
        return {**beside, **outer, **self._inner.omitted()}

    def labels(self) -> Labels | None:
        """Return nothing: archives hold tables only."""
        return None
