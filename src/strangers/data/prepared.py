"""The prepared set: a folder of images, all of one size and crop, ready to be read by position.

manifest.json    Manifest
images.npy       uint8 (n, size, size, 3), memory-mapped
names.txt        one name a line, in the order of the images
skipped.csv      name and reason of every file that is no image of the set
attributes.npy   optional: int8 (n, k), +1 has it, -1 has not, 0 not known; names in the manifest
checksums.npy    SHA256SUMS, by which damage is noticed: see checksums.py
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from strangers.data.checksums import CHECKSUMS, SUMS, Checksums, checksums_of, recovered, rotten
from strangers.errors import DataError
from strangers.system.machine import free_memory

Scalar = TypeVar("Scalar", np.uint8, np.int8, np.uint32)

FORMAT = 1
"""The version of this layout; a reader refuses a later one."""

MUCH = 0.5
"""A set that takes more than this share of the free memory is read image by image."""


class Manifest(BaseModel):
    """What a prepared set is and where it came from.

    Attributes:
        format: version of the layout, FORMAT.
        software: what prepared it, with its version.
        count: number of images.
        size: height and width in pixels.
        crop: name of the crop protocol.
        filter: name of the resize filter.
        source: what was prepared, as it was named.
        split: the split of the source that was asked for, or None for all of it.
        part: which part of how many this is, as in "3/16", or None for a whole set.
        hash: SHA-256 of the images' pixels, then of the names, as 64 hexadecimal digits.
        attributes: names of the columns of attributes.npy; empty where there is none.
        skipped: number of rows of skipped.csv.
        notes: sentences about what a user should know of this set.
        originals: how many photographs had which width x height, as in {"178x218": 3000}; empty for
            drawn faces, and for sets that were prepared before this was kept.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    format: int = Field(ge=1)
    software: str
    count: int = Field(ge=1)
    size: int = Field(ge=1)
    crop: str
    filter: str
    source: str
    split: str | None = None
    part: str | None = None
    hash: str
    attributes: list[str] = []
    skipped: int = 0
    notes: list[str] = []
    originals: dict[str, int] = {}


