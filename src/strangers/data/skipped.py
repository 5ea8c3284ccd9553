"""The list of files that a prepared set left out, skipped.csv."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from strangers.errors import DataError

MAX_FIELD = 2**24
"""Characters of a name that is read back; a tar's header holds a million bytes, most of them escaped."""


def read_skipped(folder: Path) -> list[tuple[str, str]]:
    """Return (name, reason) of every file that the prepared set in `folder` left out. Raises DataError."""
    path = folder / "skipped.csv"
    limit = csv.field_size_limit(MAX_FIELD)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [(row[0], row[1]) for row in list(csv.reader(file))[1:]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, IndexError, csv.Error) as error:
        raise DataError(f"{path} cannot be read ({error}); prepare the set again.") from None
    finally:
        csv.field_size_limit(limit)


def count_reasons(reasons: Iterable[str]) -> dict[str, int]:
    """Count reasons without what differs from file to file, the most frequent first."""
    return dict(
        Counter(re.sub(r"^[0-9]+x[0-9]+ ", "", reason.split(": ")[0]) for reason in reasons).most_common()
    )


def shorten(name: str, length: int = 200) -> str:
    """Return a name for a message or a page, cut in its middle."""
    return name if len(name) <= length else f"{name[: length // 2]}...{name[-length // 2 :]}"
