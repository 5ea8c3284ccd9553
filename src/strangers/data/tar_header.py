"""Headers of tar archives: what makes tarfile loop, read gigabytes at once, or end early is refused."""

from __future__ import annotations

import tarfile
from typing import Any

MAX_HEADER_BYTES = 2**20
"""Bytes of all headers of one member: its names, records, and the map of a sparse file."""

END_BYTES = 2 * tarfile.BLOCKSIZE
"""Empty bytes at an archive's end."""

MAGIC = slice(257, 262)
"""Place of "ustar" in a header."""


class TarHeader(tarfile.TarInfo):
    """A member's header, of at most MAX_HEADER_BYTES. Raises tarfile.ReadError for others."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> TarHeader:
        """Parse a block as TarInfo does. Raises tarfile.ReadError too."""
        header = super().frombuf(buf, encoding, errors)
        if header.size < 0:
            raise tarfile.ReadError(f"a header of {header.size:,} bytes")
        return header

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> TarHeader:
        """Read a member's blocks as TarInfo does. Raises tarfile.ReadError too."""
        file = archive.fileobj
        assert file is not None
        archive.fileobj = _Limited(file)  # type: ignore[assignment]
        try:
            return super().fromtarfile(archive)
        finally:
            archive.fileobj = file


class _Limited:
    """A file of which at most MAX_HEADER_BYTES are read."""

    def __init__(self, file: Any) -> None:
        self.seek, self.tell = file.seek, file.tell
        self._file, self._left = file, MAX_HEADER_BYTES

    def read(self, size: int) -> bytes:
        self._left -= size
        if self._left < 0:
            raise tarfile.ReadError(f"a header of more than {MAX_HEADER_BYTES:,} bytes")
        block: bytes = self._file.read(size)
        return block


def check_end(archive: tarfile.TarFile) -> None:
    """Raise tarfile.ReadError unless the archive ends with two empty blocks, or one at the file's end.

    tarfile takes for the end: damage, an empty block in the middle, and a cut between two members. A second
    archive that follows is refused too.
    """
    file = archive.fileobj
    assert file is not None
    file.seek(archive.offset)
    rest = file.read(MAX_HEADER_BYTES)
    if len(rest) < tarfile.BLOCKSIZE:
        raise tarfile.ReadError(f"it ends at byte {archive.offset} without a mark")
    empty = len(rest) - len(rest.lstrip(b"\0"))
    start = empty - empty % tarfile.BLOCKSIZE
    if empty < len(rest) and start < END_BYTES:
        raise tarfile.ReadError(f"damaged at byte {archive.offset}")
    if rest[start:][MAGIC] == b"ustar":
        raise tarfile.ReadError(f"another archive follows at byte {archive.offset + start}")
