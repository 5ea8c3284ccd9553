"""Files that are there whole or not at all.

Everything is written beside its place, flushed to the disk, and renamed: a rename is the one step
that a crash cannot split, so a reader sees the old state or the new one and never a mixture.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from strangers.errors import StrangersError

PARTIAL = ".partial-"
"""How the name of everything unfinished begins."""


def write_atomically(path: Path, data: bytes) -> None:
    """Put `data` at `path`, replacing what was there, in one step. Raises OSError."""
    partial = _partial(path)
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException as error:
        _name_place(error, path)
        partial.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


@contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """A temporary folder beside `final`, which becomes `final` when the block ends without an exception.

    After an exception nothing is left. Raises StrangersError if `final` exists: no folder is replaced.
    """
    if final.exists():
        raise StrangersError(f"{final} exists already; choose another place or remove it first.")
    final.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(final.parent, final.name)
    partial = _partial(final)
    partial.mkdir()
    try:
        yield partial
        for file in partial.rglob("*"):
            if file.is_file():
                _sync_file(file)
        os.rename(partial, final)
    except BaseException as error:
        _name_place(error, final)
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _sync_folder(final.parent)


def remove_leftovers(folder: Path, name: str = "") -> None:
    """Remove what killed processes left in `folder`, of `name` or of anything; so leftovers never grow."""
    for leftover in folder.glob(f"{PARTIAL}{name or '*'}-*-*"):
        if _is_running(leftover.name.rsplit("-", 2)[1]):
            continue
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def _name_place(error: BaseException, final: Path) -> None:
    """Let an error of the system name the place that the user knows; of a write it names none."""
    if isinstance(error, OSError) and error.errno and (not error.filename or PARTIAL in str(error.filename)):
        error.filename = str(final)


def _partial(final: Path) -> Path:
    """A new name beside `final`, with the number of the process that writes there."""
    return final.with_name(f"{PARTIAL}{final.name}-{os.getpid()}-{secrets.token_hex(4)}")


def _is_running(process: str) -> bool:
    """Whether there is a process of that number, other than this one."""
    if os.name != "posix" or not process.isdecimal() or int(process) == os.getpid():
        return False
    try:
        os.kill(int(process), 0)  # sends nothing
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def cache_folder() -> Path:
    """Where what can be made again is kept: $XDG_CACHE_HOME/strangers, or ~/.cache/strangers."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "strangers"


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened, and a rename is flushed with the file
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
