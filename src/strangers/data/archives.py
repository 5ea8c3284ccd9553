"""Folders and archives as streams of files; what could reach outside or fill the memory is refused."""

from __future__ import annotations

import os
import stat
import tarfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from strangers.data.annotations import ATTRIBUTES, PARTITION, is_table
from strangers.errors import DataError

MOST_BYTES = 2**27  # 134 million: more than any photograph that MOST_PIXELS lets through
MOST_HEADER = 2**20  # bytes of a name or a record in a tar, which tarfile reads whole
MOST_PACKED = 200  # times its size an archive may unpack to; photographs in one hardly shrink
ALWAYS_UNPACKED = 2**28  # bytes, whatever the archive's size

Wanted = Callable[[int, str], bool]
"""Whether the file at this position among those that may be photographs, of this name, is to be read."""

FILES_OF_SYSTEMS = {"Thumbs.db", "desktop.ini", "__MACOSX"}


@dataclass(frozen=True)
class File:
    """One file of a source.

    Attributes:
        name: its path within the source, with forward slashes.
        data: its bytes; empty where they could not be had.
        problem: why they could not, as a clause; empty where they could.
    """

    name: str
    data: bytes = field(repr=False)
    problem: str = ""


class Container(ABC):
    """Anything that holds files: can be gone through any number of times, always in the same order."""

    @abstractmethod
    def names(self) -> list[str]:
        """The names of what may be photographs."""

    @abstractmethod
    def files(self, wanted: Wanted) -> Iterator[File]:
        """Those of them that are wanted."""

    @abstractmethod
    def tables(self) -> dict[str, bytes]:
        """CelebA's tables in it or beside it, by name."""

    def __iter__(self) -> Iterator[File]:
        return self.files(lambda _position, _name: True)


class Folder(Container):
    """The files of a folder and of the folders in it, sorted by name."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self) -> list[str]:
        """The names of what may be photographs."""
        found = [
            (Path(folder) / name).relative_to(self.path).as_posix()
            for folder, _, names in os.walk(self.path)
            for name in names
        ]
        return sorted(name for name in found if is_candidate(name))

    def files(self, wanted: Wanted) -> Iterator[File]:
        """The wanted ones, by name."""
        for position, name in enumerate(self.names()):
            if wanted(position, name):
                yield _read_from_disk(self.path / name, name)

    def tables(self) -> dict[str, bytes]:
        """CelebA's tables in the folder, or else in the folder around it."""
        return tables_beside(self.path.parent) | tables_beside(self.path)


class Zip(Container):
    """The members of a zip archive, in its order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with _told(path), zipfile.ZipFile(path) as archive:
            self._members = [member for member in archive.infolist() if not member.is_dir()]
        refuse_bomb(path, sum(member.file_size for member in self._members))
        for member in self._members:
            refuse_outside(path, member.filename)
            if stat.S_ISLNK(member.external_attr >> 16):
                raise DataError(f"The archive {path} is refused: its member {member.filename!r} is a link.")

    def names(self) -> list[str]:
        """The names of what may be photographs."""
        return [member.filename for member in self._members if is_candidate(member.filename)]

    def files(self, wanted: Wanted) -> Iterator[File]:
        """The wanted ones, in the archive's order; the others are not read."""
        candidates = (member for member in self._members if is_candidate(member.filename))
        with zipfile.ZipFile(self.path) as archive:
            for position, member in enumerate(candidates):
                if wanted(position, member.filename):
                    yield self._read(archive, member)

    def tables(self) -> dict[str, bytes]:
        """CelebA's tables in the archive, and those beside it that it has not."""
        with zipfile.ZipFile(self.path) as archive:
            inside = {
                PurePosixPath(member.filename).name: self._read(archive, member).data
                for member in self._members
                if PurePosixPath(member.filename).name in ATTRIBUTES + PARTITION
            }
        return tables_beside(self.path.parent) | inside

    @staticmethod
    def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> File:
        if member.file_size > MOST_BYTES:
            return File(member.filename, b"", f"{member.file_size} bytes are absurdly many")
        try:
            with archive.open(member) as stream:  # reads no more than the size that was just checked
                return File(member.filename, stream.read(member.file_size))
        except Exception as error:  # what damage does to the decompressors has no common base
            return File(member.filename, b"", f"damaged in the archive: {error}")


