"""Plug-ins: packages that add architectures, objectives, crops or metrics by `strangers.register`.

A package names its module, or a function without arguments, as an entry point of the group "strangers". It is
imported when a name is not found among those of this package, so that plug-ins cost nothing otherwise.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from strangers.errors import StrangersError

GROUP = "strangers"
"""Group of the entry points."""


@cache
def load_plugins() -> None:
    """Import the installed plug-ins, once. Raises StrangersError for one that fails."""
    for entry in entry_points(group=GROUP):
        _load(entry)


def _load(entry: EntryPoint) -> None:
    try:
        loaded = entry.load()
        if callable(loaded):
            loaded()
    except StrangersError:
        raise
    except Exception as error:  # of foreign code
        package = entry.dist.name if entry.dist else entry.value
        raise StrangersError(
            f"The plug-in {entry.name!r} of the package {package} failed ({type(error).__name__}: {error}); "
            "update it, or uninstall it."
        ) from error
