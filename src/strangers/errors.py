"""Exceptions of the package, each with its exit code.

    StrangersError          base class; exit code 1
    ├── UsageError          a wrong call: an option, a value, a name of what is not there; exit code 2
    ├── DataError           photographs, archives and prepared sets that cannot be used
    ├── ModelError          model files that cannot be used
    ├── RunError            run folders and checkpoints that cannot be used
    └── PeerError           another process of the training failed

Every message says what is wrong, where, and what to do. The command line prints it without a traceback.
A traceback is a bug.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

MAX_LISTED = 8
"""Number of known names up to which a message lists all of them."""


class StrangersError(Exception):
    """Base class of the exceptions of this package; its message explains the error to the user."""

    exit_code = 1


class UsageError(StrangersError):
    """A wrong call: an invalid argument or option, or the name of something that does not exist."""

    exit_code = 2


class DataError(StrangersError):
    """Photographs, archives or a prepared set that cannot be used."""


class ModelError(StrangersError):
    """A model file that cannot be used."""


class RunError(StrangersError):
    """A run folder or a checkpoint that cannot be used."""


class PeerError(StrangersError):
    """Another process of the same training has failed; its error message is the cause."""


MIN_PART = 4
"""Characters from which a part of a known name suffices to find it."""


def did_you_mean(
    name: str,
    known: Iterable[str],
    *,
    short_forms: Mapping[str, tuple[str, ...]] | None = None,
    listing: str = "",
) -> str:
    """Return advice about an unknown name: the nearest known names, or all if they are few, or `listing`.

    known: all names; of dotted ones the last part may match alone.
    short_forms: known names by what people call them, in lower case.
    listing: a sentence that says where all names are.
    """
    plain = _plain(name)
    names = {_plain(each): each for each in known}
    near = list((short_forms or {}).get(plain, ()))
    near = near or [each for key, each in names.items() if plain in (key, key.rpartition(".")[2])]
    near = near or [each for key, each in names.items() if len(plain) >= MIN_PART and plain in key]
    near = near or [names[key] for key in difflib.get_close_matches(plain, names, n=3, cutoff=0.6)]
    if 0 < len(near) <= MAX_LISTED:
        return f"Did you mean {_either(near[:3])}?"
    if names and len(names) <= MAX_LISTED:
        return f"Choose from {', '.join(names.values())}."
    return listing


def same_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that equals `name` but for case, hyphens and spaces; None without one."""
    return {_plain(each): each for each in known}.get(_plain(name))


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def _either(names: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
