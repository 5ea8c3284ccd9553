"""The held-out part of a set: pictures that no training sees, as a control of what it learned.

Membership is decided by a hash of the picture's name, or of the person that it shows, so that pictures
added later change no other picture's part.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from strangers.data.jobs import JobResult
from strangers.data.prepared import HELD_OUT
from strangers.data.writer import Writer
from strangers.errors import DataError, UsageError

MAX_SHARE = 0.5

MIN_PEOPLE = 20
"""Folders from which on each is taken for a person; fewer may be years or cameras."""


@dataclass(frozen=True)
class HoldOut:
    """Rule by which pictures are held out.

    Attributes:
        share: fraction of the pictures, or of the people.
        people: person by name of a picture; pictures that are not in it are held out one by one.
        by: "person", "folder" or "picture": what is held out as a whole.
        root: the folder of all pictures, which a repacked source may lack.
    """

    share: float
    people: Mapping[str, str] = field(default_factory=dict)
    by: str = "picture"
    root: str = ""

    def __str__(self) -> str:
        return f"{self.share:.4g} by {self.by}"

    def chosen(self, names: Iterable[str]) -> NDArray[np.bool_]:
        """Return which of the named pictures are held out."""
        return np.array([_position(self._key(name)) < self.share for name in names], bool)

    def _key(self, name: str) -> str:
        # Further faces of one photograph are named NAME#2, NAME#3, ...
        name = re.sub(r"#[0-9]+\Z", "", name)
        person = self.people.get(name)
        if person is not None:
            return f"person {person}"
        return str(PurePosixPath(name.removeprefix(self.root)).with_suffix(""))


def hold_out(share: float, names: Sequence[str], people: Mapping[str, str]) -> HoldOut:
    """Return the rule for a source.

    names: of all its files. people: person by name, from a table; if empty, folders are people where there
    are MIN_PEOPLE of them or more.

    Raises UsageError for a share that is not above 0 and at most MAX_SHARE.
    """
    if not 0 < share <= MAX_SHARE:
        raise UsageError(f"--hold-out must be above 0% and at most {MAX_SHARE:.0%} (got {share:.4g}).")
    if people:
        return HoldOut(share, people, "person")
    folders = {name: posixpath.dirname(name) for name in names}
    common = posixpath.commonpath(set(folders.values())) if names else ""
    root = f"{common}/" if common else ""
    if len(set(folders.values())) < MIN_PEOPLE:
        return HoldOut(share, root=root)
    people = {name: folder.removeprefix(root) for name, folder in folders.items() if folder != common}
    return HoldOut(share, people, "folder", root)


def _position(key: str) -> float:
    """Return a number in [0, 1) that depends on the key alone."""
    # macOS decomposes accented letters.
    data = unicodedata.normalize("NFC", key).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(data).digest()[:6]) / 2**48


class HeldOut:
    """The held-out part of a set while it is written.

    Attributes:
        rule: which pictures are held out.
        writer: of the part.
    """

    def __init__(self, rule: HoldOut, writer: Writer) -> None:
        self.rule, self.writer = rule, writer
        self._attributes: list[NDArray[np.int8]] = []

    def take(self, made: JobResult) -> JobResult:
        """Write the held-out pictures of a job's result, and return the result without them."""
        used = np.array([not problem for problem in made.problems], bool)
        held = self.rule.chosen(made.names) & used
        part = _select(made, held)
        self.writer.add(part.names, part.images, part.problems, part.originals, part.traits)
        if part.attributes is not None:
            self._attributes.append(part.attributes)
        return _select(made, ~held)

    @property
    def attributes(self) -> NDArray[np.int8] | None:
        """Attributes of the pictures, int8 (n, k); None if none are known."""
        return np.concatenate(self._attributes) if self._attributes else None

    def check(self, remaining: int) -> None:
        """Raise DataError if one of the parts is empty."""
        if self.writer.count and remaining:
            return
        which = "every picture" if self.writer.count else "no picture"
        raise DataError(
            f"--hold-out holds out {which} of {self.writer.count + remaining:,}; pass another share, or none "
            "for so small a set."
        )


def _select(made: JobResult, chosen: NDArray[np.bool_]) -> JobResult:
    """Return the chosen files of a job's result."""
    images = chosen[[not problem for problem in made.problems]]
    return JobResult(
        names=list(compress(made.names, chosen)),
        problems=list(compress(made.problems, chosen)),
        images=made.images[images],
        attributes=None if made.attributes is None else made.attributes[images],
        originals=tuple(compress(made.originals, images)),
        traits=tuple(compress(made.traits, images)),
    )


@contextmanager
def held_out_part(folder: Path, size: int, rule: HoldOut | None) -> Iterator[HeldOut | None]:
    """Open the held-out part of the set that is written in `folder`; None without a rule."""
    if rule is None:
        yield None
        return
    (folder / HELD_OUT).mkdir()
    with Writer(folder / HELD_OUT, size) as writer:
        yield HeldOut(rule, writer)
