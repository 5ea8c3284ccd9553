"""The command `prepare`: prepare photographs, or merge prepared parts."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from strangers.data.prepared import open_prepared

from ..support import Strangers


def test_prepare_reports_what_it_made(strangers: Strangers, tmp_path: Path) -> None:
    code, out, _ = strangers("prepare", "synthetic:20", "--size", 16, "--out", tmp_path / "set")
    assert code == 0
    assert "20 pictures of 16 px" in out
    assert (tmp_path / "set" / "manifest.json").exists()


def test_prepare_reports_skipped_files(strangers: Strangers, tmp_path: Path) -> None:
    folder = tmp_path / "photographs"
    folder.mkdir()
    Image.new("RGB", (40, 50), "teal").save(folder / "good.png")
    (folder / "bad.jpg").write_bytes(b"")
    code, out, _ = strangers("prepare", folder, "--size", 16, "--out", tmp_path / "set")
    assert code == 0
    assert "Skipped 1 file (1 x the file is empty); " in out
    assert "bad.jpg" in (tmp_path / "set" / "skipped.csv").read_text()


def test_merged_parts_are_the_whole_set(strangers: Strangers, tmp_path: Path) -> None:
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number in range(4):
        Image.new("RGB", (40, 40), (40 * number, 0, 0)).save(folder / f"{number}.png")
    assert strangers("prepare", folder, "--size", 16, "--out", tmp_path / "whole").code == 0
    for part in ("1/2", "2/2"):
        words = ("prepare", folder, "--size", 16, "--part", part, "--out", tmp_path / part[0])
        assert strangers(*words).code == 0
    code, out, _ = strangers("prepare", "--merge", tmp_path / "1", tmp_path / "2", "--out", tmp_path / "set")
    assert code == 0
    assert "4 pictures of 16 px" in out
    whole, merged = (open_prepared(tmp_path / name) for name in ("whole", "set"))
    assert merged.manifest.hash == whole.manifest.hash


@pytest.mark.parametrize("option", ["--license", "--source-name"])
def test_terms_that_are_not_utf8_are_a_wrong_call(strangers: Strangers, tmp_path: Path, option: str) -> None:
    place = tmp_path / "set"
    code, _, err = strangers("prepare", "synthetic:4", "--size", "16", "--out", place, option, "caf\udce9")
    assert code == 2
    assert f"{option} must be text in UTF-8" in err
    assert not place.exists()
