"""Models: a seed names a face, whatever is drawn with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from strangers.errors import UsageError
from strangers.images import Pixels, encode_png, read_provenance
from strangers.recipes.presets import RECIPES
from strangers.sampling import model as sampling
from strangers.sampling.latents import latents
from strangers.sampling.load import load
from strangers.sampling.model import Model

from ..support import write_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(write_model(tmp_path_factory.mktemp("models") / "tiny.safetensors"), device="cpu")


def unrounded(images: Tensor) -> NDArray[np.float32]:
    """Instead of `to_pixels`: rounding would hide most differences."""
    exact: NDArray[np.float32] = images.detach().cpu().numpy()
    return exact


@pytest.mark.parametrize("name", ["dcgan-64", "two-step-32", "dropout-64", "compact-32", "style-32"])
def test_a_seed_names_a_face_to_the_bit_whatever_the_batch(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "to_pixels", unrounded)
    model = load(write_model(tmp_path / "model.safetensors", RECIPES[name]), device="cpu")
    seeds = [*range(29), 2**40, 17, 2**64 - 1]
    together = model.sample(seeds, batch=32)
    assert together.std() > 0.01
    assert np.array_equal(model.sample(seeds[:6], batch=3), together[:6])
    assert np.array_equal(model.sample(seeds[:4], batch=1), together[:4])
    assert np.array_equal(model.sample(reversed(seeds), batch=32), together[::-1])
    assert np.array_equal(together[30], together[17])


class Fickle(nn.Module):
    """Draws otherwise in company than alone, as a library may that picks its sums by the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, z: Tensor) -> Tensor:
        return (z[:, :3, None, None] * self.weight / len(z)).expand(-1, -1, 4, 4)


def test_a_face_is_drawn_in_company_where_it_would_differ_alone() -> None:
    z = latents(range(3), 8, "normal")
    assert np.array_equal(sampling.draw(Fickle().eval(), z)[:1], sampling.draw(Fickle().eval(), z[:1]))


def test_faces_are_pixels_of_the_models_size(model: Model) -> None:
    faces = model.sample(range(5))
    assert faces.shape == (5, 32, 32, 3)
    assert faces.dtype == np.uint8
    assert len({face.tobytes() for face in faces}) == 5
    assert model.sample([]).shape == (0, 32, 32, 3)
    assert model.decode(np.zeros((0, model.recipe.latent_size), np.float32)).shape == (0, 32, 32, 3)


def test_batches_are_the_sample_in_parts(model: Model) -> None:
    parts = list(model.batches(iter(range(10)), batch=4))
    assert [seeds for seeds, _ in parts] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert np.array_equal(np.concatenate([faces for _, faces in parts]), model.sample(range(10)))


def test_truncation_multiplies_the_latent(model: Model) -> None:
    z = latents([3, 4], model.recipe.latent_size, model.recipe.latent)
    assert np.array_equal(model.sample([3, 4], truncation=0.5), model.decode(z * np.float32(0.5)))
    assert np.array_equal(model.sample([3, 4], truncation=1), model.decode(z))
    spread = [model.sample(range(32), truncation=t).std(0).mean() for t in (0.05, 0.5, 1.0)]
    assert spread == sorted(spread)


@pytest.mark.parametrize("truncation", [0, -0.5, 1.01, float("nan"), float("inf")])
def test_other_truncations_are_refused(model: Model, truncation: float) -> None:
    with pytest.raises(UsageError, match="runcation"):
        model.sample([1], truncation=truncation)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_number_that_is_no_seed_is_refused(model: Model, seed: int) -> None:
    with pytest.raises(UsageError, match="seed"):
        model.sample([1, seed])


def test_a_picture_says_which_model_drew_which_faces(model: Model, tmp_path: Path) -> None:
    faces: Pixels = model.sample([7], truncation=0.5)
    (tmp_path / "face.png").write_bytes(encode_png(faces[0], model.provenance([7, 8, 9, 70], 0.5)))
    said = read_provenance(tmp_path / "face.png")
    assert said == model.provenance([7, 8, 9, 70], 0.5)
    assert said.model_hash == model.hash
    assert said.seeds == "7-9,70"
    assert (said.recipe, said.images_seen, said.truncation) == ("dcgan-32", 1_000, 0.5)
