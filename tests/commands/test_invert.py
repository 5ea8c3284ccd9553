"""The command `invert`: the latent of a photograph."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from strangers.images import read_provenance
from strangers.latent import ood
from strangers.sampling.model import Model

from ..support import Strangers, write_model
from .conftest import BrightnessReader, read_pixels


def test_invert_writes_a_latent_that_edit_reads(
    strangers: Strangers, tiny_file: Path, tiny_model: Model, tmp_path: Path, eye: BrightnessReader
) -> None:
    photograph = tmp_path / "face.png"
    Image.fromarray(tiny_model.sample([7])[0]).save(photograph)
    out = tmp_path / "new" / "latent.json"
    words = ("invert", tiny_file, photograph, "--cropped", "--steps", 40, "--starts", 2, "--out", out)
    code, said, err = strangers(*words)
    assert code == 0, err
    assert "Pixel error:" in said
    found = json.loads(out.read_text())
    assert found["model_hash"] == tiny_model.hash
    pair = read_pixels(out.with_suffix(".png"))
    assert np.array_equal(pair[:, :32], tiny_model.sample([7])[0])
    assert np.array_equal(pair[:, -32:], tiny_model.decode(np.array([found["latent"]], np.float32))[0])
    edited = ("edit", tiny_file, "--latent", out, "--attribute", "Smiling", "--strengths", "0", "--out")
    assert strangers(*edited, tmp_path / "strip.png").code == 0
    assert np.array_equal(read_pixels(tmp_path / "strip.png"), pair[:, -32:])
    assert "latent.json" in read_provenance(tmp_path / "strip.png").latents
    other = write_model(tmp_path / "other.safetensors", images_seen=2)
    code, _, err = strangers("edit", other, *edited[2:], tmp_path / "strip.png")
    assert code == 2
    assert "belongs to model" in err


@pytest.mark.parametrize(
    ("name", "more", "says"),
    [
        ("text.jpg", (), "not an image"),
        ("empty.png", (), "the file is empty; if it is cropped already, pass --cropped"),
        ("wide.png", ("--cropped",), "not square"),
    ],
)
def test_a_photograph_that_cannot_be_inverted_is_refused_with_a_reason(
    strangers: Strangers, tiny_file: Path, tmp_path: Path, name: str, more: tuple[str, ...], says: str
) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    Image.new("RGB", (60, 40)).save(tmp_path / "wide.png")
    code, _, err = strangers(
        "invert", tiny_file, tmp_path / name, "--out", tmp_path / "new" / "l.json", *more
    )
    assert code == 1
    assert says in err
    assert not (tmp_path / "new").exists()


def test_a_picture_without_a_face_is_inverted_with_a_warning(
    strangers: Strangers, tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ood, "OOD_THRESHOLD", 0.1)  # an untrained model's own faces are as strange as noise
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    words = ("--cropped", "--steps", 1, "--out", tmp_path / "latent.json")
    code, _, err = strangers("invert", tiny_file, tmp_path / "noise.png", *words)
    assert code == 0
    assert err.startswith("warning: ")
