"""Inversion: a face of the model is found again, and the reported face is that of the latent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from strangers.errors import UsageError
from strangers.latent.inversion import Inversion, invert
from strangers.recipes.recipe import with_overrides
from strangers.sampling.latents import latents
from strangers.sampling.load import load
from strangers.sampling.model import Model

from ..support import tiny, write_model


class Mixer(nn.Module):
    """Mixes fixed patterns, a latent's numbers of each: other latents always give other pictures."""

    def __init__(self) -> None:
        super().__init__()
        patterns = torch.randn(100, 3, 8, 8, generator=torch.Generator().manual_seed(0))
        self.patterns = nn.Parameter(patterns, requires_grad=False)

    def forward(self, z: Tensor) -> Tensor:
        mixed = 0.03 * (z @ self.patterns.flatten(1)).reshape(-1, 3, 8, 8)
        return nn.functional.interpolate(mixed, (32, 32))


def mixer(folder: Path, latent: str = "normal") -> Model:
    recipe = with_overrides(tiny(), {"latent": latent})
    return replace(
        load(write_model(folder / "tiny.safetensors", recipe), device="cpu"), generator=Mixer().eval()
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return mixer(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def search(model: Model) -> list[Inversion]:
    """A search for a face that is not among the candidates."""
    return list(invert(model, model.sample([1_000])[0], starts=2, steps=60))


def test_a_face_of_the_model_and_its_latent_are_found_again(model: Model, search: list[Inversion]) -> None:
    drawn = model.sample([1_000, 1_001]).astype(float)
    result = search[-1]
    apart = np.sqrt(((drawn[0] - drawn[1]) ** 2).mean())
    assert result.image_error < apart / 4
    assert result.feature_error < 0.5
    assert result.image_error == pytest.approx(np.sqrt(((result.face - drawn[0]) ** 2).mean()))
    true = latents([1_000], 100, "normal")[0]
    assert (
        result.latent @ true / np.linalg.norm(true) / np.linalg.norm(result.latent) > 0.5
    )  # 0.3 at best by chance


def test_reports_show_the_face_of_their_latent(model: Model, search: list[Inversion]) -> None:
    assert [report.step for report in search] == [10, 20, 30, 40, 50, 60]
    assert {report.steps for report in search} == {60}
    assert search[-1].image_error < search[0].image_error
    for report in search:
        assert report.latent.dtype == np.float32
        assert np.array_equal(model.decode(report.latent[None])[0], report.face)


def test_the_same_search_gives_the_same_latent(model: Model, search: list[Inversion]) -> None:
    again = next(invert(model, model.sample([1_000])[0], starts=2, steps=60))
    assert np.array_equal(again.latent, search[0].latent)


def test_latents_stay_within_the_prior(model: Model, tmp_path: Path) -> None:
    photograph = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)  # far from all
    [*_, normal] = invert(model, photograph, starts=1, steps=20)
    assert np.linalg.norm(normal.latent) <= 12.001  # sqrt(100) + 2
    [*_, uniform] = invert(mixer(tmp_path, "uniform"), photograph, starts=1, steps=20)
    assert np.abs(uniform.latent).max() <= 1


def test_wrong_arguments_are_refused_before_the_search(model: Model) -> None:
    with pytest.raises(UsageError, match=r"\(32, 32, 3\) for this model \(got uint8 \(64, 64, 3\)\)"):
        invert(model, np.zeros((64, 64, 3), np.uint8))
    for wrong in ({"starts": 0}, {"starts": 257}, {"steps": 0}, {"seed": -1}, {"seed": 2**64}):
        with pytest.raises(UsageError, match="1 to 256 starts"):
            invert(model, np.zeros((32, 32, 3), np.uint8), **wrong)
