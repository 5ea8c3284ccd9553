"""Atomic writes, and protection of the user's files.

Everything is written under a temporary name in the same folder, flushed to the disk, and renamed. A rename is
atomic: a reader sees the old state or the new one, never a mixture.

`check_outputs` and `write_output` protect files of the user: a command replaces only its own earlier output.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Literal

from strangers.errors import StrangersError, UsageError
from strangers.system.machine import is_locked, is_running, lock_open_file, locked
from strangers.system.streams import open_regular_file

PARTIAL = ".partial-"
"""Prefix of the names of unfinished files and folders."""

UNFINISHED = re.compile(re.escape(PARTIAL) + r"(?P<name>.+)-(?P<process>\d+)-[0-9a-f]{4,8}", re.DOTALL)
"""Name of an unfinished file or folder: its final name, perhaps shortened, and the process that writes it."""

LONG_NAME_BYTES = 40
"""Longer names are shortened in names of unfinished files, so that these are never too long."""

SYSTEM_FILES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX"})
"""Leftovers of operating systems."""

Kind = Literal[
    "picture", "comparison", "exploration", "evaluation", "statistics", "latent", "export", "attributes"
]
"""Kind of an output. A file is replaced by an output of the same kind only."""

outputs: list[Path] = []
"""Files that `write_output` has written, for the report of an interrupted command."""
_MARKED_BYTES = 2**20

_MARKS: tuple[tuple[Kind, bytes], ...] = (
    ("comparison", rb"\A\x89PNG.*\0strangers .*/compositeWithTrainedAlgorithmicMedia<"),
    ("picture", rb"\A\x89PNG.*\0strangers .*/trainedAlgorithmicMedia<"),
    ("picture", rb"\ARIFF.*/trainedAlgorithmicMedia<.*CreatorTool>strangers "),
    ("picture", rb"\A(GIF8|....ftyp).*Software: strangers "),
    ("export", rb'\A.{8}\{"__metadata__":\{"strangers":.*"dtype":"F16"'),
    ("export", rb"\A\x08.*\n\x09strangers\x12"),
    ("attributes", rb'\A.{8}\{"__metadata__":\{"strangers-attributes":'),
    ("statistics", rb'\A.{8}\{"__metadata__":\{.{0,80}"facts":"\{\\"statistics\\":'),
    ("statistics", rb"\APK.*conditions\.npy"),
)
"""Marks in the first and last bytes of binary outputs: pictures, model files, ONNX."""

_KEYS: tuple[tuple[Kind, set[str]], ...] = (
    ("latent", {"model_hash", "latent"}),
    ("evaluation", {"values", "versions", "hardware"}),
    ("comparison", {"rows", "differences"}),
    ("exploration", {"originals", "duplicates", "skipped_files"}),
)
"""Fields of JSON outputs."""

_SIGNATURE = re.compile(rb"<!-- strangers (?P<kind>[a-z]+) (?P<sha256>[0-9a-f]{64}) -->\n\Z")


def check_outputs(
    *paths: Path, kind: Kind, inputs: Iterable[str | Path | None] = (), force: bool = False
) -> None:
    """Raise UsageError unless a command may write its outputs to `paths`. Call it before any work.

    It may write new files, and replace files of the same kind that a command wrote. With `force` it may also
    replace other files, and its `inputs`. Folders, pipes and devices are never replaced.
    """
    read = [Path(name) for name in inputs if name is not None and os.path.exists(name)]
    for path in paths:
        place = Path(os.path.realpath(path))  # as `write_output` resolves a link
        if not os.path.exists(place):
            continue
        mode = place.stat().st_mode
        if not stat.S_ISREG(mode):
            what = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            raise UsageError(f"{path} is {what}; choose another --out.")
        if force:
            continue
        if any(place.samefile(name) for name in read):
            raise UsageError(f"{path} is an input of this command; choose another --out, or pass --force.")
        if _kind_of(place) != kind:
            raise UsageError(
                f"{path} exists, and this command did not write it; choose another --out, or pass --force."
            )


def write_output(path: Path, data: bytes, *, kind: Kind, force: bool = False) -> None:
    """Write an output of a command, and create its folder if necessary.

    A symbolic link is kept; its target is written. Raises UsageError as `check_outputs` does, and OSError.
    """
    check_outputs(path, kind=kind, force=force)
    path = path.resolve() if path.is_symlink() else path
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, data)
    outputs.append(path)


def signed(text: str, kind: Kind) -> bytes:
    """Return HTML or Markdown with a signature in a last comment, which an edit invalidates."""
    data = text.encode(errors="backslashreplace")
    return data + f"<!-- strangers {kind} {hashlib.sha256(data).hexdigest()} -->\n".encode()


def _kind_of(path: Path) -> str | None:
    """Return the kind of the output that strangers wrote at `path`; None for any other file."""
    with path.open("rb") as file:
        start = file.read(_MARKED_BYTES)
        if re.match(rb"\A(\x89PNG|RIFF|GIF8|....ftyp|\x08|PK|.{8}\{\")", start, re.DOTALL):
            file.seek(max(len(start), path.stat().st_size - _MARKED_BYTES))
            marked = start + file.read()
            found = (kind for kind, mark in _MARKS if re.search(mark, marked, re.DOTALL))
            return next(found, None)
        data = start + file.read()
    if signature := _SIGNATURE.search(data):
        is_whole = hashlib.sha256(data[: signature.start()]).hexdigest() == signature["sha256"].decode()
        return signature["kind"].decode() if is_whole else None
    if data.startswith(b"row,metric,value,"):
        return "comparison"
    try:
        fields = set(json.loads(data))
    except (ValueError, TypeError, RecursionError):
        return None
    return next((kind for kind, keys in _KEYS if keys <= fields), None)


def write_atomically(path: Path, data: bytes | memoryview) -> None:
    """Write `data` to `path` atomically. A replaced file keeps its mode and owner. Raises OSError."""
    _tidy(path.parent)
    partial = _partial(path)
    try:
        with partial.open("xb") as file:
            lock_open_file(file.fileno(), wait=True)  # waits while `is_locked` of another process tries it
            _copy_access(path, partial)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException as error:
        _name_place(error, path)
        partial.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _copy_access(old: Path, new: Path) -> None:
    """Copy owner and mode of the file `old`, if any, to `new`, as far as permissions allow."""
    with suppress(OSError):
        found = old.stat()
        with suppress(OSError, AttributeError):  # Windows lacks it
            os.chown(new, found.st_uid, found.st_gid)
        new.chmod(stat.S_IMODE(found.st_mode))


def check_folder(final: Path, own: Sequence[str] | None = None) -> None:
    """Raise UsageError unless a command may write its output to the folder `final`.

    own: paths of all files that its outputs can have, first one that each has, if it may replace an output.
    """
    if not os.path.lexists(final):
        return
    if own is None:
        raise UsageError(f"{final} exists already; choose another folder, or pass --force to replace it.")
    if not (final / own[0]).is_file():
        raise UsageError(f"{final} has no {own[0]}: this command did not write it; choose another folder.")
    for path in final.rglob("*"):
        is_folder = path.is_dir() and not path.is_symlink()
        is_own = path.relative_to(final).as_posix() in own or path.name in SYSTEM_FILES
        if not (is_folder or is_own or UNFINISHED.fullmatch(path.name)):
            raise UsageError(f"--force would remove {path}, which this command did not write; move it first.")


@contextmanager
def new_folder(final: Path, own: Sequence[str] | None = None) -> Iterator[Path]:
    """Yield a temporary folder next to `final`, which is renamed to `final` at the end of the block.

    own: as for `check_folder`; the earlier output is replaced at the end of the block, also behind a link.
    An exception in the block removes the new folder. Raises UsageError, and StrangersError if `final` is
    being written.
    """
    check_folder(final, own)
    final = final.resolve() if final.is_symlink() else final
    final.parent.mkdir(parents=True, exist_ok=True)
    if _short(final.name) in remove_leftovers(final.parent):
        raise StrangersError(f"Another process is writing {final}; wait for it, or choose another folder.")
    partial = _partial(final)
    try:
        partial.mkdir()
        with locked(partial, wait=True):
            yield partial
            file_mode = stat.S_IMODE(partial.stat().st_mode) & 0o666  # some libraries disregard the umask
            for path in partial.rglob("*"):
                if path.is_dir():
                    _sync_folder(path)
                else:
                    path.chmod(file_mode)
                    with path.open("rb") as file:
                        os.fsync(file.fileno())
            _sync_folder(partial)
            _put(partial, final, own)
    except BaseException as error:
        _name_place(error, final)
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _sync_folder(final.parent)


def _put(partial: Path, final: Path, own: Sequence[str] | None) -> None:
    """Rename the folder `partial` to `final`, and remove the one that it replaces. Raises StrangersError."""
    doomed = _partial(final)
    if own is not None and final.exists():
        check_folder(final, own)
        os.rename(final, doomed)
    try:
        os.rename(partial, final)
    except OSError:
        if not final.exists():
            raise
        raise StrangersError(f"Another process has just written {final}; choose another folder.") from None
    shutil.rmtree(doomed, ignore_errors=True)


def remove_folder(folder: Path) -> None:
    """Remove a folder atomically, so that no reader finds a part of it. Raises OSError."""
    if folder.is_symlink():  # its target is a person's
        return folder.unlink()
    doomed = _partial(folder)
    os.rename(folder, doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def remove_leftovers(folder: Path, name: str = "") -> set[str]:
    """Remove unfinished files of killed processes in `folder`, of `name` or of any name.

    Returns the names, shortened as in names of unfinished files, that other processes are writing now.
    """
    taken = set()
    for leftover in folder.glob(f"{PARTIAL}{_short(name) if name else '*'}-*-*"):
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


def _name_place(error: BaseException, final: Path) -> None:
    """Replace the path of the unfinished file in an OSError by the final path, which the user knows."""
    if isinstance(error, OSError) and error.errno and (not error.filename or PARTIAL in str(error.filename)):
        error.filename = str(final)


def _partial(final: Path) -> Path:
    """Return a new name in the folder of `final`, with the number of this process."""
    return final.with_name(f"{PARTIAL}{_short(final.name)}-{os.getpid()}-{secrets.token_hex(4)}")


def _short(name: str) -> str:
    """Return `name`; if it is long, its beginning and its hash."""
    data = os.fsencode(name)
    short = data[:16].decode(errors="ignore") + "~" + hashlib.sha256(data).hexdigest()[:16]
    return name if len(data) <= LONG_NAME_BYTES else short


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with open_regular_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(path: Path) -> None:
    with suppress(OSError):  # Windows cannot open folders, and some disks cannot flush them
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
