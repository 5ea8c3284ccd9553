"""Damaged and malicious archives are read, or refused with an error."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from strangers.data.crops import CROPS
from strangers.data.sources import open_source

from .poison import bent_ones, feed

Trials = Callable[[int, int], range]
Tally = Callable[..., None]

MEMORY = 192
"""MiB that an archive of a few kilobytes may take; one member may have MAX_LOG_BYTES, 128 MiB."""


def picture() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.arange(12 * 10 * 3, dtype=np.uint8).reshape(12, 10, 3)).save(file, "PNG")
    return file.getvalue()


FILES = {
    "a/000001.png": picture(),
    "a/ünï \N{RIGHT-TO-LEFT OVERRIDE}gnp.png": picture(),
    "a/no picture.jpg": b"no picture",
    "list_attr_celeba.txt": b"2\nSmiling Male\n000001.png 1 -1\n000002.png -1 1\n",
    "list_eval_partition.csv": b"image_id,partition\n000001.png,0\n",
}


def zipped(files: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, how)
    return file.getvalue()


def tarred(files: dict[str, bytes], kind: int = tarfile.PAX_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=kind) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def valid_archives() -> dict[str, bytes]:
    """All kinds of archives that are read, by names with their endings."""
    long = FILES | {"b" * 200 + "/" + "c" * 200 + ".png": picture()}
    tar = tarred(long)
    return {
        "deflated.zip": zipped(long),
        "stored.zip": zipped(FILES, zipfile.ZIP_STORED),
        "lzma.zip": zipped(FILES, zipfile.ZIP_LZMA),
        "bzip2.zip": zipped(FILES, zipfile.ZIP_BZIP2),
        "pax.tar": tar,
        "gnu.tar": tarred(long, tarfile.GNU_FORMAT),
        "ustar.tar": tarred(FILES, tarfile.USTAR_FORMAT),
        "tar.tar.gz": gzip.compress(tar, mtime=0),
        "tar.tar.bz2": bz2.compress(tar),
        "tar.tar.xz": lzma.compress(tar),
    }


def take_in(path: Path) -> None:
    """All that `prepare` does with a source, short of writing."""
    source = open_source(str(path))
    crop = CROPS["square"]
    for job in source.jobs():
        job.run(16, crop)


def fed(inputs: Iterator[tuple[str, bytes]], target: Path, **bounds: float) -> object:
    """Have each written as an archive of its ending, and taken in."""

    def named(inputs: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, tuple[str, bytes]]]:
        for name, data in inputs:
            yield name, (name.split(",")[0].partition(".")[2], data)

    def swallow(archive: tuple[str, bytes]) -> None:
        ending, data = archive
        path = target / f"set.{ending}"
        path.write_bytes(data)
        take_in(path)

    take_in_once(target)
    return feed(named(inputs), swallow, memory=MEMORY, target=target, **bounds)


def take_in_once(target: Path) -> None:
    """Have loaded what is loaded once."""
    (target / "set.zip").write_bytes(zipped(FILES))
    take_in(target / "set.zip")


def test_a_damaged_archive_is_read_or_refused(tmp_path: Path, trials: Trials, tally: Tally) -> None:
    valid = valid_archives()
    found = fed(bent_ones(valid, trials(400, 20_000), 3), tmp_path)
    tally(f"zips and tars bent: 10 kinds, {MEMORY} MiB", len(valid) + len(trials(400, 20_000)), str(found))


NUMBERS = (
    b"\x80" + b"\xff" * 11,
    b"\xff" * 12,
    b"\x80" + b"\0" * 7 + b"\x7f" + b"\xff" * 3,
    b"77777777777\0",
)
"""Sizes in a tar's header: too large, and negative."""


def bent_headers(times: range) -> Iterator[tuple[str, bytes]]:
    """Tars whose headers are changed where it matters, with check sums that are right."""
    dice = random.Random(4)
    valid = {name: data for name, data in valid_archives().items() if name.endswith(".tar")}
    for number in times:
        name = dice.choice(sorted(valid))
        data = bytearray(valid[name])
        for _ in range(dice.randint(1, 3)):
            block = 512 * dice.randrange(len(data) // 512)
            match dice.randrange(4):
                case 0:
                    data[block + 124 : block + 136] = dice.choice(NUMBERS)
                case 1:
                    data[block + 156] = dice.choice(b"\x000123456789gxLKSVNMDX")
                case 2:
                    data[block : block + 8] = dice.choice(
                        (b"../../x\0", b"/etc/x\0\0", b"\0" * 8, b"\xff" * 8)
                    )
                case 3:
                    record = dice.choice(
                        (b"size=-512", b"size=9e9", b"path=\0", b"path=/etc/x", b"GNU.sparse.map=x")
                    )
                    data[block : block + 64] = b"%d %s\n".ljust(61) % (len(record) + 4, record)
            total = sum(data[block : block + 148]) + sum(data[block + 156 : block + 512]) + 256
            data[block + 148 : block + 156] = b"%06o\0 " % total
        yield f"{name}, header bent, {number}", bytes(data)


def test_a_tar_with_wrong_headers_is_read_or_refused(tmp_path: Path, trials: Trials, tally: Tally) -> None:
    times = trials(300, 10_000)
    tally("tars with lying headers", len(times), str(fed(bent_headers(times), tmp_path)))
