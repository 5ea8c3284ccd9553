"""Parts of a source, which are prepared separately and merged: their bounds and their common listing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from strangers.data.annotations import Labels
from strangers.errors import UsageError


def fingerprint(names: Iterable[str], labels: Labels | None = None) -> str:
    """Return the SHA-256 of a listing of files and of their labels."""
    digest = hashlib.sha256(b"" if labels is None else labels.values.tobytes())
    for name in (*names, *(() if labels is None else labels.names)):
        # Names of files may be bytes that are not UTF-8, which Python holds as surrogates.
        digest.update(name.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()


def part_bounds(files: int, part: tuple[int, int]) -> tuple[int, int]:
    """Return where the part (k, n) of so many files begins and ends; n parts make the whole, none is empty.

    Raises UsageError for a part that cannot be.
    """
    number, parts = part
    if not 1 <= number <= parts:
        raise UsageError(f"Parts of {parts} are numbered from 1 to {parts} (got {number}/{parts}).")
    if parts > files:
        raise UsageError(f"{files:,} files cannot be divided into {parts:,} parts.")
    return (number - 1) * files // parts, number * files // parts
