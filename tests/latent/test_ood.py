"""Out-of-distribution score: low for faces as the model draws them, high for other pictures."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from strangers.images import Pixels
from strangers.latent import ood
from strangers.latent.ood import OOD_THRESHOLD, ood_score
from strangers.sampling.load import load
from strangers.sampling.model import Model

SEEDS = range(1_000, 1_016)


@pytest.fixture(autouse=True)
def all_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classifiers as they are bundled, whatever the tests of the page made quicker."""
    monkeypatch.setattr(ood, "OWN_FACES", 128)


@pytest.fixture(scope="module")
def model() -> Model:
    """A bundled one, whose classifier is bundled too."""
    return load("celeba-64", device="cpu")


@pytest.fixture(scope="module")
def faces(model: Model) -> Pixels:
    return model.sample(SEEDS)


def shares(model: Model, pictures: Iterator[Pixels]) -> float:
    """Return the share of pictures that cause a warning."""
    return float(np.mean([ood_score(model, picture) > OOD_THRESHOLD for picture in pictures]))


def test_faces_cause_no_warning_and_no_fit(
    model: Model, faces: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(ood, "_fit")  # the bundled one is used
    gray = (face.mean(axis=2, keepdims=True).astype(np.uint8).repeat(3, axis=2) for face in faces)
    assert shares(model, iter(faces)) <= 0.125
    assert shares(model, gray) <= 0.125


@pytest.mark.parametrize("kind", ["flat", "black", "noise", "upside down", "on its side"])
def test_other_pictures_cause_a_warning(model: Model, faces: Pixels, kind: str) -> None:
    random = np.random.default_rng(0)
    others = {
        "flat": (np.full_like(face, random.integers(0, 256, 3)) for face in faces),
        "black": iter(np.zeros_like(faces[:1])),
        "noise": (random.integers(0, 256, face.shape).astype(np.uint8) for face in faces),
        "upside down": (face[::-1] for face in faces),
        "on its side": (np.rot90(face) for face in faces),
    }
    assert shares(model, others[kind]) >= 0.75


def test_the_classifier_of_another_model_is_fitted_once(
    faces: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ood, "OWN_FACES", 4)
    drawn: list[int] = []

    def sample(seeds: range) -> Pixels:
        drawn.append(len(seeds))
        return faces[: len(seeds)]

    other = cast(Model, SimpleNamespace(sample=sample, hash="another"))
    first, second = (ood_score(other, faces[5]) for _ in range(2))
    assert first == second
    assert 0 <= first <= 1
    assert drawn == [4]
