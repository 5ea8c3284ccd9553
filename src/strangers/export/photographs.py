"""Photographs in an exported page, for its game "Photograph or stranger?".

A page is published, so only photographs whose terms are stated enter it, and CelebA's never do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from strangers.data.prepared import PreparedSet
from strangers.data.terms import CELEBA, NOT_STATED, known_terms
from strangers.errors import UsageError
from strangers.evaluation.facts import check_protocols, facts_of_model, facts_of_set
from strangers.images import encode_png
from strangers.sampling.model import Model

FILE = "photographs.png"

MAX_PHOTOGRAPHS = 100
"""Photographs in a page: enough for five games without a repetition."""


@dataclass(frozen=True)
class Photographs:
    """Photographs of a page: one below the other as a PNG file, and where they are from."""

    png: bytes
    source: str
    license: str

    def facts(self) -> dict[str, str]:
        """Return what the page says of them."""
        return {"file": FILE, "source": self.source, "license": self.license}


def page_photographs(pictures: PreparedSet, model: Model) -> Photographs:
    """Take photographs from all over a prepared set.

    Raises UsageError if their terms are not stated or forbid it, or if size, crop or filter would tell them
    from the faces of the model, and DataError for a damaged set.
    """
    manifest = pictures.manifest
    terms = manifest.terms
    if known_terms(manifest.source, pictures.names, manifest.originals) == CELEBA:
        raise UsageError(
            f"The photographs of {pictures.path} are CelebA's, which may not be published; "
            "choose photographs with terms that allow it."
        )
    if terms.license == NOT_STATED:
        raise UsageError(
            f"The terms of the photographs of {pictures.path} are not stated; prepare them with --license "
            "TEXT and --source-name NAME, if these terms allow their publication."
        )
    check_protocols(facts_of_model("the model", model), facts_of_set(pictures), allow=False)
    count = min(MAX_PHOTOGRAPHS, len(pictures))
    positions = np.linspace(0, len(pictures) - 1, count).round().astype(np.int64)
    column = pictures.batch(positions).reshape(-1, manifest.size, 3)
    return Photographs(encode_png(column), terms.source_name, terms.license)
