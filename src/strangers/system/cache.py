"""The cache: files that can be made again."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from strangers.errors import StrangersError
from strangers.system.files import write_atomically


def cache_folder() -> Path:
    """Where what can be made again is kept: $XDG_CACHE_HOME/strangers, or ~/.cache/strangers.

    Raises StrangersError where the user has no home.
    """
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "strangers"
    except RuntimeError:
        raise StrangersError(
            "There is no place for the cache, as this user has no home: let XDG_CACHE_HOME name a folder."
        ) from None


def write_to_cache(path: Path, data: bytes) -> None:
    """Keep what was made, if there is a place for it: where there is none it is only made again."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)
