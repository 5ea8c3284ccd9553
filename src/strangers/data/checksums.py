"""Checksums of a prepared set, by which rotten bits are noticed before anything is made of them.

checksums.npy    uint32 (n,), the CRC-32 of each image, which is looked at whenever the image is read: so
                 a set larger than memory is read just once, and what rots later is noticed too
SHA256SUMS       of every other file but images.npy, as `sha256sum --check` reads it; looked at on opening

A set from before there were any is read once as a whole, against the hash in its manifest; the checksums
found then, and one of its names, stay in the cache, under that hash.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strangers.system.cache import cache_folder, write_to_cache
from strangers.system.files import sha256_of

CHECKSUMS, SUMS = "checksums.npy", "SHA256SUMS"

BLOCK = 256
"""Images at once where all are read."""

Checksums = NDArray[np.uint32]


def checksums_of(images: NDArray[np.uint8]) -> Checksums:
    """The CRC-32 of each image, uint32 (n,): any one wrong bit changes it."""
    return np.array([zlib.crc32(image) for image in np.ascontiguousarray(images)], np.uint32)


def write_sums(folder: Path) -> None:
    """Write SHA256SUMS for the files that are in the folder of a set."""
    names = sorted(path.name for path in folder.iterdir() if path.name not in ("images.npy", SUMS))
    (folder / SUMS).write_text(
        "".join(f"{sha256_of(folder / name)}  {name}\n" for name in names), newline="\n"
    )


def rotten(folder: Path) -> Iterator[str]:
    """Of the files that SHA256SUMS names, those that are not what was written. Raises OSError, ValueError."""
    for line in (folder / SUMS).read_text(encoding="ascii").split("\n")[:-1]:
        digest, name = line.split("  ")
        if sha256_of(folder / name) != digest:
            yield name


def recovered(images: NDArray[np.uint8], names: bytes, expected: str) -> Checksums | None:
    """The checksums of a set that has none, or None where it has not the hash `expected` of its manifest.

    names: what names.txt holds, which is part of the hash.
    """
    count = len(images)
    place = cache_folder() / "checksums" / f"{expected}.sums"
    with suppress(OSError):
        kept = place.read_bytes()
        if len(kept) == 32 + 4 * (count + 1) and hashlib.sha256(kept[32:]).digest() == kept[:32]:
            found = np.frombuffer(kept[32:], np.uint32)
            if found[count] == zlib.crc32(names):
                return found[:count]
    digest, found = hashlib.sha256(), np.full(count + 1, zlib.crc32(names), np.uint32)
    for start in range(0, count, BLOCK):
        block = np.ascontiguousarray(images[start : start + BLOCK])
        digest.update(block.data)
        found[start : start + len(block)] = checksums_of(block)
    digest.update(names)
    if digest.hexdigest() != expected:
        return None
    write_to_cache(place, hashlib.sha256(found.tobytes()).digest() + found.tobytes())
    return found[:count]
