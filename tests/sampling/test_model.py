"""Models: a seed names a face in any company."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from strangers.errors import ModelError, UsageError
from strangers.images import Pixels, encode_png, read_provenance
from strangers.recipes.presets import RECIPES
from strangers.sampling import model as sampling
from strangers.sampling.latents import latents
from strangers.sampling.load import load
from strangers.sampling.model import Model
from strangers.sampling.model_file import ModelHeader, read_model

from ..conftest import tiny, write_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(write_model(tmp_path_factory.mktemp("models") / "tiny.safetensors"), device="cpu")


def unrounded(images: Tensor) -> NDArray[np.float32]:
    """Instead of `to_pixels`: rounding would hide most differences."""
    exact: NDArray[np.float32] = images.detach().cpu().numpy()
    return exact


@pytest.mark.parametrize("name", ["dcgan-64", "two-step-32", "dropout-64", "compact-32"])
def test_a_seed_names_a_face_to_the_bit_whatever_the_batch(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "to_pixels", unrounded)
    model = load(write_model(tmp_path / "model.safetensors", RECIPES[name]), device="cpu")
    seeds = [*range(61), 2**40, 17, 2**64 - 1]
    together = model.sample(seeds, batch=64)
    assert together.std() > 0.01
    assert np.array_equal(model.sample(seeds[:6], batch=3), together[:6])
    assert np.array_equal(model.sample(seeds[:4], batch=1), together[:4])
    assert np.array_equal(model.sample(reversed(seeds), batch=64), together[::-1])
    assert np.array_equal(together[62], together[17])


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


def test_the_hash_names_the_file(tmp_path: Path) -> None:
    one, same = write_model(tmp_path / "one"), write_model(tmp_path / "same")
    other = write_model(tmp_path / "other", images_seen=2_000)
    hashes = [load(path, device="cpu").hash for path in (one, same, other)]
    assert hashes[0] == hashes[1] != hashes[2]
    assert all(len(name) == 16 and int(name, 16) >= 0 for name in hashes)


def test_a_picture_says_which_model_drew_which_faces(model: Model, tmp_path: Path) -> None:
    faces: Pixels = model.sample([7], truncation=0.5)
    (tmp_path / "face.png").write_bytes(encode_png(faces[0], model.provenance([7, 8, 9, 70], 0.5)))
    said = read_provenance(tmp_path / "face.png")
    assert said == model.provenance([7, 8, 9, 70], 0.5)
    assert said.model_hash == model.hash
    assert said.seeds == "7-9,70"
    assert (said.recipe, said.images_seen, said.truncation) == ("dcgan-32", 1_000, 0.5)


def test_a_run_and_its_checkpoint_are_models(tmp_path: Path) -> None:
    run = tmp_path / "run"
    for name in ("000001000", "000002000"):
        (run / "checkpoints" / name).mkdir(parents=True)
        write_model(run / "checkpoints" / name / "model.safetensors", images_seen=int(name))
    (run / "recipe.json").write_text(tiny().model_dump_json())
    (run / "latest").write_text("000002000\n")
    assert load(run, device="cpu").header.images_seen == 2_000
    assert load(run / "checkpoints" / "000001000", device="cpu").header.images_seen == 1_000


@pytest.mark.parametrize("named", ["", "latest"])
def test_of_a_damaged_checkpoint_the_one_before_it_is_named_and_none_is_taken_unasked(
    tmp_path: Path, named: str
) -> None:
    for number in (1, 2, 3):
        folder = tmp_path / "checkpoints" / f"{number:09d}"
        folder.mkdir(parents=True)
        write_model(folder / "model.safetensors", images_seen=number)
    (tmp_path / "latest").write_text("000000002")
    damaged = tmp_path / "checkpoints" / "000000002" / "model.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    before = tmp_path / "checkpoints" / "000000001"
    with pytest.raises(ModelError, match=f"{damaged} .*The checkpoint before it is {before}\\.$"):
        load(tmp_path / named, device="cpu")
    shutil.rmtree(before)
    with pytest.raises(ModelError, match=r"Copy or download it again\.$"):
        load(tmp_path / named, device="cpu")


@pytest.mark.parametrize("named", ["", "latest"])
def test_the_newest_checkpoint_is_loaded_though_it_was_another_a_moment_ago(
    tmp_path: Path, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        folder = tmp_path / "checkpoints" / f"{number:09d}"
        folder.mkdir(parents=True)
        write_model(folder / "model.safetensors", images_seen=number)
    (tmp_path / "latest").write_text("000000001")

    def training_goes_on(path: Path) -> tuple[ModelHeader, nn.Module]:
        (tmp_path / "latest").write_text("000000002")
        shutil.rmtree(tmp_path / "checkpoints" / "000000001", ignore_errors=True)
        return read_model(path)

    monkeypatch.setattr("strangers.sampling.load.read_model", training_goes_on)
    assert load(tmp_path / named, device="cpu").header.images_seen == 2
    shutil.rmtree(tmp_path / "checkpoints")
    with pytest.raises(ModelError):
        load(tmp_path / named, device="cpu")


def test_an_unknown_name_is_no_model() -> None:
    with pytest.raises(ModelError, match="celeba-9000"):
        load("celeba-9000")


def test_an_absent_device_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="abacus"):
        load(write_model(tmp_path / "model"), device="abacus")
