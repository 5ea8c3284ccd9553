"""`explore` writes a page and JSON, and prints a summary."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from strangers.data.prepare import prepare
from strangers.evaluation.attributes import load_attributes
from strangers.images import encode_png

from ..support import Strangers


def test_explore_writes_a_page_and_json(strangers: Strangers, tmp_path: Path) -> None:
    out = tmp_path / "new" / "drawn.html"
    ran = strangers("explore", "synthetic:120", "--size", 32, "--out", out)
    assert ran.code == 0, ran.err
    assert "120 of 32 px" in ran.out
    found = json.loads(out.with_suffix(".json").read_text())
    assert found["count"] == 120
    assert 0 < found["occlusions"]["Eyeglasses"] < 1
    assert found["framing"] is None
    page = out.read_text()
    assert page.count("<img") == 1
    assert "as their terms allow" in page
    assert "Wearing Hat" in page


def test_wrong_calls_exit_2_and_write_nothing(strangers: Strangers, tmp_path: Path) -> None:
    out = tmp_path / "page.txt"
    ran = strangers("explore", "synthetic:4", "--out", out)
    assert ran.code == 2
    assert "ends in .html" in ran.err
    ran = strangers("explore", tmp_path / "nowhere", "--out", tmp_path / "page.html")
    assert ran.code == 2
    assert "nowhere" in ran.err
    assert not list(tmp_path.iterdir())
    drawn = prepare("synthetic:4", tmp_path / "drawn", size=16, workers=1, progress=False)
    ran = strangers("explore", drawn.path, "--size", 32, "--out", tmp_path / "page.html")
    assert ran.code == 2
    assert "is a prepared set of 16 px" in ran.err


def test_attributes_are_predicted_for_a_set_without_labels(strangers: Strangers, tmp_path: Path) -> None:
    drawn = prepare("synthetic:40", tmp_path / "drawn", size=64, workers=1, progress=False)
    (tmp_path / "faces").mkdir()
    for name, pixels in zip(drawn.names, np.asarray(drawn.images), strict=True):
        (tmp_path / "faces" / f"{name}.png").write_bytes(encode_png(pixels))
    out = tmp_path / "faces.html"
    ran = strangers("explore", tmp_path / "faces", "--out", out)
    assert ran.code == 0, ran.err
    found = json.loads(out.with_suffix(".json").read_text())
    assert found["attributes"] == {}
    network = load_attributes()
    expected = (network.read(np.asarray(drawn.images)).probabilities > 0.5).mean(axis=0)
    assert found["predicted_attributes"] == pytest.approx(dict(zip(network.names, expected, strict=True)))
    assert 1 < found["predicted_diversity"] < 2
    assert found["framing"]["searched"] == 40
    assert found["framing"]["headshots"] == 1
    page = out.read_text()
    assert "Predicted attributes" in page
    assert "says nothing about skin color" in page
    for part in ("as predicted", "found in", "to the left", "headshots", "values per attribute"):
        assert part in ran.out
