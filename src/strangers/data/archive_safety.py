"""Checks of archives: members that reach outside, bombs, damage, and pages that were saved as archives."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

from strangers.errors import DataError

MAX_RATIO = 200
"""Unpacked bytes per byte of an archive. Photographs hardly shrink."""

ALWAYS_UNPACKED_BYTES = 2**28
"""Unpacked bytes that are allowed whatever the archive's size."""


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Raise DataError for any damage to the archive `path`, whose reader's errors have no common base."""
    try:
        yield
    except (DataError, MemoryError, GeneratorExit):
        raise
    except Exception as error:
        raise unreadable(path, error) from None


def refuse_outside(path: Path, name: str) -> None:
    """Raise DataError if the member `name` of the archive `path` points outside of it.

    A colon alone, as in "a:1.jpg", is part of a name.
    """
    outside = PurePosixPath(name).is_absolute() or PureWindowsPath(name).root
    if outside or ".." in PurePosixPath(name.replace("\\", "/")).parts:
        raise DataError(f"The archive {path} is refused: its member {name!r} points outside of it.")


def refuse_bomb(path: Path, unpacked: int) -> None:
    """Raise DataError if the archive `path` unpacks to many more bytes than archives of photographs do."""
    if unpacked > max(ALWAYS_UNPACKED_BYTES, MAX_RATIO * path.stat().st_size):
        raise DataError(
            f"The archive {path} is refused: it unpacks to more than {MAX_RATIO} times its size, as no "
            "photographs do; unpack it yourself if you trust it, and name the folder."
        )


def unreadable(path: Path, error: Exception) -> DataError:
    """Return the error for the archive `path` that cannot be opened."""
    if _is_html(path):
        return DataError(
            f"The file {path} is not an archive but an HTML page, probably a download quota's notice; open "
            "it in a browser to see what it says, and download the archive again."
        )
    reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(":")
    return DataError(
        f"The archive {path} cannot be read ({reason}); it may be damaged or cut short: download it again."
    )


def _is_html(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    except OSError:
        return False
    return start.startswith((b"<!doctype html", b"<html"))


def link_target(link: str, target: str) -> str:
    """Return the path within the archive that a symbolic link points to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(link), target.replace("\\", "/")))


def dangling_link(target: str) -> str:
    """Return the reason why a link is skipped."""
    return f"a link to what is not a file of the archive: {target[:200]!r}"
