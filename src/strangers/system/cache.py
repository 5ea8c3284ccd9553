"""The cache: files that can be made again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from strangers.errors import StrangersError
from strangers.system.files import write_atomically


@dataclass(frozen=True)
class Cached:
    """A value as the cache stores it.

    Attributes:
        arrays: by name.
        facts: everything else, as JSON.
    """

    arrays: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Any]


def cache_folder() -> Path:
    """Return the cache's folder: $XDG_CACHE_HOME/strangers, or ~/.cache/strangers.

    Raises StrangersError for a user without a home folder.
    """
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "strangers"
    except RuntimeError:
        raise StrangersError(
            "The cache has no folder because this user has no home: set XDG_CACHE_HOME to a folder."
        ) from None


def write_to_cache(path: Path, data: bytes) -> None:
    """Write a file of the cache. A failure is ignored: the file is made again when it is needed."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)


def cached(
    folder: str, key: Mapping[str, Any], make: Callable[[], Cached], *, bundled: Path | None = None
) -> Cached:
    """Return the value for `key` from the cache, or `make` it and store it.

    folder: the cache's subfolder.
    key: everything that the value depends on, as JSON; the file's name is its hash.
    bundled: a read-only folder that is searched after the cache.
    A damaged file counts as absent.
    """
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24] + ".safetensors"
    path = cache_folder() / folder / name
    for candidate in (path, *([] if bundled is None else [bundled / name])):
        if (found := read_cached(candidate)) is not None:
            return found
    made = make()
    write_to_cache(path, to_bytes(made))
    return made


def to_bytes(value: Cached) -> bytes:
    """Serialize a value as safetensors whose metadata hold the facts and a SHA-256 of everything."""
    arrays = {name: np.ascontiguousarray(array) for name, array in value.arrays.items()}
    facts = json.dumps(value.facts)
    return bytes(save(arrays, {"facts": facts, "sha256": _digest(arrays, facts)}))


def read_cached(path: Path) -> Cached | None:
    """Return the value in a file, or None for a file that is absent or damaged."""
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata()
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dict)
        if _digest(arrays, metadata["facts"]) != metadata["sha256"]:
            return None
        return Cached(arrays, json.loads(metadata["facts"]))
    except (OSError, SafetensorError, KeyError, ValueError, TypeError):
        return None


def _digest(arrays: Mapping[str, NDArray[Any]], facts: str) -> str:
    digest = hashlib.sha256(facts.encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()