@dataclass(frozen=True)
class PreparedSet:
    """Images of one size and crop, read from the disk as they are asked for.

    Attributes:
        path: the folder.
        manifest: what it is.
        images: uint8 (n, size, size, 3), memory-mapped; as they lie on the disk, where `batch` checks them.
        attributes: int8 (n, k), +1, -1, or 0 where not known, memory-mapped; or None.
        checksums: of the images, uint32 (n,); None where images were put together in memory.
    """

    path: Path
    manifest: Manifest
    images: NDArray[np.uint8]
    attributes: NDArray[np.int8] | None = None
    checksums: Checksums | None = None

    def __len__(self) -> int:
        return self.manifest.count

    def batch(self, positions: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The images at `positions` as a new array, uint8 (b, size, size, 3).

        Raises IndexError, and DataError for an image that is not what was written.
        """
        batch = np.take(self.images, positions, axis=0)
        if self.checksums is not None:
            wrong = checksums_of(batch) != np.take(self.checksums, positions)
            if wrong.any():
                image = int(np.asarray(positions)[wrong][0])
                raise _damaged(self.path, f"image {image} of images.npy is not what was written")
        return batch

    def blocks(self, count: int) -> Iterator[NDArray[np.uint8]]:
        """All images in their order, `count` at once. Raises DataError as `batch` does."""
        for start in range(0, len(self), count):
            yield self.batch(np.arange(start, min(start + count, len(self))))

    def read_ahead(self, positions: NDArray[np.int64]) -> None:
        """Have the images at `positions` read from the disk while something else is done.

        Without it the system reads, for every image that is not in memory, megabytes of its neighbors, and
        the caller waits. It matters where the set is larger than memory; elsewhere this does nothing.
        """
        if self._pages is None or not isinstance(self.images, np.memmap):
            return
        length = self.images[0].nbytes
        for start in (self.images.offset + positions * length).tolist():
            first = start // mmap.PAGESIZE * mmap.PAGESIZE
            self._pages.madvise(mmap.MADV_WILLNEED, first, start + length - first)

    @cached_property
    def _pages(self) -> mmap.mmap | None:
        """The images' mapping, told to read no neighbors; None where most of the set can stay in memory."""
        memory = free_memory()
        mapping: object = self.images.base
        if memory is None or self.images.nbytes < MUCH * memory * 2**30:
            return None
        if not isinstance(mapping, mmap.mmap) or not hasattr(mmap, "MADV_RANDOM"):
            return None
        mapping.madvise(mmap.MADV_RANDOM)
        return mapping

    @cached_property
    def names(self) -> list[str]:
        """Where each image came from, within the source. Raises DataError if they do not match the images."""
        try:
            names = (self.path / "names.txt").read_text(encoding="utf-8").split("\n")[:-1]
        except (OSError, UnicodeDecodeError) as error:
            raise _damaged(self.path, f"names.txt cannot be read ({error})") from None
        if len(names) != len(self):
            raise _damaged(self.path, f"names.txt has {len(names)} names for {len(self)} images")
        return names


def is_prepared(path: Path) -> bool:
    """Whether `path` looks like a prepared set: a folder with a manifest."""
    return (path / "manifest.json").is_file()


def open_prepared(path: str | Path) -> PreparedSet:
    """The prepared set in the folder `path`. Raises DataError if there is none or it is damaged.

    Each image is looked at when it is read, not here: see `PreparedSet.batch`.
    """
    path = Path(path)
    manifest = _read_manifest(path)
    has_sums = (path / SUMS).exists()
    if has_sums:
        _refuse_rotten(path)
    shape = (manifest.count, manifest.size, manifest.size, 3)
    images = _map(path, "images.npy", np.uint8, shape)
    attributes = None
    if manifest.attributes:
        attributes = _map(path, "attributes.npy", np.int8, (manifest.count, len(manifest.attributes)))
    if has_sums:
        checksums: Checksums = _map(path, CHECKSUMS, np.uint32, (manifest.count,))
    else:
        checksums = _recovered(path, images, manifest.hash)
    return PreparedSet(path, manifest, images, attributes, checksums)


def positions(count: int, batch: int, seed: int, images_seen: int) -> NDArray[np.int64]:
    """Which of `count` images are the next `batch` after `images_seen`, int64 (batch,).

    Each epoch shows every image once, in an order that depends on `seed` and the epoch's number alone; a
    batch may end one epoch and begin the next. A function of its arguments, so a resumed training sees what
    an uninterrupted one would.
    """
    chosen: list[NDArray[np.int64]] = []
    while batch > 0:
        epoch, start = divmod(images_seen, count)
        chosen.append(_order(count, seed, epoch)[start : start + batch])
        batch -= len(chosen[-1])
        images_seen += len(chosen[-1])
    return np.concatenate(chosen) if chosen else np.zeros(0, np.int64)


@lru_cache(maxsize=4)
def _order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    # Sorting raw 64-bit words rather than `permutation`, whose algorithm numpy may change between versions.
    words = np.random.Philox(key=np.array([seed, epoch], np.uint64)).random_raw(count)
    order: NDArray[np.int64] = np.argsort(words, kind="stable").astype(np.int64)
    order.flags.writeable = False
    return order


def _read_manifest(path: Path) -> Manifest:
    if not path.is_dir():
        raise DataError(
            f"The prepared set {path} is missing: there is no such folder; make it with `strangers prepare`."
        )
    if not is_prepared(path):
        raise DataError(
            f"The folder {path} is no prepared set: it has no manifest.json; `strangers prepare` makes one."
        )
    try:
        fields = json.loads((path / "manifest.json").read_bytes())
        version = fields["format"]
        if isinstance(version, int) and version > FORMAT:
            raise DataError(
                f"The set {path} was prepared by a newer version ({fields.get('software', 'unknown')}, "
                f"format {version}); this one reads up to format {FORMAT}: update it or prepare the set anew."
            )
        return Manifest.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise _damaged(path, f"manifest.json, {field}: {first['msg']}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(path, f"manifest.json cannot be read ({type(error).__name__}: {error})") from None


def _refuse_rotten(path: Path) -> None:
    """Raise DataError for a file of the set, other than images.npy, that is not what was written."""
    try:
        for name in rotten(path):
            raise _damaged(path, f"{name} is not what was written")
    except FileNotFoundError as error:
        raise _damaged(path, f"{Path(error.filename).name} is missing") from None
    except (OSError, ValueError) as error:
        raise _damaged(path, f"its {SUMS} cannot be followed ({error})") from None


def _recovered(path: Path, images: NDArray[np.uint8], expected: str) -> Checksums:
    """The checksums of a set from before they were written beside the images."""
    try:
        found = recovered(images, (path / "names.txt").read_bytes(), expected)
    except OSError as error:
        raise _damaged(path, f"names.txt cannot be read ({error.strerror})") from None
    if found is None:
        raise _damaged(path, "its images, or their names, are not what was written")
    return found


def _map(
    path: Path, name: str, dtype: type[Scalar], shape: tuple[int, ...]
) -> np.memmap[Any, np.dtype[Scalar]]:
    file = path / name
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise _damaged(path, f"{name} is missing") from None
    except Exception as error:  # what numpy raises on a damaged header has no common base
        raise _damaged(path, f"{name} is cut short or is no array ({error})") from None
    if not isinstance(array, np.memmap):
        raise _damaged(path, f"{name} is an archive of arrays instead of one array")
    if array.dtype != dtype or array.shape != shape:
        raise _damaged(
            path, f"{name} holds {array.dtype} {array.shape}, the manifest says {dtype.__name__} {shape}"
        )
    if file.stat().st_size != array.offset + array.nbytes:
        raise _damaged(path, f"{name} is longer than the {shape[0]} images of the manifest")
    return array


def _damaged(path: Path, what: str) -> DataError:
    return DataError(f"The prepared set {path} is damaged: {what}; remove the folder and prepare it again.")
