"""Atomic writes.

Everything is written under a temporary name in the same folder, flushed to the disk, and renamed. A rename is
atomic: a reader sees the old state or the new one, never a mixture.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
from contextlib import suppress
from functools import cache
from pathlib import Path

from strangers.system.machine import is_locked, is_running, lock_open_file
from strangers.system.streams import open_regular_file

PARTIAL = ".partial-"
"""Prefix of the names of unfinished files and folders."""

UNFINISHED = re.compile(re.escape(PARTIAL) + r"(?P<name>.+)-(?P<process>\d+)-[0-9a-f]{4,8}", re.DOTALL)
"""Name of an unfinished file or folder: its final name, perhaps shortened, and the process that writes it."""

LONG_NAME_BYTES = 40
"""Longer names are shortened in names of unfinished files, so that these are never too long."""

SYSTEM_FILES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX"})
"""Leftovers of operating systems."""


def write_atomically(path: Path, data: bytes | memoryview) -> None:
    """Write `data` to `path` atomically. A replaced file keeps its mode and owner. Raises OSError."""
    _tidy(path.parent)
    partial = partial_name(path)
    try:
        with partial.open("xb") as file:
            lock_open_file(file.fileno(), wait=True)  # waits while `is_locked` of another process tries it
            _copy_access(path, partial)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException as error:
        name_place(error, path)
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def append_whole(path: Path, data: bytes) -> None:
    """Append all of the lines in `data` or nothing, and none to a line that was cut. Raises OSError."""
    # Open for reading too, a FIFO does not wait for its reader: it cannot be searched, which is an error.
    with path.open("a+b", buffering=0) as file:
        before = file.seek(0, os.SEEK_END)
        if before:
            file.seek(before - 1)
            data = data if file.read(1) == b"\n" else b"\n" + data
        try:
            if file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        except OSError:
            file.truncate(before)
            raise


def _copy_access(old: Path, new: Path) -> None:
    """Copy owner and mode of the file `old`, if any, to `new`, as far as permissions allow."""
    with suppress(OSError):
        found = old.stat()
        with suppress(OSError, AttributeError):  # Windows lacks it
            os.chown(new, found.st_uid, found.st_gid)
        new.chmod(stat.S_IMODE(found.st_mode))


def remove_leftovers(folder: Path, name: str = "") -> set[str]:
    """Remove unfinished files of killed processes in `folder`, of `name` or of any name.

    Returns the names, shortened as in names of unfinished files, that other processes are writing now.
    """
    taken = set()
    for leftover in folder.glob(f"{PARTIAL}{short_name(name) if name else '*'}-*-*"):
        if (parts := UNFINISHED.fullmatch(leftover.name)) is None:
            continue
        if is_locked(leftover):
            taken.add(parts["name"])
        elif is_running(parts["process"]):  # or an unrelated process that got the same number
            continue
        elif leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            with suppress(OSError):
                leftover.unlink()
    return taken


_tidy = cache(remove_leftovers)
"""`remove_leftovers` once per process, since searching a large folder takes time."""


def name_place(error: BaseException, final: Path) -> None:
    """Replace the path of the unfinished file in an OSError by the final path, which the user knows."""
    if isinstance(error, OSError) and error.errno and (not error.filename or PARTIAL in str(error.filename)):
        error.filename = str(final)


def partial_name(final: Path) -> Path:
    """Return a new name in the folder of `final`, with the number of this process."""
    return final.with_name(f"{PARTIAL}{short_name(final.name)}-{os.getpid()}-{secrets.token_hex(4)}")


def short_name(name: str) -> str:
    """Return `name`; if it is long, its beginning and its hash."""
    data = os.fsencode(name)
    short = data[:16].decode(errors="ignore") + "~" + hashlib.sha256(data).hexdigest()[:16]
    return name if len(data) <= LONG_NAME_BYTES else short


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with open_regular_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_of(data: bytes) -> str:
    """Return the hash by which results name a file: the first 16 digits of the SHA-256 of its bytes.

    Bytes that are read once are hashed and used; a file that is read twice may change in between.
    """
    return hashlib.sha256(data).hexdigest()[:16]


def sync_folder(path: Path) -> None:
    with suppress(OSError):  # Windows cannot open folders, and some disks cannot flush them
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
