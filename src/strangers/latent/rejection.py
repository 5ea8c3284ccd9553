"""Rejection: leave out the faces of which the face detector is least certain, the worst ones among them.

Unlike truncation of the latent, it costs next to no diversity: docs/research/results.md has the curve. The
rule is relative to the model's own faces, so it needs no photographs and suits every model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from strangers.data.face_detection import certainties
from strangers.errors import UsageError
from strangers.sampling.load import BUNDLED_MODELS, bundled_hashes
from strangers.sampling.model import Model
from strangers.system.cache import Cached, cached, find_cached

REJECTION_FORMAT = 1

FOLDER, BUNDLED = "rejection", BUNDLED_MODELS / "rejection"
"""Folder of certainties, in the cache and in the package."""

OWN_FACES = 128
"""The faces of seeds 0 to 127 show how certain the detector is of a model's faces."""

DEFAULT_REJECTION = 0.15
"""Share of faces that a search for attributes, and the page, leave out; more costs distance."""


def own_certainties(model: Model) -> NDArray[np.float64]:
    """Return the detector's certainty (128,) of the faces of seeds 0 to 127; cached.

    It takes seconds, once for a model. Bundled models bring theirs.
    """

    def measure() -> Cached:
        found = [certainties(faces) for _, faces in model.batches(range(OWN_FACES))]
        return Cached({"certainties": np.concatenate(found)}, {})

    return cached(FOLDER, _key(model), measure, bundled=BUNDLED).arrays["certainties"]


def shows_best(model: Model) -> bool:
    """Return True if the page leaves out the least certain faces unless asked for all: of bundled models."""
    return model.hash in bundled_hashes()


def least_certainty(model: Model, rejected: float) -> float:
    """Return the certainty below which the share `rejected`, in [0, 1), of a model's faces lies.

    Raises UsageError for another share.
    """
    if not 0 <= rejected < 1:
        raise UsageError(f"The share of rejected faces must be at least 0 and below 1 (got {rejected}).")
    return float(np.quantile(own_certainties(model), rejected)) if rejected else 0.0


def first_seed(model: Model) -> int:
    """Return the seed, of 0 to 127, of whose face the detector is most certain; 0 until that was measured."""
    found = find_cached(FOLDER, _key(model), bundled=BUNDLED)
    return 0 if found is None else int(found.arrays["certainties"].argmax())


def _key(model: Model) -> dict[str, Any]:
    return {"format": REJECTION_FORMAT, "model": model.hash, "faces": OWN_FACES}