class Tar(Container):
    """The members of a tar archive, compressed or not, in its order; read as a stream, from front to back."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._names: list[str] = []
        self._tables: dict[str, bytes] = {}
        with _told(path), tarfile.open(path, "r:*", tarinfo=_Header) as archive:
            for member in self._go_through(archive):
                self._take_in(archive, member)
            _check_end(archive)

    def _go_through(self, archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
        """The members, none of which is kept."""
        unpacked = 0
        while (member := archive.next()) is not None:
            if member.size < 0 or archive.offset < member.offset_data:
                raise tarfile.ReadError(f"damaged at byte {member.offset}")
            unpacked += member.size
            refuse_bomb(self.path, max(unpacked, archive.offset))
            yield member
            archive.members.clear()  # type: ignore[attr-defined]  # where tarfile keeps every one: a gigabyte for a million

    def _take_in(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        refuse_outside(self.path, member.name)
        if member.issym() or member.islnk():
            raise DataError(f"The archive {self.path} is refused: its member {member.name!r} is a link.")
        if not member.isfile():
            return
        if is_candidate(member.name):
            self._names.append(member.name)
        elif PurePosixPath(member.name).name in ATTRIBUTES + PARTITION and member.size <= MOST_BYTES:
            stream = archive.extractfile(member)
            self._tables[PurePosixPath(member.name).name] = stream.read() if stream else b""

    def names(self) -> list[str]:
        """The names of what may be photographs."""
        return self._names

    def files(self, wanted: Wanted) -> Iterator[File]:
        """The wanted ones, in the archive's order."""
        with _told(self.path), tarfile.open(self.path, "r:*", tarinfo=_Header) as archive:
            members = self._go_through(archive)
            candidates = (member for member in members if member.isfile() and is_candidate(member.name))
            for position, member in enumerate(candidates):
                if wanted(position, member.name):
                    if member.size > MOST_BYTES:
                        yield File(member.name, b"", f"{member.size} bytes are absurdly many")
                        continue
                    stream = archive.extractfile(member)
                    yield File(member.name, stream.read() if stream else b"")

    def tables(self) -> dict[str, bytes]:
        """CelebA's tables in the archive, and those beside it that it has not."""
        return tables_beside(self.path.parent) | self._tables


class _Header(tarfile.TarInfo):
    """A member's header that neither sends tarfile in circles nor has it read gigabytes at once."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        """As of TarInfo. Raises tarfile.ReadError too."""
        header = super().frombuf(buf, encoding, errors)
        read_whole = not header.isfile() and not header.isdir()
        if header.size < 0 or (read_whole and header.size > MOST_HEADER):
            raise tarfile.ReadError(f"a header of {header.size:,} bytes")
        return header


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Tells of whatever damage to the archive `path` makes its reader raise, which has no common base."""
    try:
        yield
    except (DataError, MemoryError):
        raise
    except Exception as error:
        raise unreadable(path, error) from None


def is_candidate(name: str) -> bool:
    """Whether a file of this name may be a photograph: no table, no hidden file, no leftover of a system."""
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith(".") or part in FILES_OF_SYSTEMS for part in parts)
    return not hidden and not is_table(name)


def tables_beside(folder: Path) -> dict[str, bytes]:
    """CelebA's tables that lie in `folder`, by name."""
    files = (folder / name for name in ATTRIBUTES + PARTITION)
    return {file.name: file.read_bytes() for file in files if file.is_file()}


def refuse_outside(path: Path, name: str) -> None:
    """Raise DataError if the member `name` of the archive `path` points outside of it."""
    outside = PurePosixPath(name).is_absolute() or PureWindowsPath(name).anchor
    if outside or ".." in PurePosixPath(name.replace("\\", "/")).parts:
        raise DataError(f"The archive {path} is refused: its member {name!r} points outside of it.")


def refuse_bomb(path: Path, unpacked: int) -> None:
    """Raise DataError if the archive `path` would unpack to absurdly many bytes for its size."""
    if unpacked > max(ALWAYS_UNPACKED, MOST_PACKED * path.stat().st_size):
        raise DataError(
            f"The archive {path} is refused: it would unpack to more than {MOST_PACKED} times its size, as "
            "no photographs do; unpack it yourself if you trust it, and name the folder."
        )


def unreadable(path: Path, error: Exception) -> DataError:
    """What to say of the archive `path` that cannot be opened."""
    if _is_html(path):
        return DataError(
            f"The file {path} is no archive but an HTML page, probably a download quota's notice; open it "
            "in a browser to see what it says, and download the archive again."
        )
    reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(":")
    return DataError(
        f"The archive {path} cannot be read ({reason}); it may be damaged or cut short: fetch it again."
    )


def _check_end(archive: tarfile.TarFile) -> None:
    """Raise tarfile.ReadError if the members end at damage, which tarfile takes for the archive's end."""
    if archive.fileobj is not None:
        archive.fileobj.seek(archive.offset)
        if any(archive.fileobj.read(tarfile.BLOCKSIZE)):
            raise tarfile.ReadError(f"damaged at byte {archive.offset}")


def _is_html(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    except OSError:
        return False
    return start.startswith((b"<!doctype html", b"<html"))


def _read_from_disk(path: Path, name: str) -> File:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return File(name, b"", "not a regular file")
        if status.st_size > MOST_BYTES:
            return File(name, b"", f"{status.st_size} bytes are absurdly many")
        return File(name, path.read_bytes())
    except OSError as error:
        return File(name, b"", f"cannot be read: {error.strerror}")
