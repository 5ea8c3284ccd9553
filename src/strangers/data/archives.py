"""Zip and tar archives as streams of files."""

from __future__ import annotations

import os
import posixpath
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from strangers.data.annotations import is_annotation
from strangers.data.archive_safety import dangling_link, link_target, readable, refuse_bomb, refuse_outside
from strangers.data.containers import (
    ARCHIVE_SUFFIXES,
    MAX_FILE_BYTES,
    Container,
    File,
    Wanted,
    is_candidate,
    left_out,
    nearest_tables,
    tables_around,
    too_large,
)
from strangers.data.tar_header import TarHeader, check_end
from strangers.errors import DataError

ENCRYPTED = 1
"""Bit of a zip member's flags."""

REPLACED = "a later member of the archive has the same name, and replaces it"

MAX_LINK_BYTES = 2**12
"""Length of the path that a link points to."""


class Zip(Container):
    """The members of a zip archive, in its order. Raises DataError if it cannot be read or is refused."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._candidates: list[tuple[str, zipfile.ZipInfo]] = []
        self._tables: dict[str, zipfile.ZipInfo] = {}
        self._archives: dict[str, zipfile.ZipInfo] = {}
        self._omitted: dict[str, str] = {}
        with readable(path), zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            refuse_bomb(path, sum(member.file_size for member in members))
            for member in members:
                self._sort(archive, member)
        last = dict(self._candidates)
        self._omitted |= {name: REPLACED for name, member in self._candidates if member is not last[name]}
        self._candidates = [(name, member) for name, member in self._candidates if member is last[name]]

    def _sort(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
        """Put a member among the candidates, the tables, or what is omitted."""
        refuse_outside(self.path, member.filename)
        name = member_name(member.filename)
        if member.filename.endswith(("/", "\\")):
            return
        if stat.S_ISLNK(member.external_attr >> 16):
            target = _read_member(archive, member, name).data if member.file_size < MAX_LINK_BYTES else b""
            self._resolve(archive, name, target.decode(errors="replace"))
        elif is_annotation(name):
            self._tables[name] = member
        elif is_candidate(name) and (reason := left_out(name)):
            self._archives[name] = member
            self._omitted[name] = reason
        elif is_candidate(name):
            self._candidates.append((name, member))

    def _resolve(self, archive: zipfile.ZipFile, name: str, target: str) -> None:
        """Let a symbolic link stand for the member that it points to, or omit it."""
        if not is_candidate(name):
            return
        member = archive.NameToInfo.get(link_target(name, target))
        if member is None or member.is_dir() or stat.S_ISLNK(member.external_attr >> 16):
            self._omitted[name] = dangling_link(target)
        else:
            self._candidates.append((name, member))

    @property
    def place(self) -> str:
        """Absolute path of the archive without its suffix."""
        return _place(self.path)

    def names(self) -> list[str]:
        """Return the names of the candidates."""
        return [name for name, _ in self._candidates]

    def files(self, wanted: Wanted) -> Iterator[File]:
        """Yield the wanted candidates in the archive's order; the others are not read."""
        with readable(self.path), zipfile.ZipFile(self.path) as archive:
            for position, (name, member) in enumerate(self._candidates):
                if wanted(position, name):
                    yield _read_member(archive, member, name)

    def tables(self) -> dict[str, bytes]:
        """Return CelebA's tables in the archive, and those around it that it lacks."""
        with readable(self.path), zipfile.ZipFile(self.path) as archive:
            inside = {name: _read_member(archive, member, name) for name, member in self._tables.items()}
        for name, file in inside.items():
            if file.problem:
                raise DataError(f"The table {name} in {self.path} cannot be used: {file.problem}.")
        return nearest_tables({n: file.data for n, file in inside.items()}, tables_around(self.path.parent))

    def omitted(self) -> Mapping[str, str]:
        """Return what is left out: archives, and links to what is not in the archive."""
        return self._omitted

    def extract(self, name: str, file: BinaryIO) -> None:
        """Copy the archive `name`, one of those omitted, to a file. Raises DataError."""
        with (
            readable(self.path),
            zipfile.ZipFile(self.path) as archive,
            archive.open(self._archives[name]) as stream,
        ):
            shutil.copyfileobj(stream, file)


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> File:
    """Read a member, or return its problem."""
    if member.file_size > MAX_FILE_BYTES:
        return File(name, b"", too_large(member.file_size))
    try:
        # Reads no more than the size that was just checked.
        with archive.open(member) as stream:
            return File(name, stream.read(member.file_size))
    except RuntimeError as error:
        if member.flag_bits & ENCRYPTED:
            return File(name, b"", "encrypted in the archive; unpack it with its password")
        return File(name, b"", f"damaged in the archive: {error}")
    # What damage does to the decompressors has no common base.
    except Exception as error:
        return File(name, b"", f"damaged in the archive: {error}")


