"""Strangeness: the model's own kind of face is not strange, and what is no face is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from strangers.data.synthetic.faces import draw
from strangers.images import Pixels
from strangers.latent.ood import OOD_THRESHOLD, ood_score
from strangers.sampling.model import Model

FACES, _ = draw(range(264), 32)


@pytest.fixture(scope="module")
def model() -> Model:
    """What ood_score asks of a model: its faces, which here are drawn ones."""
    return cast(Model, SimpleNamespace(sample=lambda seeds: FACES[: len(seeds)]))


def test_faces_of_the_same_kind_are_not_strange(model: Model) -> None:
    values = [ood_score(model, face) for face in FACES[256:]]
    assert np.median(values) == pytest.approx(1, abs=0.4)
    assert np.median(values) < OOD_THRESHOLD


@pytest.mark.parametrize("what", ["noise", "half of it"])
def test_what_is_no_such_face_is_strange(model: Model, what: str) -> None:
    others: dict[str, Pixels] = {
        "noise": np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8),
        "half of it": FACES[256][8:24, 8:24].repeat(2, 0).repeat(2, 1),
    }
    assert ood_score(model, others[what]) > OOD_THRESHOLD


def test_light_and_contrast_make_nobody_strange(model: Model) -> None:
    dark = (FACES[256] * 0.5 + 10).astype(np.uint8)
    assert ood_score(model, dark) == pytest.approx(ood_score(model, FACES[256]), rel=0.05)
