"""Terms: those of known sets are found, and nobody is said to have CelebA's who does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from strangers.data.merge import merge
from strangers.data.prepare import prepare
from strangers.data.prepared import Manifest, open_prepared
from strangers.data.terms import CELEBA, SYNTHETIC, Terms, known_terms
from strangers.errors import DataError


@pytest.mark.parametrize(
    ("source", "names", "originals", "terms"),
    [
        ("synthetic", ["000001"], [], SYNTHETIC),
        ("synthetic:50", ["000001"], [], SYNTHETIC),
        ("/data/img_align_celeba.zip", [], ["178x218"], CELEBA),
        ("hf:nielsr/CelebA-faces", [], ["178x218"], CELEBA),
        ("faces.zip", ["img_align_celeba/000001.jpg"], ["178x218"], CELEBA),
        ("faces", ["a/000001.jpg", "a/000002.jpg"], ["178x218"], CELEBA),
        ("faces", ["000001.jpg"], ["178x218", "200x200"], Terms()),
        ("faces", ["anna.jpg"], ["178x218"], Terms()),
        ("/home/celeba/mine", ["anna.jpg"], [], Terms()),
        ("faces", [], [], Terms()),
    ],
)
def test_known_sets_are_recognized(source: str, names: list[str], originals: list[str], terms: Terms) -> None:
    assert known_terms(source, names, originals) == terms


def test_a_set_says_its_terms(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    Image.fromarray(np.full((20, 20, 3), 90, np.uint8)).save(tmp_path / "mine" / "a.png")
    plain = prepare(tmp_path / "mine", tmp_path / "plain", size=16, workers=1, progress=False)
    assert plain.manifest.terms == Terms()
    assert "not stated" in str(plain.manifest.terms)
    told = prepare(
        tmp_path / "mine", tmp_path / "told", size=16, workers=1, progress=False,
        license="CC-BY-4.0", source_name="My friends",
    )  # fmt: skip
    assert str(open_prepared(told.path).manifest.terms) == "My friends: CC-BY-4.0"


def test_a_set_of_an_older_version_has_the_terms_of_its_source(tmp_path: Path) -> None:
    manifest = prepare("synthetic:2", tmp_path / "set", size=16, workers=1, progress=False).manifest
    older = Manifest.model_validate(manifest.model_dump(exclude={"license", "source_name"}))
    assert older.terms == manifest.terms == SYNTHETIC


def test_parts_have_one_license(tmp_path: Path) -> None:
    for number, license in ((1, "CC-BY-4.0"), (2, "CC0-1.0")):
        prepare(
            "synthetic:4", tmp_path / str(number), size=16, workers=1, progress=False,
            part=(number, 2), license=license,
        )  # fmt: skip
    with pytest.raises(DataError, match=r"its license is CC0-1\.0, not CC-BY-4\.0"):
        merge([tmp_path / "1", tmp_path / "2"], tmp_path / "whole")
