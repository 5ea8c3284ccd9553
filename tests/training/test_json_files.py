"""A JSON file of a run is read as it was written, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from strangers.training.json_files import is_damaged, read_json, write_json


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    write_json(file, {"seed": 1, "name": "é"})
    assert read_json(file) == {"seed": 1, "name": "é"}
    assert not is_damaged(file)


def test_a_changed_file_is_damaged(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    write_json(file, {"seed": 1})
    file.write_text(file.read_text().replace('"seed": 1', '"seed": 2'))
    assert is_damaged(file)
    with pytest.raises(ValueError, match="does not match its SHA-256"):
        read_json(file)
    assert is_damaged(tmp_path / "absent.json")
    file.unlink()
    os.mkfifo(file)
    assert is_damaged(file)
