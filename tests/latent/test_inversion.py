"""Inversion: a face of the model is found again, and the reported face is that of the latent."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from strangers.errors import DataError, UsageError
from strangers.images import read_provenance
from strangers.latent.inversion import Inversion, invert
from strangers.latent.latent_file import LatentFile, latent_file, read_latent, write_latent
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
    """Of a face that is not among the candidates."""
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


def test_a_latent_file_works_with_its_own_model_only(
    model: Model, search: list[Inversion], tmp_path: Path
) -> None:
    path = tmp_path / "new" / "latent.json"
    found = latent_file(model, search[-1], 1.0, 2, 0)
    write_latent(path, found, search[-1].face, search[-1].face)
    read = read_latent(path)
    assert read == found
    assert np.array_equal(read.of(model)[0], search[-1].latent)
    with pytest.raises(UsageError, match="belongs to model"):
        read.of(replace(model, hash="f" * 16))
    picture = path.with_suffix(".png")
    assert "photograph" in read_provenance(picture).latents
    assert b"compositeWithTrainedAlgorithmicMedia" in picture.read_bytes()


GOOD = {
    "format": 1, "software": "strangers 0", "model_hash": "0" * 16, "recipe": "tiny", "images_seen": 1,
    "size": 32, "crop": "c178", "starts": 1, "steps": 1, "seed": 0, "image_error": 1.0, "feature_error": 1.0,
    "ood_score": 1.0, "latent": [0.5, -1.5],
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2}, {"latent": []}, {"latent": ["0.5"]}, {"latent": [0.0] * 4097}, {"latent": [1e300]},
        {"latent": [float("nan")]}, {"model_hash": "../secret"}, {"size": 32.5}, {"more": 1}, {"seed": -1},
        {"image_error": float("inf")},
    ],
)  # fmt: skip
def test_a_file_that_is_not_a_latent_file_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "latent.json"
    path.write_text(json.dumps(GOOD))
    assert isinstance(read_latent(path), LatentFile)
    path.write_text(json.dumps(GOOD | change))
    with pytest.raises(DataError, match=next(iter(change))):
        read_latent(path)


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b" " * 1_000_001, b"null"])
def test_invalid_json_and_large_files_are_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "latent.json"
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"latent\.json is not a latent file"):
        read_latent(path)


def test_a_missing_latent_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Cannot read"):
        read_latent(tmp_path / "nowhere.json")
