"""Checksums of a prepared set, which detect corrupted files before they are used.

checksums.npy    uint32 (n,), the CRC-32 of each image, verified whenever the image is read: a set larger than
                 memory is read only once, and later corruption is detected too
SHA256SUMS       of every other file but images.npy and preview.png, in the format of `sha256sum --check`;
                 verified on opening

A set without checksums is read once in full and compared with the hash in its manifest. The checksums found
then, and one of its names, stay in the cache under that hash.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strangers.data.array_file import ArrayFile
from strangers.system.cache import cache_folder, write_to_cache
from strangers.system.files import sha256_of
from strangers.system.streams import read_regular_file

CHECKSUMS, SUMS = "checksums.npy", "SHA256SUMS"

PREVIEW = "preview.png"
"""A picture for people; a set without it is complete."""

HASH_BLOCK_IMAGES = 256
"""Images that are read and hashed together."""

Checksums = NDArray[np.uint32]


def checksums_of(images: NDArray[np.uint8]) -> Checksums:
    """Return the CRC-32 of each image, uint32 (n,); any single wrong bit changes it."""
    return np.array([zlib.crc32(image) for image in np.ascontiguousarray(images)], np.uint32)


def write_sums(folder: Path) -> None:
    """Write SHA256SUMS for the files in the folder of a set."""
    unlisted = ("images.npy", SUMS, PREVIEW)
    names = sorted(path.name for path in folder.iterdir() if path.is_file() and path.name not in unlisted)
    (folder / SUMS).write_text(
        "".join(f"{sha256_of(folder / name)}  {name}\n" for name in names), newline="\n"
    )


def corrupted(folder: Path) -> Iterator[str]:
    """Yield the files listed in SHA256SUMS whose contents have changed. Raises OSError, ValueError."""
    for line in read_regular_file(folder / SUMS).decode("ascii").split("\n")[:-1]:
        digest, name = line.split("  ")
        if sha256_of(folder / name) != digest:
            yield name


def rebuild_checksums(images: ArrayFile, names: bytes, expected: str) -> Checksums | None:
    """Return the checksums of a set without any, or None if its hash is not `expected`.

    names: the contents of names.txt, which are part of the hash.
    expected: the hash in the manifest.
    """
    count = images.shape[0]
    place = cache_folder() / "checksums" / f"{expected}.sums"
    with suppress(OSError):
        kept = place.read_bytes()
        if len(kept) == 32 + 4 * (count + 1) and hashlib.sha256(kept[32:]).digest() == kept[:32]:
            found = np.frombuffer(kept[32:], np.uint32)
            if found[count] == zlib.crc32(names):
                return found[:count]
    digest, found = hashlib.sha256(), np.full(count + 1, zlib.crc32(names), np.uint32)
    for start in range(0, count, HASH_BLOCK_IMAGES):
        block = images.rows(np.arange(start, min(start + HASH_BLOCK_IMAGES, count)))
        digest.update(block.data)
        found[start : start + len(block)] = checksums_of(block)
    digest.update(names)
    if digest.hexdigest() != expected:
        return None
    write_to_cache(place, hashlib.sha256(found.tobytes()).digest() + found.tobytes())
    return found[:count]
