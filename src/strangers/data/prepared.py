"""The prepared set: a folder of images, all of one size and crop, that are read by position.

manifest.json    Manifest
images.npy       uint8 (n, size, size, 3), read by position
names.txt        one name per line, in the order of the images
skipped.csv      name and reason of every file that was left out
attributes.npy   optional: int8 (n, k), +1 present, -1 absent, 0 unknown; names in the manifest
preview.png      a hundred of the images; a set without it is complete
checksums.npy    and SHA256SUMS: detect damage, see checksums.py
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from strangers.config import explain
from strangers.data.array_file import ArrayFile
from strangers.data.checksums import CHECKSUMS, SUMS, Checksums, checksums_of, corrupted, rebuild_checksums
from strangers.data.terms import Terms, known_terms
from strangers.errors import DataError, UsageError
from strangers.system.machine import free_memory

SET_FORMAT = 1
"""Version of the layout; a later one is refused."""

HELD_OUT = "held-out"
"""The folder, within that of a set, of its held-out part: a prepared set too."""

MAX_MEMORY_SHARE = 0.5
"""Share of the free memory above which a set is read image by image."""


class Manifest(BaseModel):
    """The description of a prepared set: contents, crop and origin.

    Attributes:
        format: version of the layout, SET_FORMAT.
        software: name and version of the program that prepared it.
        count: number of images.
        size: height and width in pixels.
        crop: name of the crop protocol.
        filter: name of the resize filter.
        source: the argument SOURCE of `prepare`.
        split: the requested split of the source, or None for all of it.
        part: number and count of the parts, as in "3/16", or None for a whole set.
        listing: of a part: SHA-256 of the names and labels of all files that the parts were cut from, and of
            the other settings of which the manifest has none.
        hash: SHA-256 over the pixels and then the names, as 64 hexadecimal digits.
        attributes: names of the columns of attributes.npy; empty without that file.
        skipped: number of rows of skipped.csv.
        notes: sentences that a user of the set should read.
        originals: number of photographs by width x height, as in {"178x218": 3000}; empty for drawn faces.
        traits: of the crop `aligned`: number of images that are enlarged, gray or padded by repetition.
        hold_out: share of the held-out part and how it was chosen, as in "0.1 by person"; None without one.
        source_name, license: name and terms of the photographs, in words; empty in sets of older versions.
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
    part: str | None = Field(default=None, pattern=r"^[0-9]{1,9}/[0-9]{1,9}$")
    listing: str | None = None
    hash: str
    attributes: list[str] = []
    skipped: int = 0
    notes: list[str] = []
    originals: dict[Annotated[str, Field(pattern=r"^[0-9]{1,9}x[0-9]{1,9}$")], int] = {}
    traits: dict[str, int] = {}
    hold_out: str | None = None
    source_name: str = ""
    license: str = ""

    @property
    def terms(self) -> Terms:
        """The terms of the photographs, as stated or as known of their source."""
        return known_terms(self.source, originals=self.originals).updated(self.source_name, self.license)


