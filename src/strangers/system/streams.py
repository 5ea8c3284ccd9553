"""Streams that are closed, lack characters, have no reader or no writer, or write to a full disk."""

from __future__ import annotations

import errno
import html
import io
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

_levels = [0]
"""Verbosity of the commands in progress, the innermost last: -1 with --quiet, 1 with --verbose."""


@contextmanager
def verbosity(*, quiet: bool = False, verbose: bool = False) -> Iterator[None]:
    """Print less or more in the block."""
    _levels.append(int(verbose) - int(quiet))
    try:
        yield
    finally:
        _levels.pop()


def is_quiet() -> bool:
    """Return True with --quiet: only results, warnings and errors are printed."""
    return _levels[-1] < 0


def is_verbose() -> bool:
    """Return True with --verbose: details are printed too."""
    return _levels[-1] > 0


def detail(*lines: str) -> None:
    """Print lines on standard error with --verbose."""
    if is_verbose():
        echo(*lines, error=True)


def write_bytes(data: bytes) -> None:
    """Write bytes on standard output. Raises OSError."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def open_regular_file(path: Path) -> io.BufferedReader:
    """Open a file for reading. Raises OSError for a FIFO or a device, which could block for ever."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "Not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def read_regular_file(path: Path) -> bytes:
    """Return the content of a file. Raises OSError as `open_regular_file` does."""
    with open_regular_file(path) as file:
        return file.read()


def progress_console() -> Console:
    """Return a console on standard error; progress is shown if its `is_terminal` is true.

    It is false with --quiet too.
    """
    from rich.console import Console

    return Console(stderr=True, force_terminal=False if is_quiet() else None)


def echo(*lines: str, error: bool = False) -> None:
    """Print lines on standard output, or on standard error; `printable`, for they may contain names.

    Raises OSError on standard output.
    """
    for line in lines:
        print(printable(line), file=sys.stderr if error else sys.stdout)


def printable(text: str) -> str:
    """Return text on one line that any encoding can represent, with unprintable characters escaped.

    Names of files, people and models may contain line breaks, bytes that are no text, characters that
    control a terminal, and marks that reorder what it shows.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def one_line(text: str) -> str:
    """Return the text on one line, without control characters and marks that reorder text."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+", " ", text)


def markdown_text(text: str) -> str:
    """Return Markdown that shows the text as it is, on one line."""
    return re.sub(r"([\\`*\[\]~#]|(?<!\w)_|_(?!\w))", r"\\\1", html.escape(one_line(text), quote=False))


def make_usable() -> None:
    """Replace closed standard streams by /dev/null, and make any file name printable.

    Otherwise the next opened file would get the number of a closed stream, and printed text would be written
    to it. A file name may have characters that the encoding of the terminal lacks.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest free number, which is this one
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            stream = os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False)
            setattr(sys, name, stream)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    # A terminal that was closed must not change how a command ends.
    sys.stderr = Forgiving(sys.stderr)


def flush_or_discard() -> None:
    """Discard output that cannot be written, so that Python does not fail at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Forgiving(io.TextIOBase):
    """A stream that ignores errors of `file`, for lines that may be lost."""

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
