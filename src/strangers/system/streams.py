"""The standard streams as they may be: closed, in another encoding, without a reader, on a full disk."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import TextIO


def make_usable() -> None:
    """Open nothing in place of closed streams, and let any name be printed.

    The next file to be opened would take a closed stream's number, and have in it what is printed. A name may
    have characters that the terminal's encoding lacks, or bytes that are no text.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it takes the lowest free number, which is this one
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            stream = os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False)
            setattr(sys, name, stream)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def flush_or_discard() -> None:
    """Let go of output that cannot be written, so that Python does not fail once more as it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Forgiving(io.TextIOBase):
    """A stream for lines that may be lost: what `file` does not take any more is left out."""

    def __init__(self, file: TextIO) -> None:
        self.file = file

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.file.encoding

    def isatty(self) -> bool:
        return self.file.isatty()

    def fileno(self) -> int:
        return self.file.fileno()

    def write(self, text: str, /) -> int:
        with suppress(OSError):
            self.file.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self.file.flush()