@dataclass(frozen=True)
class PreparedSet:
    """Images of one size and crop, read from the disk on demand.

    Attributes:
        path: the folder.
        manifest: its description.
        images: uint8 (n, size, size, 3), memory-mapped and not verified; `batch` verifies them.
        attributes: int8 (n, k), +1, -1, or 0 for unknown; or None.
        checksums: of the images, uint32 (n,); None for images assembled in memory.
        file: images.npy, from which `batch` reads; None for images assembled in memory.
    """

    path: Path
    manifest: Manifest
    images: NDArray[np.uint8]
    attributes: NDArray[np.int8] | None = None
    checksums: Checksums | None = None
    file: ArrayFile | None = None

    def __len__(self) -> int:
        return self.manifest.count

    def batch(self, positions: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the images at `positions` as a new array, uint8 (b, size, size, 3).

        Raises IndexError, and DataError for a corrupted image and for a file that another program cut.
        """
        positions = np.asarray(positions)
        batch = np.take(self.images, positions, axis=0) if self.file is None else self.file.rows(positions)
        if self.checksums is not None:
            wrong = checksums_of(batch) != np.take(self.checksums, positions)
            if wrong.any():
                image = int(positions[wrong][0])
                raise _damaged(self.path, f"image {image} of images.npy is corrupted")
        return batch

    def blocks(self, count: int) -> Iterator[NDArray[np.uint8]]:
        """Yield all images in order, `count` at a time. Raises DataError as `batch` does."""
        for start in range(0, len(self), count):
            yield self.batch(np.arange(start, min(start + count, len(self))))

    def read_ahead(self, positions: NDArray[np.int64]) -> None:
        """Start reading the images at `positions` from the disk in the background.

        Otherwise the caller waits for each of them. It matters for a set larger than memory; for others it
        does nothing.
        """
        if self.file is not None and self._exceeds_memory:
            self.file.read_ahead(positions)

    @cached_property
    def _exceeds_memory(self) -> bool:
        memory = free_memory()
        return memory is not None and self.images.nbytes >= MAX_MEMORY_SHARE * memory * 2**30

    @cached_property
    def held_out(self) -> PreparedSet | None:
        """The held-out part, which no training sees; None without one. Raises DataError."""
        return None if self.manifest.hold_out is None else open_prepared(self.path / HELD_OUT)

    def held_out_of(self, minimum: int) -> PreparedSet | None:
        """Return the held-out part if it has at least `minimum` pictures, else None. Raises DataError."""
        part = self.held_out
        return part if part is not None and len(part) >= minimum else None

    @cached_property
    def names(self) -> list[str]:
        """The path of each image within the source. Raises DataError if they do not match the images."""
        try:
            names = (self.path / "names.txt").read_text(encoding="utf-8").split("\n")[:-1]
        except (OSError, UnicodeDecodeError) as error:
            raise _damaged(self.path, f"names.txt cannot be read ({error})") from None
        if len(names) != len(self):
            raise _damaged(self.path, f"names.txt has {len(names)} names for {len(self)} images")
        return names


def is_prepared(path: Path) -> bool:
    """Return True if `path` looks like a prepared set: a folder with a manifest."""
    return os.path.isfile(path / "manifest.json")  # False also where the folder may not be searched


def open_prepared(path: str | Path) -> PreparedSet:
    """Open the prepared set in the folder `path`. Raises DataError if it is missing or damaged.

    Images are verified when they are read, not here: see `PreparedSet.batch`.
    """
    path = Path(path)
    manifest = _read_manifest(path)
    has_sums = (path / SUMS).exists()
    if has_sums:
        _verify_sums(path)
    shape = (manifest.count, manifest.size, manifest.size, 3)
    file = _open(path, "images.npy", np.uint8, shape)
    attributes = None
    if manifest.attributes:
        attributes = _read(path, "attributes.npy", np.int8, (manifest.count, len(manifest.attributes)))
    checksums: Checksums
    if has_sums:
        checksums = _read(path, CHECKSUMS, np.uint32, (manifest.count,))
    else:
        checksums = _rebuild_checksums(path, file, manifest.hash)
    return PreparedSet(path, manifest, file.mapped, attributes, checksums, file)


def positions(count: int, batch: int, seed: int, images_seen: int) -> NDArray[np.int64]:
    """Return the positions, int64 (batch,), of the next `batch` of `count` images after `images_seen`.

    Each epoch shows every image once, in an order that depends only on `seed` and the number of the epoch; a
    batch may end one epoch and begin the next. The result depends on the arguments alone, so a resumed
    training sees the same images as an uninterrupted one.
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
    if not path.exists():
        raise UsageError(f"There is no prepared set at {path}; make one with `strangers prepare`.")
    if not is_prepared(path):
        raise DataError(
            f"There is no prepared set in {path}: it has no manifest.json; use `strangers prepare`."
        )
    try:
        fields = json.loads((path / "manifest.json").read_bytes())
        version = fields["format"]
        if isinstance(version, int) and version > SET_FORMAT:
            raise DataError(
                f"The set {path} was prepared by a newer version ({fields.get('software', 'unknown')}, "
                f"format {version}), and this version reads up to format {SET_FORMAT}: update strangers, or "
                "prepare the set again."
            )
        return Manifest.model_validate(fields)
    except ValidationError as error:
        raise _damaged(path, f"manifest.json: {explain(Manifest, error)}".rstrip(".")) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(path, f"manifest.json cannot be read ({type(error).__name__}: {error})") from None


def _verify_sums(path: Path) -> None:
    """Raise DataError for a corrupted file of the set other than images.npy."""
    try:
        for name in corrupted(path):
            raise _damaged(path, f"{name} is corrupted")
    except FileNotFoundError as error:
        raise _damaged(path, f"{Path(error.filename).name} is missing") from None
    except (OSError, ValueError) as error:
        raise _damaged(path, f"its {SUMS} cannot be read ({error})") from None


def _rebuild_checksums(path: Path, images: ArrayFile, expected: str) -> Checksums:
    """Return the checksums of a set that has no checksums.npy."""
    try:
        found = rebuild_checksums(images, (path / "names.txt").read_bytes(), expected)
    except OSError as error:
        raise _damaged(path, f"names.txt cannot be read ({error.strerror})") from None
    if found is None:
        raise _damaged(path, "its images or their names are corrupted")
    return found


def _open(path: Path, name: str, dtype: type[np.generic], shape: tuple[int, ...]) -> ArrayFile:
    if not (path / name).is_file():
        raise _damaged(path, f"{name} is missing")
    try:
        array = ArrayFile(path / name)
    # The exceptions that numpy raises on a damaged header have no common base.
    except Exception as error:
        raise _damaged(path, f"{name} is cut short or is not an array ({error})") from None
    if array.dtype != dtype or array.shape != shape:
        raise _damaged(
            path, f"{name} holds {array.dtype} {array.shape}, but the manifest says {dtype.__name__} {shape}"
        )
    return array


def _read(path: Path, name: str, dtype: type[np.generic], shape: tuple[int, ...]) -> NDArray[Any]:
    return _open(path, name, dtype, shape).rows(np.arange(shape[0]))


def _damaged(path: Path, what: str) -> DataError:
    return DataError(f"The prepared set {path} is damaged: {what}; remove the folder and prepare it again.")
