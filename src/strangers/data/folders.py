"""Folders of photographs: all files below them, through links, except the program's own folders."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from strangers.data.annotations import is_annotation
from strangers.data.containers import (
    Container,
    File,
    Wanted,
    is_archive,
    is_candidate,
    left_out,
    nearest_tables,
    read_from_disk,
    tables_around,
)
from strangers.errors import DataError

OWN_FOLDERS = {
    "a prepared set": ({"manifest.json", "images.npy"},),
    "a training run": ({"run.json", "recipe.json"}, {"run.json", "checkpoints"}, {"run.json", "log.jsonl"}),
}
"""Folders that the program writes, by the files that identify them."""


class Folder(Container):
    """The files of a folder and of the folders in it, sorted by name.

    Links to folders are followed; every folder is read once, under its own name where it has one in the
    tree. Raises DataError if the folder itself cannot be read, or is a run or a prepared set.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._names: list[str] = []
        self._tables: list[str] = []
        self._omitted: dict[str, str] = {}
        self._links: list[str] = []
        self._seen: dict[tuple[int, int], str] = {}
        self._walk("")
        while self._links:
            self._follow(self._links.pop(0))
        self._names.sort()
        self._around = tables_around(path) + tables_around(Path(self.place).parent)

    def _walk(self, top: str) -> None:
        """Read a folder and the folders in it; links to folders are kept for later."""
        pending = [top]
        while pending:
            name = pending.pop()
            try:
                status = os.stat(self.path / name)
                entries = sorted(os.scandir(self.path / name), key=lambda entry: entry.name)
            except OSError as error:
                self._leave_out_folder(name, error)
                continue
            self._seen[status.st_dev, status.st_ino] = name
            own = _own_folder({entry.name for entry in entries})
            if own is not None and not name:
                raise DataError(f"{self.path} is {own}, not a source of photographs; name another folder.")
            if own is not None:
                self._omitted[name] = f"{own}, not photographs"
                continue
            for entry in entries:
                path = f"{name}/{entry.name}" if name else entry.name
                if not _is_folder(entry):
                    self._sort(path)
                elif not is_candidate(entry.name):
                    continue
                elif entry.is_symlink():
                    self._links.append(path)
                else:
                    pending.append(path)

    def _follow(self, link: str) -> None:
        """Read the folder that a link points to, unless it was read already."""
        try:
            status = os.stat(self.path / link)
        except OSError as error:
            self._leave_out_folder(link, error)
            return
        seen = self._seen.get((status.st_dev, status.st_ino))
        if seen is None:
            self._walk(link)
        else:
            self._omitted[link] = f"a link to a folder that is read already: {seen or 'the source itself'}"

    def _leave_out_folder(self, name: str, error: OSError) -> None:
        if not name:
            raise DataError(f"The folder {self.path} cannot be read: {error.strerror}.") from None
        self._omitted[name] = f"the folder cannot be read: {error.strerror}"

    def _sort(self, name: str) -> None:
        """Put a file among the candidates, the tables, or what is omitted."""
        if is_annotation(name):
            self._tables.append(name)
        elif not is_candidate(name):
            return
        elif reason := left_out(name):
            self._omitted[name] = reason
        else:
            self._names.append(name)

    @property
    def place(self) -> str:
        """Absolute path of the folder."""
        return os.path.abspath(self.path)

    def names(self) -> list[str]:
        """Return the names of the candidates."""
        return self._names

    def files(self, wanted: Wanted) -> Iterator[File]:
        """Yield the wanted candidates, by name."""
        for position, name in enumerate(self._names):
            if wanted(position, name):
                yield read_from_disk(self.path / name, name)

    def tables(self) -> dict[str, bytes]:
        """Return CelebA's tables in the folder, or else around it."""
        inside = {}
        for name in self._tables:
            file = read_from_disk(self.path / name, name)
            if file.problem:
                raise DataError(f"The table {self.path / name} cannot be used: {file.problem}.")
            inside[name] = file.data
        return nearest_tables(inside, self._around)

    def inputs(self) -> list[Path]:
        """Return the folder's files, and the tables around it."""
        inside = [*self._names, *self._tables, *(n for n in self._omitted if is_archive(n))]
        around = [path for level in self._around for path in level]
        return list(dict.fromkeys([*(Path(self.place) / name for name in inside), *around]))

    def omitted(self) -> Mapping[str, str]:
        """Return what is left out: folders that cannot be read, own folders, archives, links in circles."""
        return dict(sorted(self._omitted.items()))


def _own_folder(names: set[str]) -> str | None:
    """Return what kind of folder of this program has files of these names, or None."""
    for kind, marks in OWN_FOLDERS.items():
        if any(mark <= names for mark in marks):
            return kind
    return None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
