"""JSON files of a run, whose last field is the SHA-256 of the others, so that damage is found."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from strangers.system.files import write_atomically
from strangers.system.streams import read_regular_file


def write_json(path: Path, fields: dict[str, Any]) -> None:
    """Write a JSON file with its digest, atomically. Raises OSError."""
    write_atomically(path, json.dumps(fields | {"sha256": _digest(fields)}, indent=1).encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file of `write_json`. Raises OSError, and ValueError or TypeError if it was changed."""
    fields = dict(json.loads(read_regular_file(path)))
    if fields.pop("sha256", None) != _digest(fields):
        raise ValueError("its content does not match its SHA-256")
    return fields


def is_damaged(path: Path) -> bool:
    """Return whether the file is missing, unreadable or changed."""
    try:
        read_json(path)
        return False
    except (OSError, ValueError, TypeError, RecursionError):
        return True


def _digest(fields: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields).encode()).hexdigest()
