"""Terms of photographs: what binds the models that are trained on them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePath

NOT_STATED = "not stated"

INSPECTED_NAMES = 100
"""Names by which CelebA is recognized."""


@dataclass(frozen=True)
class Terms:
    """Name of a set of photographs and its license, both in words."""

    source_name: str = NOT_STATED
    license: str = NOT_STATED

    def updated(self, source_name: str | None, license: str | None) -> Terms:
        """Return the terms with what is stated in place of what is known."""
        return Terms(source_name or self.source_name, license or self.license)

    def __str__(self) -> str:
        if self == Terms():
            return f"{NOT_STATED}. The photographs' terms bind what is made of them: look them up."
        return f"{self.source_name}: {self.license}"


SYNTHETIC = Terms("faces drawn by strangers", "free of terms, since no person and no photograph is shown")
CELEBA = Terms("CelebA", "non-commercial research only, https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html")


def known_terms(source: str, names: Iterable[str] = (), originals: Iterable[str] = ()) -> Terms:
    """Return the terms of a set that is recognized, or `Terms()`.

    source: SOURCE of `prepare`. names: of its pictures. originals: sizes of the photographs.

    CelebA is recognized by its name in the source, or by numbered pictures of its size.
    """
    if source.split(":")[0] == "synthetic":
        return SYNTHETIC
    some = list(islice(names, INSPECTED_NAMES))
    place = source if source.startswith("hf:") else PurePath(source).name
    if "celeba" in " ".join([place, *some]).lower():
        return CELEBA
    numbered = some and all(re.fullmatch(r"(.*/)?[0-9]{6}\.(jpg|png)", name) for name in some)
    return CELEBA if numbered and set(originals) == {"178x218"} else Terms()
