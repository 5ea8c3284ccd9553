"""A disk on which the n-th change fails."""

from __future__ import annotations

import builtins
import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from safetensors.torch import save_file

CHANGES = ("replace", "rename", "mkdir", "unlink", "remove", "rmdir", "fsync")
"""Functions of `os` that change the disk, besides `open` and `write`."""


class Disk:
    """Counts the changes, and lets one of them fail.

    Attributes:
        fails_at: the number of that one, from 1; none if None.
        failed: which one it was, as words; empty before.
    """

    def __init__(self, fails_at: int | None, code: int) -> None:
        self.fails_at, self.code = fails_at, code
        self.failed = ""
        self._made = 0

    def change(self, what: str) -> None:
        """Note a change. Raises OSError if it is the one that fails."""
        self._made += 1
        if self._made == self.fails_at:
            self.failed = what
            raise OSError(self.code, os.strerror(self.code), what)

    def failing(self, what: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which is a change."""

        def changed(*arguments: Any, **named: Any) -> Any:
            self.change(what)
            return function(*arguments, **named)

        return changed

    def opening(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`open`, which is a change where the file is opened for writing; so is each `write` that follows."""

        def opened(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
            if not set(mode) & set("wax+"):
                return function(file, mode, *arguments, **named)
            self.change(f"open {file}")
            stream = function(file, mode, *arguments, **named)
            stream.write = self.failing(f"write {file}", stream.write)
            return stream

        return opened


@contextmanager
def disk(fails_at: int | None = None, code: int = errno.EIO) -> Iterator[Disk]:
    """A disk whose change of that number fails, while the block lasts."""
    disk = Disk(fails_at, code)
    with pytest.MonkeyPatch.context() as patch:
        for name in CHANGES:
            patch.setattr(os, name, disk.failing(name, getattr(os, name)))
        patch.setattr(io, "open", disk.opening(io.open))
        patch.setattr(builtins, "open", disk.opening(builtins.open))
        # Tensors are written by code that is not Python.
        patch.setattr("strangers.training.checkpoint.save_file", disk.failing("save_file", save_file))
        yield disk
