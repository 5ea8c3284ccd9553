"""Photographs of an exported page: only such whose terms are stated, and with the faces' own protocol."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from strangers.data.prepare import prepare
from strangers.errors import UsageError
from strangers.export import photographs
from strangers.export.photographs import page_photographs
from strangers.sampling.load import load
from strangers.sampling.model import Model

from ..support import write_model


@pytest.fixture(scope="module")
def drawn_like(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A generator as if of drawn faces."""
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    return load(write_model(path, crop="square", filter="drawn"), device="cpu")


def test_they_are_of_the_whole_set_and_unchanged(
    drawn_like: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photographs, "MAX_PHOTOGRAPHS", 3)
    pictures = prepare("synthetic:9", tmp_path / "drawn", size=32, progress=False)
    taken = page_photographs(pictures, drawn_like)
    column = np.asarray(Image.open(io.BytesIO(taken.png))).reshape(3, 32, 32, 3)
    np.testing.assert_array_equal(column, pictures.images[[0, 4, 8]])
    assert taken.facts() == {
        "file": "photographs.png", "source": "faces drawn by strangers",
        "license": "free of terms, since no person and no photograph is shown",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "words", "complaint"),
    [
        ("own", {}, "terms of the photographs of .* are not stated"),
        ("own", {"license": "CC0"}, "differs"),
        ("celeba", {"license": "CC0"}, "CelebA's"),
    ],
)
def test_terms_must_be_stated_and_protocols_agree(
    model: Model, tmp_path: Path, name: str, words: dict[str, str], complaint: str
) -> None:
    source = tmp_path / name
    source.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 3), np.uint8)
    for number, pixels in enumerate(noise):
        Image.fromarray(pixels).save(source / f"{number}.png")
    pictures = prepare(str(source), tmp_path / "set", size=32, progress=False, **words)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=complaint):
        page_photographs(pictures, model)
