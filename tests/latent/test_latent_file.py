"""Latent files: read by their own model only, and refused when they are anything else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from strangers.errors import DataError, UsageError
from strangers.images import read_provenance
from strangers.latent.inversion import Inversion
from strangers.latent.latent_file import LatentFile, latent_file, read_latent, write_latent
from strangers.sampling.load import load

from ..support import write_model


def test_a_latent_file_works_with_its_own_model_only(tmp_path: Path) -> None:
    model = load(write_model(tmp_path / "tiny.safetensors"), device="cpu")
    latent = model.latents([3])[0]
    result = Inversion(
        step=9, steps=9, latent=latent, image_error=1.0, feature_error=0.5, face=model.decode(latent[None])[0]
    )
    path = tmp_path / "new" / "latent.json"
    found = latent_file(model, result, 1.0, 2, 0)
    write_latent(path, found, result.face, result.face)
    read = read_latent(path)
    assert read == found
    assert np.array_equal(read.of(model)[0], result.latent)
    with pytest.raises(UsageError, match="belongs to model"):
        read.of(replace(model, hash="f" * 16))
    with pytest.raises(UsageError, match="has 1 numbers, but this model"):
        read.model_copy(update={"latent": (0.0,)}).of(model)
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
    with pytest.raises(UsageError, match="There is no latent file"):
        read_latent(tmp_path / "nowhere.json")
