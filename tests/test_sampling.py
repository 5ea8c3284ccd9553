"""Models: a seed names a face in any company, a file brings all it needs, a bad one is told in a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from strangers import sampling
from strangers.errors import ModelError, UsageError
from strangers.images import Pixels, encode_png, read_provenance
from strangers.latents import latents
from strangers.recipe import Recipe, build_networks, with_overrides
from strangers.recipes import RECIPES
from strangers.sampling import Model, ModelHeader, load, save_model

TINY = with_overrides(
    RECIPES["dcgan-32"],
    {"network.generator_widths": "[16, 16, 8]", "network.discriminator_widths": "[8, 16, 16]"},
)


def write_model(path: Path, recipe: Recipe = TINY, **changes: Any) -> Path:
    """A model file of an untrained generator whose pictures are not all grey."""
    torch.manual_seed(0)
    generator, _ = build_networks(recipe)
    for weights in generator.parameters():
        weights.data *= 3
    with torch.no_grad():
        generator(torch.randn(16, recipe.latent_size))  # gives batch norm its statistics
    header = ModelHeader(
        software="strangers 0", recipe=recipe, images_seen=1_000, size=recipe.size,
        crop="c178", filter="bicubic", data_hash="0" * 64,
    )  # fmt: skip
    save_model(path, generator.eval(), header.model_copy(update=changes))
    return path


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


def test_faces_are_pixels_of_the_models_size(model: Model) -> None:
    faces = model.sample(range(5))
    assert faces.shape == (5, 32, 32, 3)
    assert faces.dtype == np.uint8
    assert len({face.tobytes() for face in faces}) == 5
    assert model.sample([]).shape == (0, 32, 32, 3)


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


def test_a_model_file_brings_everything_that_drawing_needs(tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.safetensors", metrics={"fid": 12.5})
    model = load(str(path), device="cpu")
    assert model.recipe == TINY
    assert model.header.images_seen == 1_000
    assert model.header.crop == "c178"
    assert model.header.metrics == {"fid": 12.5}
    assert "CelebA" in model.header.licence
    assert not model.generator.training
    assert not any(weights.requires_grad for weights in model.generator.parameters())
    before = torch.get_rng_state()
    load(path, device="cpu")
    assert torch.equal(torch.get_rng_state(), before)


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
    (run / "recipe.json").write_text(TINY.model_dump_json())
    (run / "latest").write_text("000002000\n")
    assert load(run, device="cpu").header.images_seen == 2_000
    assert load(run / "checkpoints" / "000001000", device="cpu").header.images_seen == 1_000


# Everything that can be wrong with what is named as a model.


def missing(path: Path) -> None:
    """There is nothing at all."""


def html_page(path: Path) -> None:
    path.write_text("<!doctype html><title>Quota exceeded</title>" * 20)


def empty_file(path: Path) -> None:
    path.touch()


def pickle(path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, path)


def git_lfs_pointer(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n")


def truncated(path: Path) -> None:
    write_model(path)
    path.write_bytes(path.read_bytes()[:-1000])


def other_safetensors(path: Path) -> None:
    save_file({"weight": torch.zeros(3)}, path)


def with_header(path: Path, **fields: Any) -> None:
    write_model(path)
    header = ModelHeader.model_validate_json(json.dumps(_header(path)))
    changed = json.loads(header.model_dump_json()) | fields
    save_file(load_file(path), path, {"strangers": json.dumps(changed)})


def _header(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    described: dict[str, Any] = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["strangers"])
    return described


def newer_format(path: Path) -> None:
    with_header(path, format=2, invention="of the future")


def no_json(path: Path) -> None:
    save_file({"weight": torch.zeros(3)}, path, {"strangers": "{not JSON"})


def a_list(path: Path) -> None:
    save_file({"weight": torch.zeros(3)}, path, {"strangers": "[1]"})


def unknown_field(path: Path) -> None:
    with_header(path, colour="green")


def unknown_architecture(path: Path) -> None:
    recipe = json.loads(TINY.model_dump_json())
    recipe["network"]["architecture"] = "pickle"
    with_header(path, recipe=recipe)


def weights_of_another_recipe(path: Path) -> None:
    with_header(path, recipe=json.loads(RECIPES["compact-32"].model_dump_json()))


def missing_weights(path: Path) -> None:
    write_model(path)
    tensors = load_file(path)
    tensors.pop("1.weight")
    save_file(tensors, path, {"strangers": json.dumps(_header(path))})


def extra_weights(path: Path) -> None:
    write_model(path)
    save_file(load_file(path) | {"spy": torch.zeros(1)}, path, {"strangers": json.dumps(_header(path))})


def not_a_number(path: Path) -> None:
    write_model(path)
    tensors = load_file(path)
    next(value for value in tensors.values() if value.is_floating_point()).view(-1)[0] = float("nan")
    save_file(tensors, path, {"strangers": json.dumps(_header(path))})


def folder_of_something_else(path: Path) -> None:
    path.mkdir()
    (path / "notes.txt").touch()


def run_without_checkpoint(path: Path) -> None:
    path.mkdir()
    (path / "recipe.json").write_text(TINY.model_dump_json())


def run_whose_checkpoint_is_gone(path: Path) -> None:
    run_without_checkpoint(path)
    (path / "latest").write_text("000001000")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (missing, "There is no model"),
        (html_page, "web page"),
        (empty_file, "is empty"),
        (pickle, "pickle"),
        (git_lfs_pointer, "git lfs pull"),
        (truncated, "cut short"),
        (other_safetensors, "not one that strangers wrote"),
        (newer_format, "format 2"),
        (no_json, "cannot be understood"),
        (a_list, "cannot be understood"),
        (unknown_field, "cannot be understood"),
        (unknown_architecture, "cannot be understood"),
        (weights_of_another_recipe, "do not fit"),
        (missing_weights, "'1.weight' is absent"),
        (extra_weights, "'spy' is"),
        (not_a_number, "not all finite"),
        (folder_of_something_else, "neither a run nor a checkpoint"),
        (run_without_checkpoint, "no checkpoint"),
        (run_whose_checkpoint_is_gone, "no model is there"),
    ],
)
def test_a_bad_model_is_told_in_a_sentence(make: Callable[[Path], None], says: str, tmp_path: Path) -> None:
    path = tmp_path / "bad model"
    make(path)
    with pytest.raises(ModelError, match=says) as caught:
        load(path, device="cpu")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_name_is_no_model() -> None:
    with pytest.raises(ModelError, match="celeba-9000"):
        load("celeba-9000")


def test_an_absent_device_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="abacus"):
        load(write_model(tmp_path / "model"), device="abacus")


def test_a_model_is_saved_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_model(tmp_path / "model.safetensors")
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_model(path, images_seen=5)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
