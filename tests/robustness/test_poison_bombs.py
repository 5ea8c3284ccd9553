"""Harmful archives: bombs, links, names that point outside, a million members."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from strangers.data.prepare import prepare
from strangers.data.prepared import open_prepared
from strangers.data.sources import open_source
from strangers.errors import DataError

from .poison import feed
from .test_poison_archives import FILES, MEMORY, picture, take_in, take_in_once, tarred, zipped

Trials = Callable[[int, int], range]
Tally = Callable[..., None]


def member(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, **fields: str) -> bytes:
    """A tar's header."""
    header = tarfile.TarInfo(name)
    header.type, header.size = kind, size
    for field, value in fields.items():
        setattr(header, field, value)
    return header.tobuf(tarfile.GNU_FORMAT)


def with_size(header: bytes, field: bytes) -> bytes:
    data = bytearray(header)
    data[124:136] = field
    data[148:156] = b"%06o\0 " % (sum(data[:148]) + sum(data[156:512]) + 256)
    return bytes(data)


def pax(record: bytes) -> bytes:
    """A tar's extended header with one record."""
    length = len(record) + 5
    text = b"%d %s\n" % (length, record)
    return member("x", tarfile.XHDTYPE, len(text)) + text.ljust(512, b"\0")


def gzip_of_nothing(mebibytes: int, before: bytes = b"") -> bytes:
    """Zeros, packed a thousand to one."""
    return gzip.compress(before, mtime=0) + gzip.compress(bytes(2**20), mtime=0) * mebibytes


def overlapping(times: int) -> bytes:
    """A zip in which so many members are one stretch of zeros."""
    data = zipped({"000000.png": bytes(2**26)})
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry, tail = data[start:end], bytearray(data[end:])
    for field in (8, 10):
        tail[field : field + 2] = times.to_bytes(2, "little")
    tail[12:16] = (len(entry) * times).to_bytes(4, "little")
    return data[:start] + entry * times + bytes(tail)


def encrypted() -> bytes:
    data = bytearray(zipped({"1.png": picture()}, zipfile.ZIP_STORED))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def linked() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        link = zipfile.ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return file.getvalue()


