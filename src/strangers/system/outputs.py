"""Outputs of commands, and protection of the user's files: a command replaces only its own earlier output."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Literal

from strangers.errors import UsageError
from strangers.system.files import write_atomically
from strangers.system.folders import check_parent
from strangers.system.machine import locked

Kind = Literal[
    "picture",
    "comparison",
    "exploration",
    "evaluation",
    "statistics",
    "latent",
    "export",
    "attributes",
    "run",
]
"""Kind of an output. A file is replaced by an output of the same kind only; a run's files by its training."""

OF_TRAINING = " of a training"
"""End of the titles of a run's pictures, whose other metadata may be those of any picture of faces."""

written: list[Path] = []
"""Files that `write_output` has written, for the report of an interrupted command."""
_MARKED_BYTES = 2**20

_MARKS: tuple[tuple[Kind, bytes], ...] = (
    ("run", rb"\A\x89PNG.{25,80}tEXtTitle\0\w+%s" % OF_TRAINING.encode()),
    ("run", rb"\ARIFF.*/trainedAlgorithmicMedia<.*>\w+%s<" % OF_TRAINING.encode()),
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
        check_parent(path)
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
        if kind_of(place) != kind:
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
    written.append(path)


@contextmanager
def together(path: Path) -> Iterator[None]:
    """Keep other processes that use this function from writing in the folder of `path` during the block.

    Files that belong together, such as a result and its report, are then of one command, although two run
    at once. Raises OSError if the folder cannot be created.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        with suppress(OSError):  # a folder that may be written but not read
            held.enter_context(locked(path.parent, wait=True))
        yield


def signed(text: str, kind: Kind) -> bytes:
    """Return HTML or Markdown with a signature in a last comment, which an edit invalidates."""
    data = text.encode(errors="backslashreplace")
    return data + f"<!-- strangers {kind} {hashlib.sha256(data).hexdigest()} -->\n".encode()


def kind_of(path: Path) -> str | None:
    """Return the kind of the output that strangers wrote to the file `path`; None for any other file."""
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
