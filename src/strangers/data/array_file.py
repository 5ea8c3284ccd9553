"""ArrayFile: rows of an array in a .npy file, read by position.

A file that shrinks while it is memory-mapped, or a disk that fails, ends the process with SIGBUS, which
Python cannot catch. Reads from an open file raise an error instead, and continue with the file that was
opened if another takes its name.
"""

from __future__ import annotations

import hashlib
import math
import os
import weakref
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from strangers.errors import DataError
from strangers.system.streams import open_regular_file

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


class ArrayFile:
    """An array (n, ...) in a .npy file in C order, which stays open.

    Attributes:
        path: of the file.
        shape, dtype: of the array.
        mapped: the array, memory-mapped; `rows` reads it safely.
    """

    def __init__(self, path: Path) -> None:
        """Open the file. Raises OSError, and ValueError and others for a file that holds no such array."""
        self.path = path
        with open_regular_file(path) as file:
            shape, fortran, self.dtype = _HEADERS[npy.read_magic(file)](file)
            if fortran or self.dtype.hasobject or not shape:
                raise ValueError("it is no array of numbers in C order, as numpy.ascontiguousarray returns")
            self.shape: tuple[int, ...] = shape
            self._start = file.tell()
            self._row_bytes = math.prod(shape[1:]) * self.dtype.itemsize
            length = os.fstat(file.fileno()).st_size - self._start - shape[0] * self._row_bytes
            if length:
                how = "longer" if length > 0 else "shorter"
                raise ValueError(f"it is {abs(length):,} B {how} than its header says")
            self.mapped: NDArray[Any] = np.memmap(file, self.dtype, "r", self._start, shape)
            self._file = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._file)

    def rows(self, positions: NDArray[np.int64]) -> NDArray[Any]:
        """Return the rows at `positions` as a new array (b, ...).

        Raises IndexError, and DataError for a file that was cut short or cannot be read.
        """
        if not hasattr(os, "preadv"):  # Windows, which lets nobody cut a mapped file
            return np.take(self.mapped, positions, axis=0)
        if len(positions) and not 0 <= positions.min() <= positions.max() < self.shape[0]:
            raise IndexError(f"positions must be between 0 and {self.shape[0] - 1}")
        found = np.empty((len(positions), *self.shape[1:]), self.dtype)
        neighbors = np.diff(positions) == 1
        edges = [0, *(np.flatnonzero(~neighbors) + 1).tolist(), len(positions)]
        into = found.reshape(-1).view(np.uint8).data
        for first, end in pairwise(edges):
            if first < end:
                self._read(into[first * self._row_bytes : end * self._row_bytes], int(positions[first]))
        return found

    def _read(self, into: memoryview, row: int) -> None:
        """Read rows from `row` on. Raises DataError."""
        start = self._start + row * self._row_bytes
        try:
            while into:
                count = os.preadv(self._file, [into], start)
                if count == 0:
                    raise DataError(
                        f"{self.path} was cut short while it was read: another program changed it. Make or "
                        "copy it again."
                    )
                into, start = into[count:], start + count
        except OSError as error:
            raise DataError(f"{self.path} cannot be read: {error.strerror}.") from None

    def sha256(self) -> str:
        """Return the SHA-256 of the open file, also where another file has its name now. Raises OSError."""
        with os.fdopen(os.dup(self._file), "rb") as file:
            file.seek(0)
            return hashlib.file_digest(file, "sha256").hexdigest()

    def read_ahead(self, positions: NDArray[np.int64]) -> None:
        """Start reading the rows at `positions` from the disk in the background, where the system can."""
        if hasattr(os, "posix_fadvise"):
            for start in (self._start + positions * self._row_bytes).tolist():
                os.posix_fadvise(self._file, start, self._row_bytes, os.POSIX_FADV_WILLNEED)
