"""Rejection leaves out a share of a model's faces: those of which the face detector is least certain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from strangers.data.face_detection import certainties
from strangers.errors import UsageError
from strangers.latent import rejection
from strangers.latent.filtering import find_seeds
from strangers.latent.rejection import first_seed, least_certainty, own_certainties
from strangers.sampling.load import bundled, load
from strangers.sampling.model import Model

from .support import painter


class Fading(nn.Module):
    """Faces of a model, the paler the lower the first number of their latent is."""

    def __init__(self, face: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(face, requires_grad=False)

    def forward(self, z: Tensor) -> Tensor:
        return self.weight * torch.sigmoid(4 * z[:, 0])[:, None, None, None]


@pytest.fixture
def fading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A model whose faces fade with their latents, with a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(rejection, "OWN_FACES", 32)
    bundled = load("celeba-64", device="cpu")
    with torch.inference_mode():
        face = bundled.generator(torch.from_numpy(bundled.latents([first_seed(bundled)])))
    return replace(painter(tmp_path), generator=Fading(face[:, :, ::2, ::2].clone()))


def test_the_share_of_the_least_certain_faces_is_left_out(fading: Model) -> None:
    seeds = range(rejection.OWN_FACES)
    kept = find_seeds(fading, {}, seeds=seeds, rejected=0.25).seeds
    certain = certainties(fading.sample(seeds))
    assert len(kept) == pytest.approx(0.75 * len(seeds), abs=1)
    assert certain[kept].min() > np.delete(certain, kept).max()
    paleness = fading.latents(seeds)[:, 0]
    assert paleness[kept].mean() > np.delete(paleness, kept).mean()


def test_without_rejection_every_face_is_kept_and_nothing_is_measured(
    fading: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejection, "certainties", None)
    assert find_seeds(fading, {}, seeds=range(20)).seeds == list(range(20))
    assert least_certainty(fading, 0) == 0


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_no_other_share_can_be_rejected(fading: Model, share: float) -> None:
    with pytest.raises(UsageError, match="must be at least 0 and below 1"):
        least_certainty(fading, share)


def test_the_first_face_is_the_most_certain_one_once_that_is_known(fading: Model) -> None:
    assert first_seed(fading) == 0
    certain = own_certainties(fading)
    assert certain[first_seed(fading)] == certain.max() > certain[0]


@pytest.mark.parametrize("name", bundled())
def test_bundled_models_bring_their_certainties(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejection, "certainties", None)
    model = load(name, device="cpu")
    assert own_certainties(model).shape == (rejection.OWN_FACES,)
    assert own_certainties(model)[first_seed(model)] > 0.9
