"""The command `sample`: faces by seed, and by attribute."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from strangers.images import grid, read_provenance
from strangers.sampling.model import Model

from ..support import Strangers
from .conftest import BrightnessReader, read_pixels


def test_where_keeps_the_faces_with_these_attributes(
    strangers: Strangers, tiny_file: Path, tiny_model: Model, tmp_path: Path, eye: BrightnessReader
) -> None:
    out = tmp_path / "faces.png"
    code, said, err = strangers(
        "sample", tiny_file, "--where", "Smiling=1,Male=0", "--grid", "3x2", "--out", out
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
    words = ("sample", tiny_file, "--where", "Smiling=1", "--seeds", "100-149", "--out", tmp_path / "faces")
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
