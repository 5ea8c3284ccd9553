"""Methods of a model besides drawing seeds: numbers of faces, edits, walks, inversion, files, notebooks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from strangers.errors import UsageError
from strangers.evaluation.attributes import AttributeNetwork
from strangers.images import encode_png, read_provenance
from strangers.latent import directions
from strangers.sampling.load import load
from strangers.sampling.model import Model

from ..latent.support import NAMES, Eye, painter
from ..support import write_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(write_model(tmp_path_factory.mktemp("models") / "tiny.safetensors"), device="cpu")


def test_a_number_of_faces_are_the_first_seeds(model: Model) -> None:
    assert (model.sample(3) == model.sample([0, 1, 2])).all()
    assert len(model.sample()) == 16
    assert len(model.sample(0)) == 0
    with pytest.raises(UsageError, match="at least 0"):
        model.sample(-1)


def test_seeds_may_be_numbers_of_numpy(model: Model) -> None:
    assert (model.sample(np.arange(3)) == model.sample(3)).all()


def test_faces_are_a_number_seeds_or_latents(model: Model) -> None:
    z = model.latents([0, 1])
    assert (model.z(2) == z).all()
    assert (model.z([0, 1]) == z).all()
    assert (model.z(z) == z).all()
    assert (model.z(z[1]) == z[1:]).all()


def test_an_edit_moves_faces_along_a_direction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    eye = Eye(AttributeNetwork(len(NAMES), (4,)), NAMES, "0" * 16)
    monkeypatch.setattr(directions, "load_attributes", lambda device="cpu": eye)
    model = painter(tmp_path)
    before, after = model.sample(4), model.edit(4, {"bright": 2.0})
    assert (after[..., 1].mean(axis=(1, 2)) > before[..., 1].mean(axis=(1, 2))).all()
    held = model.edit(4, {"bright": 2.0}, hold=["Red"])
    assert held.shape == before.shape
    with pytest.raises(UsageError, match=r"no direction for 'Brigth'\. Did you mean Bright"):
        model.edit(4, {"Brigth": 2.0})


def test_an_interpolation_begins_and_ends_with_its_faces(model: Model) -> None:
    walk = model.interpolate([3, 5], 4)
    assert (walk[[0, 3]] == model.sample([3, 5])).all()
    with pytest.raises(UsageError, match="at least two"):
        model.interpolate([3])


def test_an_inversion_finds_a_latent_of_a_picture_and_of_its_file(model: Model, tmp_path: Path) -> None:
    face = model.sample([7])[0]
    found = model.invert(face, starts=1, steps=2)
    assert found.latent.shape == (model.recipe.latent_size,)
    (tmp_path / "face.png").write_bytes(encode_png(face))
    again = model.invert(tmp_path / "face.png", cropped=True, starts=1, steps=2)
    assert (again.latent == found.latent).all()


def test_a_saved_model_draws_the_same_faces_and_replaces_no_other_file(model: Model, tmp_path: Path) -> None:
    path = model.save(tmp_path / "new" / "model.safetensors")
    assert (load(path, device="cpu").sample(2) == model.sample(2)).all()
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="this command did not write it"):
        model.save(tmp_path / "notes.txt")


def test_an_onnx_file_agrees_with_the_model(model: Model, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    agreement = model.to_onnx(tmp_path / "faces.onnx")
    assert agreement.levels <= 1
    assert (tmp_path / "faces.onnx").is_file()


def test_a_notebook_shows_the_first_faces(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "shown.png"
    path.write_bytes(model._repr_png_())
    with Image.open(path) as picture:
        assert picture.size == (4 * 32 + 3 * 2, 4 * 32 + 3 * 2)
    provenance = read_provenance(path)
    assert provenance is not None
    assert provenance.seeds == "0-15"
