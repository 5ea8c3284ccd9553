"""The command `edit`: strips of faces along an attribute."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from strangers.images import read_provenance
from strangers.sampling.model import Model

from ..support import Strangers
from .conftest import read_pixels


@pytest.mark.usefixtures("eye")
def test_edit_draws_a_row_for_each_face_from_less_to_more(
    strangers: Strangers, tiny_file: Path, tiny_model: Model, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "smile.png"
    words = ("edit", tiny_file, "--seeds", "3,4", "--attribute", "Smiling", "--strengths", "-2..2")
    code, said, err = strangers(*words, "--out", out, "--measure")
    assert code == 0, err
    assert "Wrote 2 faces at 9 strengths" in said
    assert "Smiling at 2: changes in" in said
    strip = read_pixels(out)
    assert strip.shape == (2 * 34 - 2, 9 * 34 - 2, 3)
    rows = [strip[top : top + 16] for top in (0, 34)]
    for row in rows:
        light = [row[:, left : left + 32].mean() for left in range(0, 9 * 34, 34)]
        assert light[-1] > light[4] > light[0]
    assert np.array_equal(strip[:32, 4 * 34 : 4 * 34 + 32], tiny_model.sample([3])[0])
    origin = read_provenance(out)
    assert (origin.seeds, origin.model_hash) == ("3-4", tiny_model.hash)
    assert origin.latents.startswith("Smiling -2,-1.5,-1,")


@pytest.mark.usefixtures("eye")
def test_edit_can_hold_other_attributes(strangers: Strangers, tiny_file: Path, tmp_path: Path) -> None:
    words = ("edit", tiny_file, "--seeds", "3", "--attribute", "Smiling", "--strengths", "0,3")
    for name, more in (("plain", ()), ("named", ("--hold", "Male")), ("all", ("--hold", "all"))):
        assert strangers(*words, "--out", tmp_path / f"{name}.png", *more).code == 0
    assert np.array_equal(read_pixels(tmp_path / "named.png"), read_pixels(tmp_path / "all.png"))
    assert not np.array_equal(read_pixels(tmp_path / "named.png"), read_pixels(tmp_path / "plain.png"))
    assert read_provenance(tmp_path / "named.png").latents == "Smiling 0,3, orthogonal to Male"
