"""Figures in the documents: each that is marked is an entry of a record in benchmarks/results.

    <!--=celeba-64 values.fd-face-->5.58 ± 0.47<!--/-->
    <!--=celeba-64 memorization.spaces.0.fraction .1%-->0.2%<!--/-->

The comments name a JSON file, the place of the value in it, and, unless 4 digits do, how to format it. A
value with a standard error is shown with half of its 95% interval.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RECORDS = ROOT / "benchmarks" / "results"
DOCUMENTS = ("*.md", "docs/**/*.md", "benchmarks/results/*.md")
FIGURE = re.compile(r"<!--=(?P<record>\S+) (?P<place>\S+?)(?: (?P<format>\S+?))?-->(?P<text>.*?)<!--/-->")


class UnknownFigureError(Exception):
    """A figure that is not in the records."""


def rendered(text: str) -> str:
    """Return a document with its marked figures as the records have them. Raises UnknownFigureError."""
    return FIGURE.sub(_replaced, text)


def _replaced(found: re.Match[str]) -> str:
    mark = found[0][: found.start("text") - found.start()]
    return f"{mark}{figure(found['record'], found['place'], found['format'] or '.4g')}<!--/-->"


def figure(record: str, place: str, format: str = ".4g") -> str:
    """Return a figure as text. Raises UnknownFigureError."""
    value: Any = _record(record)
    try:
        for part in place.split("."):
            value = value[int(part)] if isinstance(value, list) else value[part]
    except (LookupError, ValueError, TypeError):
        raise UnknownFigureError(f"{RECORDS.name}/{record}.json has no {place}") from None
    number, error = (value["value"], value.get("error")) if isinstance(value, dict) else (value, None)
    text = f"{number:{format}}"
    return text if error is None else f"{text} ± {1.96 * error:.2g}"


@cache
def _record(name: str) -> Any:
    path = RECORDS / f"{name}.json"
    if not path.is_file():
        raise UnknownFigureError(f"there is no {path.relative_to(ROOT)}")
    return json.loads(path.read_text(encoding="utf-8"))


def documents() -> list[Path]:
    """Return the documents that may have figures."""
    return sorted(path for pattern in DOCUMENTS for path in ROOT.glob(pattern))
