"""Shared options, and parsers of option values such as image counts, recipe changes and grids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from strangers.commands import completion
from strangers.errors import UsageError

ModelName = Annotated[
    str,
    Argument(
        metavar="MODEL",
        help="A model file, run, checkpoint, celeba-32, -64 or -128, or hf:OWNER/NAME.",
        autocompletion=completion.models,
    ),
]
Force = Annotated[bool, Option("--force", help="Replace files that this command did not write.")]
Device = Annotated[
    str,
    Option(
        metavar="NAME",
        help="auto, cpu, cuda, cuda:1 or mps.",
        autocompletion=completion.one_of("auto", "cpu", "cuda", "mps"),
    ),
]

UNITS = {"": 1, "k": 1_000, "M": 1_000_000}

OTHER_PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".tif", ".tiff", ".webp")
"""Suffixes of picture formats that are not written; pictures are PNG."""

COLUMNS = 9
"""Columns of a strip over a range of strengths: -2..2 has steps of 0.5, with the unedited face at 0."""

MAX_FACES = 10_000
"""Maximum number of faces in a picture, or of frames in an animation."""

MAX_STRENGTH = 100
"""Maximum strength, in standard deviations of the latents."""


def parse_images(text: str) -> int:
    """Parse a number of images, written as 50000, 100k or 1.5M. Raises UsageError."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([kM]?)", text)
    count = Decimal(match[1]) * UNITS[match[2]] if match else Decimal(0)
    if count < 1 or count != int(count):
        raise UsageError(f"Invalid number of images {text!r}; write it as 50000, 100k or 1.5M.")
    return int(count)


def parse_changes(texts: Iterable[str]) -> dict[str, str]:
    """Parse recipe changes such as "batch=64" into values by field; the last one wins. Raises UsageError."""
    changes = {}
    for text in texts:
        field, equals, value = text.partition("=")
        if not (field and equals):
            raise UsageError(f"--set {text}: write it as FIELD=VALUE, for instance --set batch=64.")
        changes[field] = value
    return changes


def parse_grid(text: str) -> tuple[int, int]:
    """Parse columns and rows, written as "8x8". Raises UsageError."""
    match = re.fullmatch(r"([1-9][0-9]{0,3})x([1-9][0-9]{0,3})", text)
    if not match:
        raise UsageError(f"--grid {text}: write it as columns x rows, for instance 8x8.")
    return int(match[1]), int(match[2])


def parse_part(text: str) -> tuple[int, int]:
    """Parse a part, written as "3/16", into (3, 16). Raises UsageError."""
    match = re.fullmatch(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})", text)
    if not match or int(match[1]) > int(match[2]):
        raise UsageError(f"--part {text}: write it as K/N, for instance 3/16, with K from 1 to N.")
    return int(match[1]), int(match[2])


def parse_share(text: str, option: str) -> float:
    """Parse a share, written as "10%" or "0.1". Raises UsageError, which names the option."""
    match = re.fullmatch(r"([0-9]+\.?[0-9]*|\.[0-9]+)(%?)", text)
    if not match:
        raise UsageError(f"{option} {text}: write it as a share, for instance 10%.")
    return float(match[1]) / (100 if match[2] else 1)


def parse_where(text: str) -> dict[str, bool]:
    """Parse attribute conditions, written as "Smiling=1,Eyeglasses=0". Raises UsageError."""
    wanted: dict[str, bool] = {}
    for part in text.split(","):
        name, _, value = (end.strip() for end in part.partition("="))
        if not name or value not in ("0", "1"):
            raise UsageError(
                f"--where {text}: write it as NAME=1 or NAME=0, for instance Smiling=1,Eyeglasses=0."
            )
        if name in wanted:
            raise UsageError(f"--where {text}: {name} is repeated; remove one.")
        wanted[name] = value == "1"
    return wanted


def parse_strengths(text: str) -> list[float]:
    """Parse edit strengths, written as "-2,0,2", or as "-2..2" for nine of them. Raises UsageError."""
    first, dots, last = text.partition("..")
    parts = [first, last] if dots else text.split(",")
    number = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)\s*")
    if not all(number.fullmatch(part) for part in parts):
        raise UsageError(f"--strengths {text}: write them as -2..2, or one by one as -2,0,2.")
    strengths = [float(part) for part in parts]
    if any(abs(strength) > MAX_STRENGTH for strength in strengths):
        raise UsageError(
            f"--strengths {text}: the maximum is {MAX_STRENGTH}, and the minimum -{MAX_STRENGTH}."
        )
    if not dots:
        return strengths
    step = (strengths[1] - strengths[0]) / (COLUMNS - 1)
    return [strengths[0] + column * step for column in range(COLUMNS)]


STDOUT = Path("-")
"""The value of --out that means standard output."""


def is_picture(out: Path) -> bool:
    """Return True for a PNG file or standard output, False for a folder. Raises UsageError otherwise."""
    if out.suffix.lower() in OTHER_PICTURES:
        raise UsageError(f"{out}: pictures are PNG files; end --out in .png, or pass a folder.")
    return out == STDOUT or out.suffix.lower() == ".png"


def written_to(out: Path) -> list[Path]:
    """Return the files that --out names: none for standard output."""
    return [] if out == STDOUT else [out]


def place_of(out: Path) -> str:
    """Return --out in words."""
    return "standard output" if out == STDOUT else str(out)


def plural(number: int, noun: str) -> str:
    """Format a number and a noun: "1 face", "2,000 faces"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def parse_names(text: str) -> tuple[str, ...]:
    """Names in a text such as "quick,fid768"."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def require_few(faces: int) -> None:
    """Raise UsageError for more faces than one picture or animation holds."""
    if faces > MAX_FACES:
        raise UsageError(f"A picture has at most {MAX_FACES:,} faces (got {faces:,}); use fewer.")


def check_texts(texts: Mapping[str, str | None]) -> None:
    """Raise UsageError for an option that is not UTF-8, which no header, manifest or page can hold."""
    for name, text in texts.items():
        try:
            (text or "").encode()
        except UnicodeEncodeError:
            raise UsageError(f"--{name} must be text in UTF-8 (got {text!r}).") from None
