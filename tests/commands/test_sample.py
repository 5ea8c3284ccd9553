"""The command `sample`: faces by seed, and by attribute."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from strangers.images import grid, read_provenance
from strangers.latent import rejection
from strangers.latent.rejection import own_certainties
from strangers.sampling.latents import format_seeds
from strangers.sampling.model import Model

from ..support import Strangers
from .conftest import BrightnessReader, read_pixels


def test_where_keeps_the_faces_with_these_attributes(
    strangers: Strangers, tiny_file: Path, tiny_model: Model, tmp_path: Path, eye: BrightnessReader
) -> None:
    out = tmp_path / "faces.png"
    code, said, err = strangers(
        "sample", tiny_file, "--where", "Smiling=1,Male=0", "--reject", "0", "--grid", "3x2", "--out", out
    )
    assert code == 0, err
    seen = eye.read(tiny_model.sample(range(2_000))).probabilities > 0.5
    kept = np.flatnonzero(seen[:, 0] & ~seen[:, 1])[:6].tolist()
    assert f"Kept 6 of {kept[-1] + 1} faces" in said
    assert np.array_equal(read_pixels(out), grid(tiny_model.sample(kept), columns=3))
    assert read_provenance(out).seeds.startswith(str(kept[0]))


def test_where_searches_only_the_given_seeds(
    strangers: Strangers, tiny_file: Path, tiny_model: Model, tmp_path: Path, eye: BrightnessReader
) -> None:
    words = (
        "sample", tiny_file, "--where", "Smiling=1", "--reject", "0%", "--seeds", "100-149",
        "--out", tmp_path / "faces",
    )  # fmt: skip
    assert strangers(*words).code == 0
    kept = 100 + np.flatnonzero(eye.read(tiny_model.sample(range(100, 150))).probabilities[:, 0] > 0.5)
    assert sorted(file.name for file in (tmp_path / "faces").iterdir()) == [
        f"seed{seed:04d}.png" for seed in kept
    ]
    code, _, err = strangers(
        "sample", tiny_file, "--where", "Bald=1", "--seeds", "0-9", "--out", tmp_path / "bald.png"
    )
    assert code == 1
    assert "Only 0 of 10 faces have Bald=1" in err


def test_a_search_rejects_the_least_certain_faces_unless_it_is_told_not_to(
    strangers: Strangers,
    tiny_file: Path,
    tiny_model: Model,
    tmp_path: Path,
    eye: BrightnessReader,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rejection, "OWN_FACES", 24)
    words = ("sample", tiny_file, "--seeds", "0-23", "--force", "--out", tmp_path / "kept.png")
    certain = own_certainties(tiny_model)
    bright = eye.read(tiny_model.sample(range(24))).probabilities[:, 0] > 0.5
    for options, kept in (
        (("--reject", "25%"), certain >= np.quantile(certain, 0.25)),
        (("--where", "Smiling=1"), bright & (certain >= np.quantile(certain, 0.15))),
        (("--where", "Smiling=1", "--reject", "0"), bright),
        ((), np.ones(24, bool)),
    ):
        assert strangers(*words, *options).code == 0
        assert read_provenance(tmp_path / "kept.png").seeds == format_seeds(np.flatnonzero(kept).tolist())
    code, _, err = strangers(*words, "--reject", "120%")
    assert code == 2
    assert "at least 0 and below 1" in err
