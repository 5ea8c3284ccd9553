"""Files that are there whole or not at all.

Everything is written beside its place, flushed to the disk, and renamed: a rename is the one step
that a crash cannot split, so a reader sees the old state or the new one and never a mixture.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

from strangers.errors import StrangersError

if sys.platform != "win32":
    import fcntl

PARTIAL = ".partial-"
"""How the name of everything unfinished begins."""

UNFINISHED = re.compile(re.escape(PARTIAL) + r"(?P<name>.+)-(?P<process>\d+)-[0-9a-f]{4,8}")
"""The name of something unfinished: what it shall be called, and which process writes it."""


def write_atomically(path: Path, data: bytes) -> None:
    """Put `data` at `path`, replacing what was there, in one step. Raises OSError."""
    _tidy(path.parent)
    partial = _partial(path)
    try:
        with partial.open("wb") as file:
            _take(file.fileno(), wait=True)  # until one who asks whether it is taken has his answer
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

    After an exception nothing is left. Raises StrangersError if `final` exists, for no folder is replaced,
    and if another process is writing it.
    """
    if final.exists():
        raise StrangersError(f"{final} exists already; choose another place or remove it first.")
    final.parent.mkdir(parents=True, exist_ok=True)
    if final.name in remove_leftovers(final.parent):
        raise StrangersError(f"Another process is writing {final}; wait for it, or choose another place.")
    partial = _partial(final)
    partial.mkdir()
    try:
        with _taken(partial, wait=True):
            yield partial
            for path in (*partial.rglob("*"), partial):
                _sync_folder(path) if path.is_dir() else _sync_file(path)
            _put(partial, final)
    except BaseException as error:
        _name_place(error, final)
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _sync_folder(final.parent)


def _put(partial: Path, final: Path) -> None:
    """Let the folder `partial` become `final`. Raises StrangersError if that has come to be meanwhile."""
    try:
        os.rename(partial, final)
    except OSError:
        if not final.exists():
            raise
        raise StrangersError(
            f"Another process has written {final} meanwhile; use that, or choose another place."
        ) from None


def open_regular_file(path: Path) -> BinaryIO:
    """Open a file for reading. Raises OSError for a FIFO or a device, which could block for ever."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "Not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def remove_folder(folder: Path) -> None:
    """Remove a folder so that nobody ever finds a part of it. Raises OSError."""
    doomed = _partial(folder)
    os.rename(folder, doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def remove_leftovers(folder: Path, name: str = "") -> set[str]:
    """Remove what killed processes left in `folder`, of `name` or of anything; so leftovers never grow.

    Returns the names of what others hold locked, for they are writing it.
    """
    taken = set()
    for leftover in folder.glob(f"{PARTIAL}{name or '*'}-*-*"):
        parts = UNFINISHED.fullmatch(leftover.name)
        if parts is None:
            continue
        if _is_taken(leftover):
            taken.add(parts["name"])
        elif _is_running(parts["process"]):  # perhaps another one that has come by the same number
            continue
        elif leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            with suppress(OSError):
                leftover.unlink()
    return taken


@cache
def _tidy(folder: Path) -> None:
    """Remove leftovers, once: a folder with many files is not searched for each of them."""
    remove_leftovers(folder)


def lock(path: Path, *, wait: bool = False) -> BinaryIO:
    """A file that nobody else can lock until it is closed, or until its process ends, however it ends.

    The file stays. Raises BlockingIOError while another holds it, unless told to wait. Where there are no
    such locks, on Windows and on some disks of other machines, nobody is kept out.
    """
    file = path.open("ab")
    try:
        _take(file.fileno(), wait=wait)
    except BaseException:
        file.close()
        raise
    return file


def _take(descriptor: int, *, wait: bool = False) -> None:
    """Lock what is open, where that can be done. Raises BlockingIOError."""
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        raise
    except OSError:
        pass  # the disk has no locks


@contextmanager
def _taken(path: Path, *, wait: bool = False) -> Iterator[None]:
    """While it lasts, the file or folder is locked: processes of other machines leave it alone too."""
    if sys.platform == "win32":  # where a folder cannot be opened, nor removed while a file in it is open
        yield
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        _take(descriptor, wait=wait)
        yield
    finally:
        os.close(descriptor)


def _is_taken(path: Path) -> bool:
    """Whether somebody has it locked: a process of another machine, whose number says nothing here."""
    try:
        with _taken(path):
            return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def _name_place(error: BaseException, final: Path) -> None:
    """Let an error of the system name the place that the user knows; of a write it names none."""
    if isinstance(error, OSError) and error.errno and (not error.filename or PARTIAL in str(error.filename)):
        error.filename = str(final)


def _partial(final: Path) -> Path:
    """A new name beside `final`, with the number of the process that writes there."""
    return final.with_name(f"{PARTIAL}{final.name}-{os.getpid()}-{secrets.token_hex(4)}")


def _is_running(process: str) -> bool:
    """Whether there is a process of that number, other than this one."""
    if os.name != "posix" or int(process) == os.getpid():
        return False
    try:
        os.kill(int(process), 0)  # sends nothing
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


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
    with suppress(OSError):  # what is in it is there, and not every disk can flush a folder
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
