"""Files are there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from strangers.errors import StrangersError
from strangers.files import cache_folder, new_folder, remove_leftovers, write_atomically, write_to_cache

NO_PROCESS = 2**22 + 1  # above every process number


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    for data in (b"old", b"new"):
        write_atomically(tmp_path / "file", data)
    assert (tmp_path / "file").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_atomically(tmp_path / "file", b"old")

    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        write_atomically(tmp_path / "file", b"new")
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


def test_a_cache_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    write_to_cache(tmp_path / "file" / "kept", b"made")
    write_to_cache(tmp_path / "new" / "kept", b"made")
    assert (tmp_path / "new" / "kept").read_bytes() == b"made"


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(StrangersError, match="let XDG_CACHE_HOME name a folder"):
        cache_folder()
