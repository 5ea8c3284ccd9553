"""The command `explore`: a page and JSON about a set."""

from __future__ import annotations

import json
from pathlib import Path

from ..support import Strangers


def test_explore_writes_a_page_and_json(strangers: Strangers, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "drawn.html"
    words = ("explore", trained.with_name("drawn"), "--out", out)
    code, said, err = strangers(*words)
    assert code == 0, err
    assert str(out) in said
    assert out.read_text().startswith("<!doctype html>")
    assert json.loads(out.with_suffix(".json").read_text())["count"] == 96
    assert strangers(*words).code == 0  # its own output is replaced


def test_explore_replaces_no_file_of_the_user(strangers: Strangers, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "drawn.html"
    out.with_suffix(".json").write_text("{}")
    words = ("explore", trained.with_name("drawn"), "--out", out)
    code, _, err = strangers(*words)
    assert code == 2
    assert f"{out.with_suffix('.json')} exists" in err
    assert not out.exists()
