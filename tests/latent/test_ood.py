"""Out-of-distribution score: low for the model's kind of faces, high for other pictures."""

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
    """The part of a model that ood_score uses: its faces, here drawn ones."""
    return cast(Model, SimpleNamespace(sample=lambda seeds: FACES[: len(seeds)]))


def test_faces_of_the_same_kind_score_about_one(model: Model) -> None:
    values = [ood_score(model, face) for face in FACES[256:]]
    assert np.median(values) == pytest.approx(1, abs=0.4)
    assert np.median(values) < OOD_THRESHOLD


@pytest.mark.parametrize("what", ["noise", "half of it"])
def test_other_pictures_score_above_the_threshold(model: Model, what: str) -> None:
    others: dict[str, Pixels] = {
        "noise": np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8),
        "half of it": FACES[256][8:24, 8:24].repeat(2, 0).repeat(2, 1),
    }
    assert ood_score(model, others[what]) > OOD_THRESHOLD


def test_brightness_and_contrast_hardly_change_the_score(model: Model) -> None:
    dark = (FACES[256] * 0.5 + 10).astype(np.uint8)
    assert ood_score(model, dark) == pytest.approx(ood_score(model, FACES[256]), rel=0.05)
