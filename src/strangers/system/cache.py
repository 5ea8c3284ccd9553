"""The cache: files that can be made or downloaded again."""

from __future__ import annotations

import hashlib
import http.client
import json
import mmap
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from strangers.errors import StrangersError
from strangers.system.files import UNFINISHED, remove_leftovers, sha256_of, write_atomically
from strangers.system.folders import remove_folder
from strangers.system.streams import progress_console, read_regular_file
from strangers.system.tensor_file import metadata_of

DOWNLOAD_TIMEOUT = 30
"""Seconds without a byte after which a download counts as interrupted."""

DOWNLOAD_BLOCK_BYTES = 2**20


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


@dataclass(frozen=True)
class CacheEntry:
    """A subfolder of the cache: its name, its number of files, and their size in bytes."""

    name: str
    files: int
    bytes: int


def cache_entries() -> list[CacheEntry]:
    """Return what the cache holds, by subfolder, in the order of their names. Raises StrangersError.

    Another process may add and remove files meanwhile; what it is removing is not counted.
    """
    found = []
    for folder in sorted(path for path in cache_folder().glob("*") if path.is_dir()):
        if not UNFINISHED.fullmatch(folder.name):
            sizes = list(_sizes(folder))
            found.append(CacheEntry(folder.name, len(sizes), sum(sizes)))
    return found


def _sizes(folder: Path) -> Iterator[int]:
    """Yield the sizes in bytes of the files below a folder that are there when they are looked at."""
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        for name in (*files, *links):
            with suppress(FileNotFoundError):
                yield os.lstat(os.path.join(place, name)).st_size


def clear_cache(name: str) -> bool:
    """Remove a subfolder of the cache, completely or not at all; return False if some of it remains.

    While another process writes into it, that process's unfinished files remain, and locks. Raises OSError.
    """
    folder = cache_folder() / name
    remove_leftovers(cache_folder())
    if not folder.is_symlink() and remove_leftovers(folder):
        for path in folder.iterdir():
            if UNFINISHED.fullmatch(path.name):
                continue
            if path.is_dir():
                remove_folder(path)
            elif path.suffix != ".lock":
                path.unlink(missing_ok=True)
        return False
    with suppress(FileNotFoundError):  # another process has just cleared it
        remove_folder(folder)
    return True


def write_to_cache(path: Path, data: bytes) -> None:
    """Write a file of the cache. A failure is ignored: the file is made again when it is needed."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)


def downloaded(url: str, sha256: str, path: Path, *, name: str, advice: str) -> Path:
    """Return `path`, which is downloaded from `url` unless it already has this SHA-256.

    An interrupted download is resumed as long as bytes arrive. Only the file with this SHA-256 is written.
    name: what the file is, for errors and for the progress bar, which is shown on a terminal.
    advice: a sentence that ends the error.
    Raises StrangersError.
    """
    try:
        if path.is_file() and sha256_of(path) == sha256:
            return path
        # An unnamed file, of which a killed process leaves nothing, on the disk of the cache: weights may be
        # larger than the memory.
        with tempfile.TemporaryFile(dir=next(one for one in path.parents if one.is_dir())) as file:
            _download(url, name, file)
            _check(file, sha256)
            path.parent.mkdir(parents=True, exist_ok=True)
            remove_leftovers(path.parent, path.name)
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data, memoryview(data) as view:
                write_atomically(path, view)
    except (OSError, http.client.HTTPException) as error:
        damaged = f" {path} is damaged." if path.exists() else ""
        raise StrangersError(f"Cannot download {name} from {url} ({error}).{damaged} {advice}") from None
    return path


def _download(url: str, name: str, file: BinaryIO) -> None:
    """Download into `file`, and resume after interruptions. Raises OSError and HTTPException."""
    while True:
        before = file.tell()
        try:
            return _receive(url, name, file)
        except (OSError, http.client.HTTPException):
            if file.tell() <= before:
                raise


def _check(file: BinaryIO, sha256: str) -> None:
    """Raise OSError unless `file` has this SHA-256."""
    file.seek(0)
    digest = hashlib.sha256()
    while block := file.read(DOWNLOAD_BLOCK_BYTES):
        digest.update(block)
    if digest.hexdigest() != sha256:
        length = file.tell()
        file.seek(0)
        is_page = file.read(256).lstrip().startswith(b"<")
        what = "a web page" if is_page else f"another file, of {length:,} bytes"
        raise OSError(f"the server sent {what}")


def _receive(url: str, name: str, received: BinaryIO) -> None:
    """Append the rest of a file to the bytes received so far."""
    from urllib.request import Request, urlopen

    from rich.progress import wrap_file

    console = progress_console()
    request = Request(url, headers={"Range": f"bytes={received.tell()}-"} if received.tell() else {})
    with urlopen(request, timeout=DOWNLOAD_TIMEOUT) as response:
        if response.status != http.client.PARTIAL_CONTENT:
            received.seek(0)
            received.truncate()
        with wrap_file(
            response, response.length or 0, description=name, console=console, disable=not console.is_terminal
        ) as file:
            while block := file.read(DOWNLOAD_BLOCK_BYTES):
                received.write(block)
        if response.length:
            raise http.client.IncompleteRead(b"", response.length)


def cached(
    folder: str, key: Mapping[str, Any], make: Callable[[], Cached], *, bundled: Path | None = None
) -> Cached:
    """Return the value for `key` from the cache, or `make` it and store it.

    folder: the cache's subfolder.
    key: everything that the value depends on, as JSON; the file's name is its hash.
    bundled: a read-only folder that is searched after the cache.
    A damaged file counts as absent.
    """
    found = find_cached(folder, key, bundled=bundled)
    if found is None:
        found = make()
        store_cached(folder, key, found)
    return found


def find_cached(folder: str, key: Mapping[str, Any], *, bundled: Path | None = None) -> Cached | None:
    """Return the value for `key` from the cache or from the folder `bundled`, or None."""
    found = read_cached(cache_folder() / folder / _file_name(key))
    return read_cached(bundled / _file_name(key)) if found is None and bundled is not None else found


def store_cached(folder: str, key: Mapping[str, Any], value: Cached) -> None:
    """Store a value under `key`. A failure is ignored."""
    write_to_cache(cache_folder() / folder / _file_name(key), to_bytes(value))


def _file_name(key: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24] + ".safetensors"


def to_bytes(value: Cached) -> bytes:
    """Serialize a value as safetensors whose metadata hold the facts and a SHA-256 of everything."""
    arrays = {name: np.ascontiguousarray(array) for name, array in value.arrays.items()}
    facts = json.dumps(value.facts)
    return bytes(save(arrays, {"facts": facts, "sha256": _digest(arrays, facts)}))


def read_cached(path: Path) -> Cached | None:
    """Return the value in a file, or None for a file that is absent or damaged."""
    try:
        return from_bytes(read_regular_file(path))
    except OSError:
        return None


def from_bytes(data: bytes) -> Cached | None:
    """Return the value that `to_bytes` serialized, or None for damaged bytes."""
    try:
        metadata, arrays = metadata_of(data), load(data)
        if _digest(arrays, metadata["facts"]) != metadata["sha256"]:
            return None
        facts = json.loads(metadata["facts"])
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    return Cached(arrays, facts) if isinstance(facts, dict) else None


def _digest(arrays: Mapping[str, NDArray[Any]], facts: str) -> str:
    digest = hashlib.sha256(facts.encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()
