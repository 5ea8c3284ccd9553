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


@pytest.mark.usefixtures("eye")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("edit MODEL --seeds 1 --attribute Smile --out a.png", "'Smile'. Choose from Smiling, Male, Bald"),
        ("edit MODEL --seeds 1 --attribute Bald --out a.png", "fewer than 50 of 600 faces"),
        ("edit MODEL --seeds 1 --attribute Smiling --hold Mole --out a.png", "'Mole'"),
        ("edit MODEL --attribute Smiling --out a.png", "exactly one of --seeds and --latent"),
        ("edit MODEL --seeds 1 --latent l.json --attribute Smiling --out a.png", "exactly one of"),
        ("edit MODEL --seeds 1 --attribute Smiling --out folder", "end in .png"),
        ("edit MODEL --seeds 1 --attribute Smiling --strengths much --out a.png", "-2..2"),
        ("edit MODEL --seeds 0-5000 --attribute Smiling --out a.png", "at most 10,000 faces"),
    ],
)
def test_a_wrong_call_is_one_sentence_and_leaves_nothing(
    strangers: Strangers,
    tiny_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = strangers(*(tiny_file if word == "MODEL" else word for word in words.split()))
    assert code == 2, err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert says in err
    assert list(tmp_path.iterdir()) == []