class Tar(Container):
    """The members of a tar archive, compressed or not, in its order; read as a stream, from front to back.

    A link is read together with the file that it points to. Raises DataError as Zip does.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tables: dict[str, bytes] = {}
        self._omitted: dict[str, str] = {}
        # What each name stands for: the number of a member, or the name that a link points to.
        self._numbers: dict[str, int] = {}
        self._links: dict[str, str] = {}
        self._pictures: dict[str, None] = {}
        with readable(path), tarfile.open(path, "r:*", tarinfo=TarHeader) as archive:
            for number, member in enumerate(self._members(archive)):
                self._sort(archive, number, member)
            check_end(archive)
        # The names of the candidates that each member is, by the member's number.
        self._candidates = self._resolved()

    def _members(self, archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
        """Yield the members, and keep none."""
        unpacked = 0
        while (member := archive.next()) is not None:
            if member.size < 0 or archive.offset < member.offset_data:
                raise tarfile.ReadError(f"damaged at byte {member.offset}")
            unpacked += member.size
            refuse_bomb(self.path, max(unpacked, archive.offset))
            yield member
            # tarfile keeps every member: a gigabyte for a million.
            archive.members.clear()  # type: ignore[attr-defined]

    def _sort(self, archive: tarfile.TarFile, number: int, member: tarfile.TarInfo) -> None:
        """Put a member among the candidates, the tables, the links, or what is omitted."""
        refuse_outside(self.path, member.name)
        name = member_name(member.name)
        if member.isdir():
            return
        if member.isfile():
            self._define(name, number)
        if is_annotation(name) and member.isfile() and member.size <= MAX_FILE_BYTES:
            stream = archive.extractfile(member)
            self._tables[name] = stream.read() if stream else b""
            return
        if not is_candidate(name):
            return
        if member.issym():
            self._define(name, link_target(name, member.linkname))
        elif member.islnk():
            # Its content is what its target is here, whatever replaces the target later.
            target = member_name(member.linkname)
            self._define(name, self._numbers.get(target, target))
        elif not member.isfile():
            self._omitted[name] = "not a regular file"
            return
        elif reason := left_out(name):
            self._omitted[name] = reason
            return
        self._pictures[name] = None

    def _define(self, name: str, meaning: int | str) -> None:
        """Let a name stand for a member or for another name, in place of what it stood for."""
        if name in self._pictures:
            self._omitted[name] = REPLACED
        self._numbers.pop(name, None)
        self._links.pop(name, None)
        if isinstance(meaning, int):
            self._numbers[name] = meaning
        else:
            self._links[name] = meaning

    def _resolved(self) -> dict[int, list[str]]:
        """Return the names of the pictures by the number of their member; omit links to nothing."""
        found: dict[int, list[str]] = {}
        for name in self._pictures:
            target = self._end_of(name) if name in self._links else name
            number = self._numbers.get(target)
            if number is None:
                self._omitted[name] = dangling_link(target)
            else:
                found.setdefault(number, []).append(name)
        return dict(sorted(found.items()))

    def _end_of(self, link: str) -> str:
        """Return where a link ends, through other links; each is followed once, also in a circle."""
        passed = {link: None}
        target = self._links[link]
        while target in self._links and target not in passed:
            passed[target] = None
            target = self._links[target]
        self._links |= dict.fromkeys(passed, target)
        return target

    @property
    def place(self) -> str:
        """Absolute path of the archive without its suffix."""
        return _place(self.path)

    def names(self) -> list[str]:
        """Return the names of the candidates."""
        return [name for names in self._candidates.values() for name in names]

    def files(self, wanted: Wanted) -> Iterator[File]:
        """Yield the wanted candidates, in the archive's order."""
        position = 0
        with readable(self.path), tarfile.open(self.path, "r:*", tarinfo=TarHeader) as archive:
            for number, member in enumerate(self._members(archive)):
                names = self._candidates.get(number, [])
                chosen = [name for i, name in enumerate(names) if wanted(position + i, name)]
                position += len(names)
                if not chosen:
                    continue
                if member.size > MAX_FILE_BYTES:
                    yield from (File(name, b"", too_large(member.size)) for name in chosen)
                    continue
                stream = archive.extractfile(member)
                data = stream.read() if stream else b""
                yield from (File(name, data) for name in chosen)

    def tables(self) -> dict[str, bytes]:
        """Return CelebA's tables in the archive, and those around it that it lacks."""
        return nearest_tables(self._tables, tables_around(self.path.parent))

    def omitted(self) -> Mapping[str, str]:
        """Return what is left out: archives, devices, and links to what is not in the archive."""
        return self._omitted

    def extract(self, name: str, file: BinaryIO) -> None:
        """Copy the archive `name`, one of those omitted, to a file. Raises DataError."""
        with readable(self.path), tarfile.open(self.path, "r:*", tarinfo=TarHeader) as archive:
            for member in self._members(archive):
                if member.isfile() and member_name(member.name) == name:
                    stream = archive.extractfile(member)
                    if stream is not None:
                        shutil.copyfileobj(stream, file)
                    return


def member_name(name: str) -> str:
    """Return a member's path with forward slashes, also if Windows' own zip writer made it."""
    return posixpath.normpath(name.replace("\\", "/"))


def _place(path: Path) -> str:
    name = path.name
    suffix = next((s for s in ARCHIVE_SUFFIXES if name.lower().endswith(s)), "")
    return os.path.join(os.path.abspath(path.parent), name[: len(name) - len(suffix)])