REFUSED: dict[str, Callable[[], bytes]] = {
    "a name of 4 GB.tar.gz": lambda: gzip_of_nothing(300, member("x", tarfile.GNUTYPE_LONGNAME, 2**32 - 512)),
    "an extended header of 4 GB.tar.gz": lambda: gzip_of_nothing(
        300, member("x", tarfile.XHDTYPE, 2**32 - 512)
    ),
    "a size below nothing.tar": lambda: with_size(member("1.png"), b"\xff" * 11 + b"\x00") + bytes(1024),
    "a size below nothing, of a name.tar": lambda: (
        with_size(member("x", b"L"), b"\xff" * 11 + b"\x00") + bytes(1024)
    ),
    "a size below nothing, extended.tar": lambda: pax(b"size=-1024") + member("1.png") + bytes(1024),
    "10,000 extended headers.tar": lambda: pax(b"path=a") * 10_000 + member("1.png") + bytes(1024),
    "300 MB of nothing.tar.gz": lambda: gzip_of_nothing(300, member("1.png", size=300 * 2**20)),
    "64 GB in one stretch.zip": lambda: overlapping(1000),
    "symbolic link.tar": lambda: member("1.png", tarfile.SYMTYPE, linkname="/etc/passwd") + bytes(1024),
    "hard link.tar": lambda: member("1.png", tarfile.LNKTYPE, linkname="../../x") + bytes(1024),
    "symbolic link.zip": linked,
    "absolute name.tar": lambda: tarred({"/tmp/1.png": picture()}),
    "absolute name.zip": lambda: zipped({"/tmp/1.png": picture()}),
    "name from above.tar": lambda: tarred({"a/../../1.png": picture()}),
    "name from above.zip": lambda: zipped({"a/../../1.png": picture()}),
    "name of a drive.zip": lambda: zipped({"C:\\1.png": picture()}),
    "encrypted member.zip": encrypted,
    "archives in an archive.zip": lambda: zipped({"1.zip": zipped(FILES), "2.zip": zipped(FILES)}),
    "archives in an archive.tar": lambda: tarred({"1.tar": tarred(FILES), "2.zip": zipped(FILES)}),
    "tar named as a zip.zip": lambda: tarred(FILES),
    "zip named as a tar.tar": lambda: zipped(FILES),
    "nothing.zip": lambda: b"",
    "nothing.tar": lambda: b"",
    "only an end.zip": lambda: b"PK\x05\x06" + bytes(18),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_harmful_archive_is_refused_and_leaves_no_files(name: str, tmp_path: Path, tally: Tally) -> None:
    take_in_once(tmp_path)
    path = tmp_path / f"set.{name.partition('.')[2]}"
    path.write_bytes(REFUSED[name]())
    (tmp_path / "target").mkdir()

    def swallow(path: Path) -> None:
        with pytest.raises(DataError):
            prepare(path, tmp_path / "target" / "set", size=16, workers=1, progress=False)
        assert not os.listdir(tmp_path / "target")

    feed([(name, path)], swallow, memory=MEMORY, target=tmp_path / "target")
    tally(f"archive: {name}", 1)


NAMES = (
    "dup.png", "dup.png", "new\nline.png", "bell\a.png", "\N{RIGHT-TO-LEFT OVERRIDE}gnp.png", "\udcff.png",
    " .png",
    "e\N{COMBINING ACUTE ACCENT}.png", "\N{LATIN SMALL LETTER E WITH ACUTE}.png", "=cmd.png",
    "x" * 5000 + ".png",
    "%2e%2e%2fup.png", "con.png", "a/./b.png", "name", ",.png", '".png', "<script>.png",
)  # fmt: skip


def test_odd_names_are_accepted(tmp_path: Path, tally: Tally) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name in NAMES:
            header = tarfile.TarInfo(name)
            header.size = len(picture())
            archive.addfile(header, io.BytesIO(picture()))
    (tmp_path / "set.tar").write_bytes(file.getvalue())
    (tmp_path / "target").mkdir()

    def swallow(path: Path) -> None:
        made = prepare(path, tmp_path / "target" / "set", size=16, workers=1, progress=False)
        # The later member of a name replaces the earlier one, as when the archive is unpacked.
        assert made.names[:2] == ["dup.png", "new\\nline.png"]
        assert len(open_prepared(tmp_path / "target" / "set").names) == len(set(NAMES))

    take_in(tmp_path / "set.tar")
    feed([("names", tmp_path / "set.tar")], swallow, memory=MEMORY, target=tmp_path / "target")
    tally("odd names of members", len(NAMES))


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "zip"])
def test_a_million_members_need_little_memory(
    kind: str, tmp_path: Path, trials: Trials, tally: Tally
) -> None:
    count = len(trials(5_000, 1_000_000))
    path = tmp_path / f"many.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for number in range(count):
                archive.writestr(zipfile.ZipInfo(f"{number}.png"), b"")
    else:
        empty = bytearray(member("0000000.png"))
        with gzip.open(path, "wb", 1) if kind == "tar.gz" else path.open("wb") as file:
            for number in range(count):
                empty[:7] = b"%07d" % number
                empty[148:156] = b"%06o\0 " % (sum(empty[:148]) + sum(empty[156:512]) + 256)
                file.write(empty)
            file.write(bytes(1024))
    take_in_once(tmp_path)

    def swallow(path: Path) -> None:
        assert open_source(str(path)).count == count

    most = 192 + (count * 1000 >> 20)
    found = feed([(kind, path)], swallow, memory=most, target=tmp_path, slowest=max(3.0, count / 5_000))
    tally(f"a {kind} of {count:,} members, {most} MiB", 1, str(found))
