"""`explore` writes a page and JSON, and prints a summary."""

from __future__ import annotations

import json
from pathlib import Path

from ..support import Strangers


def test_explore_writes_a_page_and_json(strangers: Strangers, tmp_path: Path) -> None:
    out = tmp_path / "new" / "drawn.html"
    ran = strangers("explore", "synthetic:120", "--size", 32, "--out", out)
    assert ran.code == 0, ran.err
    assert "120 of 32 px" in ran.out
    found = json.loads(out.with_suffix(".json").read_text())
    assert found["count"] == 120
    assert 0 < found["coverings"]["Eyeglasses"] < 1
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
