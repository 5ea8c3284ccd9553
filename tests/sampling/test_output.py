"""Faces as files: each is that of its seed, and a full disk is an error."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from strangers.errors import UsageError
from strangers.images import read_provenance
from strangers.sampling.load import load
from strangers.sampling.model import Model
from strangers.sampling.output import grid_png, write_each

from ..support import write_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(write_model(tmp_path_factory.mktemp("models") / "tiny.safetensors"), device="cpu")


def test_each_file_is_the_face_of_its_seed(model: Model, tmp_path: Path) -> None:
    seeds = [*range(150), 2**40]  # more than a batch
    write_each(model, seeds, tmp_path / "faces", 0.7)
    assert len(list((tmp_path / "faces").iterdir())) == len(seeds)
    for seed, face in zip(seeds, model.sample(seeds, truncation=0.7), strict=True):
        path = tmp_path / "faces" / f"seed{seed:04d}.png"
        with Image.open(path) as picture:
            assert np.array_equal(np.asarray(picture), face)
        assert read_provenance(path) == model.provenance([seed], 0.7)


@pytest.mark.parametrize("scale", [1, 4])
def test_a_grid_holds_all_faces(model: Model, scale: int) -> None:
    with Image.open(io.BytesIO(grid_png(model, range(6), 3, 1.0, scale=scale))) as sheet:
        assert sheet.size == (3 * (32 * scale + 2) - 2, 2 * (32 * scale + 2) - 2)


def test_an_enlarged_face_is_the_same_face(model: Model, tmp_path: Path) -> None:
    write_each(model, [7], tmp_path / "faces", 1.0, scale=3)
    with Image.open(tmp_path / "faces" / "seed0007.png") as picture:
        assert picture.size == (96, 96)
        smaller = np.asarray(picture.resize((32, 32), Image.Resampling.BOX), float)
    difference = np.abs(smaller - model.sample([7])[0]).mean()
    others = np.abs(smaller - model.sample([8])[0]).mean()
    assert difference < others / 2
    assert read_provenance(tmp_path / "faces" / "seed0007.png").seeds == "7"


def test_a_picture_that_would_fill_the_memory_is_refused(model: Model) -> None:
    with pytest.raises(UsageError, match="10,000 faces at --scale 16 are too large"):
        grid_png(model, range(10_000), None, 1.0, scale=16)


@pytest.mark.parametrize("failing", [3, 149])
def test_a_file_that_cannot_be_written_is_an_error(
    failing: int, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes, **_: object) -> None:
        if path.name == f"seed{failing:04d}.png":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("strangers.sampling.output.write_output", full)
    with pytest.raises(OSError, match="No space"):
        write_each(model, range(150), tmp_path / "faces", 1.0)
