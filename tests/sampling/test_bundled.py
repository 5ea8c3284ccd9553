"""Bundled models load, are small, and have a card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from strangers.latent import directions
from strangers.sampling.load import bundled, load
from strangers.sampling.model import draw

from ..support import Strangers

MOST = 12_000_000
"""Bytes of one model's file."""


@pytest.mark.parametrize("size", [32, 64, 128])
def test_there_is_a_generator_of_each_size(size: int) -> None:
    assert load(f"celeba-{size}", device="cpu").header.size == size


@pytest.mark.parametrize("name", bundled())
def test_every_model_is_small_and_has_a_card_of_itself(name: str) -> None:
    path = bundled()[name]
    assert path.stat().st_size <= MOST
    card = path.with_suffix(".md").read_text()
    model = load(name, device="cpu")
    for words in (model.hash, f'strangers.load("{name}")', "non-commercial", "`fd-face`", "**Originality.**"):
        assert words in card


@pytest.mark.parametrize("name", bundled())
def test_its_directions_are_there_without_a_search(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(directions, "_fit", lambda *words: pytest.fail("it was searched for"))
    found = directions.find_directions(load(name, device="cpu"))
    assert "Smiling" in found.names
    assert found.vectors.shape[0] == len(found.names) > 10


@pytest.mark.parametrize("name", bundled())
def test_faces_are_those_of_the_trained_layers_up_to_a_rounding(name: str) -> None:
    model = load(name, device="cpu")
    trained = draw(model.generator, model.latents(range(16)))
    assert np.abs(model.sample(range(16)).astype(int) - trained).max() <= 1


def test_an_unknown_name_is_an_error_that_lists_the_bundled_models(
    strangers: Strangers, tmp_path: Path
) -> None:
    code, _, err = strangers("sample", "celeba-65", "--out", tmp_path / "faces.png")
    assert code == 2
    assert "no such file or run, and not one of the bundled models (celeba-128, celeba-32, celeba-64)" in err


def test_a_file_of_that_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "celeba-64").write_text("<!doctype html>")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception, match="a web page"):
        load("celeba-64", device="cpu")
