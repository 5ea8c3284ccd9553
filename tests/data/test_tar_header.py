"""A tar ends where its writer ended it, and no header takes more memory than names do."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from strangers.data.archives import Tar
from strangers.data.tar_header import MAX_HEADER_BYTES
from strangers.errors import DataError

MEMBER_BYTES = 2 * tarfile.BLOCKSIZE


def tarred(*names: str) -> bytes:
    """A tar of members of one block each."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 3
            archive.addfile(member, io.BytesIO(b"jpg"))
    return file.getvalue()


BOTH = tarred("1.jpg", "2.jpg")
START, END = BOTH[:MEMBER_BYTES], BOTH[2 * MEMBER_BYTES :]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (START, "it ends at byte 1024 without a mark"),
        (BOTH[:-len(END)], "it ends at byte 2048 without a mark"),
        (START + bytes(512) + BOTH[MEMBER_BYTES:], "damaged at byte 1024"),
        (START + BOTH[MEMBER_BYTES:].replace(b"2.jpg", b"3.jpg", 1), "damaged at byte 1024"),
        (BOTH + BOTH, "another archive follows at byte 10240"),
    ],
    ids=["cut in the middle", "cut at the end", "an empty block", "a changed header", "two archives"],
)  # fmt: skip
def test_an_archive_that_does_not_end_at_its_end_is_refused(data: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "set.tar").write_bytes(data)
    with pytest.raises(DataError, match=rf"cannot be read \({reason}\)"):
        Tar(tmp_path / "set.tar")


@pytest.mark.parametrize("data", [BOTH, BOTH[: -len(END) + 512], BOTH + b"a signature"])
def test_an_archive_that_ends_with_an_empty_block_is_read(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "set.tar").write_bytes(data)
    assert Tar(tmp_path / "set.tar").names() == ["1.jpg", "2.jpg"]


def checked(block: bytearray) -> bytes:
    """A header with its checksum."""
    block[148:156] = b"%06o\0 " % (sum(block[:148]) + sum(block[156:]) + 256)
    return bytes(block)


def gnu_sparse(blocks: int) -> bytes:
    """A file whose map of holes has so many blocks."""
    header = tarfile.TarInfo("1.jpg")
    header.type = tarfile.GNUTYPE_SPARSE
    first = bytearray(header.tobuf(tarfile.GNU_FORMAT))
    first[482], first[483:495] = 1, b"%011o\0" % 100
    holes = (b"%011o\0" % 5 + b"%011o\0" % 1) * 21
    return checked(first) + (holes + b"\1" + bytes(7)) * blocks


def pax_sparse(blocks: int) -> bytes:
    """A file whose map of holes, in its data, has so many blocks."""
    fields = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9"}
    member = tarfile.TarInfo("1.jpg")
    member.pax_headers = fields
    member.size = 512 * blocks
    return member.tobuf(tarfile.PAX_FORMAT) + b"999999999\n".ljust(512, b"1") + b"1\n" * 256 * blocks


@pytest.mark.parametrize("packed", [gnu_sparse, pax_sparse])
def test_a_map_of_holes_is_read_up_to_a_limit(packed: Callable[[int], bytes], tmp_path: Path) -> None:
    with gzip.open(tmp_path / "set.tar.gz", "wb", 1) as file:
        file.write(START + packed(MAX_HEADER_BYTES // 512 + 1) + bytes(1024))
    with pytest.raises(DataError, match="a header of more than 1,048,576 bytes"):
        Tar(tmp_path / "set.tar.gz")
