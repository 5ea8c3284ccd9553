"""Folders that appear and disappear as a whole: written under a temporary name, and renamed."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from strangers.errors import StrangersError, UsageError
from strangers.system.files import (
    SYSTEM_FILES,
    UNFINISHED,
    name_place,
    partial_name,
    remove_leftovers,
    short_name,
    sync_folder,
)
from strangers.system.machine import locked
from strangers.system.streams import open_regular_file

MARKED_BYTES = 2**16
"""Bytes at a file's beginning in which outputs name this program."""


def check_folder(final: Path, own: Sequence[str] | None = None) -> None:
    """Raise UsageError unless a command may write its output to the folder `final`.

    own: paths of all files that its outputs can have, if it may replace an output; first one that each has,
        and that names this program within its first MARKED_BYTES.
    """
    check_parent(final)
    _check_replaced(final, own)


def _check_replaced(final: Path, own: Sequence[str] | None) -> None:
    """Raise UsageError unless there is nothing at `final`, or an output that may be replaced."""
    if not os.path.lexists(final):
        return
    if own is None:
        raise UsageError(f"{final} exists already; choose another folder, or pass --force to replace it.")
    if not _is_marked(final / own[0]):
        raise UsageError(
            f"{final} has no {own[0]} of strangers: this command did not write it; choose another folder."
        )
    for path in final.rglob("*"):
        is_folder = path.is_dir() and not path.is_symlink()
        is_own = path.relative_to(final).as_posix() in own or path.name in SYSTEM_FILES
        if not (is_folder or is_own or UNFINISHED.fullmatch(path.name)):
            raise UsageError(f"--force would remove {path}, which this command did not write; move it first.")


def _is_marked(path: Path) -> bool:
    """Return whether a file names this program; a file of the same name may be somebody else's."""
    try:
        with open_regular_file(path) as file:
            return b"strangers" in file.read(MARKED_BYTES)
    except OSError:
        return False


def check_parent(final: Path) -> None:
    """Raise UsageError if a parent of an output is not a folder, in which nothing can be written."""
    for parent in final.parents:
        if os.path.lexists(parent):
            if not parent.is_dir():
                raise UsageError(f"{parent} is not a folder; choose another place than {final}.")
            return


@contextmanager
def new_folder(final: Path, own: Sequence[str] | None = None) -> Iterator[Path]:
    """Yield a temporary folder next to `final`, which is renamed to `final` at the end of the block.

    own: as for `check_folder`; the earlier output is replaced at the end of the block, also behind a link.
    An exception in the block removes the new folder. Raises UsageError, and StrangersError if `final` is
    being written.
    """
    _check_replaced(final, own)
    final = final.resolve() if final.is_symlink() else final
    final.parent.mkdir(parents=True, exist_ok=True)
    if short_name(final.name) in remove_leftovers(final.parent):
        raise StrangersError(f"Another process is writing {final}; wait for it, or choose another folder.")
    partial = partial_name(final)
    try:
        partial.mkdir()
        with locked(partial, wait=True):
            yield partial
            file_mode = stat.S_IMODE(partial.stat().st_mode) & 0o666  # some libraries disregard the umask
            for path in partial.rglob("*"):
                if path.is_dir():
                    sync_folder(path)
                else:
                    path.chmod(file_mode)
                    with path.open("rb") as file:
                        os.fsync(file.fileno())
            sync_folder(partial)
            _put(partial, final, own)
    except BaseException as error:
        name_place(error, final)
        shutil.rmtree(partial, ignore_errors=True)
        raise
    sync_folder(final.parent)


def _put(partial: Path, final: Path, own: Sequence[str] | None) -> None:
    """Rename the folder `partial` to `final`, and remove the one that it replaces. Raises StrangersError."""
    doomed = partial_name(final)
    if own is not None and final.exists():
        _check_replaced(final, own)
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
    doomed = partial_name(folder)
    os.rename(folder, doomed)
    shutil.rmtree(doomed, ignore_errors=True)
