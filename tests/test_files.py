"""Files are there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from strangers.errors import StrangersError
from strangers.files import new_folder, remove_leftovers, write_atomically

NO_PROCESS = 2**22 + 1  # above every process number


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    for data in (b"old", b"new"):
        write_atomically(tmp_path / "file", data)
    assert (tmp_path / "file").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_atomically(tmp_path / "file", b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space") as told:
        write_atomically(tmp_path / "file", b"new")
    assert told.value.filename == str(tmp_path / "file")  # of which the system says nothing
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_appears_whole_or_not(tmp_path: Path) -> None:
    final = tmp_path / "set"
    with new_folder(final) as folder:
        (folder / "file").write_bytes(b"data")
        assert not final.exists()
    assert (final / "file").read_bytes() == b"data"
    with pytest.raises(StrangersError, match="exists already"), new_folder(final):
        pass
    with pytest.raises(IsADirectoryError), new_folder(tmp_path / "other") as folder:
        folder.read_bytes()  # fails
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_leftovers_of_the_dead_are_removed_and_those_of_the_living_kept(tmp_path: Path) -> None:
    dead, living = (tmp_path / f".partial-set-{process}-abcd" for process in (NO_PROCESS, os.getppid()))
    for folder in (dead, living):
        folder.mkdir()
    remove_leftovers(tmp_path, "set")
    assert not dead.exists()
    assert living.exists()
