"""Write a prepared set image by image, without knowing their number in advance."""

from __future__ import annotations

import csv
import hashlib
import io
import struct
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from strangers.data.checksums import CHECKSUMS, PREVIEW, SUMS, Checksums, checksums_of, write_sums
from strangers.data.prepared import HELD_OUT, Manifest, positions
from strangers.images import encode_png, grid
from strangers.system.files import write_atomically
from strangers.system.streams import printable

_FILES = (
    "manifest.json",
    "images.npy",
    "names.txt",
    "skipped.csv",
    "attributes.npy",
    PREVIEW,
    CHECKSUMS,
    SUMS,
)

SET_FILES = (*_FILES, *(f"{HELD_OUT}/{name}" for name in _FILES))
"""The files that a set can have; each has the first, which names this program."""

NPY_HEADER_BYTES = 128

PREVIEW_COLUMNS = 10
PREVIEW_SIDE = 128
"""The preview shows 10 x 10 images of at most 128 px."""


class Writer:
    """The files of an unfinished prepared set; the manifest and the sums, written last, complete it.

    Attributes:
        names: of the images written.
        skipped: number of files that were left out.
        originals: number of photographs by width x height.
        traits: number of aligned images by trait.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self.names: list[str] = []
        self.skipped = 0
        self.originals: Counter[str] = Counter()
        self.traits: Counter[str] = Counter()
        self._folder = folder
        self._size = size
        self._digest = hashlib.sha256()
        self._checksums: list[Checksums] = []
        with ExitStack() as files:
            self._images = files.enter_context((folder / "images.npy").open("wb"))
            self._images.write(npy_header((0, size, size, 3)))
            self._skips = files.enter_context(
                (folder / "skipped.csv").open("w", encoding="utf-8", newline="")
            )
            self._rows = csv.writer(self._skips, lineterminator="\n")
            self._rows.writerow(("name", "reason"))
            self._files = files.pop_all()

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    @property
    def count(self) -> int:
        """Number of images written."""
        return len(self.names)

    def add(
        self,
        names: Sequence[str],
        images: NDArray[np.uint8],
        problems: Sequence[str],
        originals: Sequence[str] = (),
        traits: Sequence[Sequence[str]] = (),
    ) -> None:
        """Append `images` with the names that have no problem; list the other names as skipped."""
        self.originals.update(originals)
        self.traits.update(trait for each in traits for trait in each)
        for name, problem in zip(names, problems, strict=True):
            if problem:
                self._rows.writerow((printable(name), printable(problem)))
                self.skipped += 1
            else:
                self.names.append(printable(name))
        self._checksums.append(checksums_of(images))
        pixels = np.ascontiguousarray(images).data
        self._digest.update(pixels)
        self._images.write(pixels)

    def flush(self) -> None:
        """Flush the buffers to the files."""
        self._images.flush()
        self._skips.flush()

    def hash(self) -> str:
        """Return the SHA-256 of the pixels and the names so far."""
        digest = self._digest.copy()
        digest.update(self._lines().encode())
        return digest.hexdigest()

    def finish(self, manifest: Manifest, attributes: NDArray[np.int8] | None) -> None:
        """Write the parts that are known only at the end."""
        self._images.seek(0)
        self._images.write(npy_header((self.count, self._size, self._size, 3)))
        self._images.close()
        self._skips.close()
        (self._folder / "names.txt").write_text(self._lines(), encoding="utf-8", newline="\n")
        if attributes is not None:
            (self._folder / "attributes.npy").write_bytes(_npy(attributes))
        (self._folder / CHECKSUMS).write_bytes(_npy(np.concatenate(self._checksums)))
        (self._folder / PREVIEW).write_bytes(_preview(np.load(self._folder / "images.npy", mmap_mode="r")))
        write_atomically(self._folder / "manifest.json", (manifest.model_dump_json(indent=2) + "\n").encode())
        write_sums(self._folder)

    def _lines(self) -> str:
        return "".join(f"{name}\n" for name in self.names)


def _preview(images: NDArray[np.uint8]) -> bytes:
    """Return a PNG of PREVIEW_COLUMNS x PREVIEW_COLUMNS images of the set, chosen at random and in order."""
    count = min(len(images), PREVIEW_COLUMNS**2)
    chosen = images[np.sort(positions(len(images), count, 0, 0))]
    if chosen.shape[1] > PREVIEW_SIDE:
        side = (PREVIEW_SIDE, PREVIEW_SIDE)
        chosen = np.stack([np.asarray(Image.fromarray(image).resize(side)) for image in chosen])
    return encode_png(grid(chosen, min(count, PREVIEW_COLUMNS)))


def _npy(array: NDArray[Any]) -> bytes:
    """Return a whole .npy file. numpy itself reports no error when it writes to a full disk."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def npy_header(shape: tuple[int, ...]) -> bytes:
    """Return the header of a .npy file (version 1.0) of uint8 in C order, NPY_HEADER_BYTES long.

    The length is constant, so the header can be rewritten when the number of images is known.
    """
    fields = {"descr": "|u1", "fortran_order": False, "shape": shape}
    text = repr(fields).encode("latin-1").ljust(NPY_HEADER_BYTES - 11) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text
