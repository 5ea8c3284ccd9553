"""Completion of words in a shell: names of models, crops, attributes and devices.

Each function returns the words that begin with `incomplete`. Slow imports are placed inside, for a fast Tab.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import strangers

MODELS = Path(strangers.__file__).parent / "models"


def one_of(*words: str) -> Callable[[str], list[str]]:
    """Return a completion of these words."""

    def complete(incomplete: str) -> list[str]:
        return beginning(words, incomplete)

    return complete


def models(incomplete: str) -> list[str]:
    """Complete a bundled model, a file or a folder."""
    folder, _, start = incomplete.rpartition("/")
    place = Path(folder or ("/" if incomplete.startswith("/") else "."))
    paths = sorted(place.glob("*")) if place.is_dir() else []
    names = [f"{folder}/{path.name}" if "/" in incomplete else path.name for path in paths]
    bundled = [path.stem for path in sorted(MODELS.glob("*-*.safetensors"))]
    visible = [name for name in names if start.startswith(".") or not name.rpartition("/")[2].startswith(".")]
    return beginning([*bundled, *visible], incomplete)


def crops(incomplete: str) -> list[str]:
    """Complete the name of a crop protocol."""
    from strangers.data.crops import CROPS

    return beginning(CROPS, incomplete)


def attributes(incomplete: str) -> list[str]:
    """Complete the name of an attribute of the bundled network."""
    from strangers.system.tensor_file import metadata_of

    (described,) = metadata_of((MODELS / "attributes.safetensors").read_bytes()).values()
    return beginning(json.loads(described)["attributes"], incomplete)


def beginning(words: Iterable[str], incomplete: str) -> list[str]:
    """Return the words that begin with `incomplete`."""
    return [word for word in words if word.startswith(incomplete)]
