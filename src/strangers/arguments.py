"""What people type and read: numbers of images, changed fields, grids, names of pictures, parts, counts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from strangers.errors import UsageError

UNITS = {"": 1, "k": 1_000, "M": 1_000_000}

OTHER_PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".tif", ".tiff", ".webp")
"""Endings of a name that asks for a picture in another format than ours, PNG."""


def parse_images(text: str) -> int:
    """A number of images written as 50000, 100k or 1.5M. Raises UsageError."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([kM]?)", text)
    count = Decimal(match[1]) * UNITS[match[2]] if match else Decimal(0)
    if count < 1 or count != int(count):
        raise UsageError(f"{text!r} is not a number of images; write it as 50000, 100k or 1.5M.")
    return int(count)


def parse_changes(texts: Iterable[str]) -> dict[str, str]:
    """Values by recipe field, from texts such as "batch=64"; the last one counts. Raises UsageError."""
    changes = {}
    for text in texts:
        field, equals, value = text.partition("=")
        if not (field and equals):
            raise UsageError(f"--set {text}: write it as FIELD=VALUE, for instance --set batch=64.")
        changes[field] = value
    return changes


def parse_grid(text: str) -> tuple[int, int]:
    """Columns and rows, from a text such as "8x8". Raises UsageError."""
    match = re.fullmatch(r"([1-9][0-9]{0,3})x([1-9][0-9]{0,3})", text)
    if not match:
        raise UsageError(f"--grid {text}: write it as columns x rows, for instance 8x8.")
    return int(match[1]), int(match[2])


def parse_part(text: str) -> tuple[int, int]:
    """The part K of N, from a text such as "3/16". Raises UsageError."""
    match = re.fullmatch(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})", text)
    if not match or int(match[1]) > int(match[2]):
        raise UsageError(f"--part {text}: write it as K/N, for instance 3/16, with K from 1 to N.")
    return int(match[1]), int(match[2])


def is_picture(out: Path) -> bool:
    """Whether a name asks for one PNG rather than a folder. Raises UsageError for other formats."""
    if out.suffix.lower() in OTHER_PICTURES:
        raise UsageError(f"{out}: pictures are written as PNG; let --out end in .png, or name a folder.")
    return out.suffix.lower() == ".png"


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 face", "2,000 faces"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
