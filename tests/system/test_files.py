"""Files are complete or absent, and files of the user stay as they are."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from strangers.system.files import append_whole, remove_leftovers, write_atomically
from strangers.system.machine import lock

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")

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
    with pytest.raises(OSError, match="no space") as caught:
        write_atomically(tmp_path / "file", b"new")
    assert caught.value.filename == str(tmp_path / "file")  # of which the system says nothing
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_leftovers_of_the_dead_are_removed_and_those_of_the_living_kept(tmp_path: Path) -> None:
    dead, living = (tmp_path / f".partial-set-{process}-abcd" for process in (NO_PROCESS, os.getppid()))
    for folder in (dead, living):
        folder.mkdir()
    remove_leftovers(tmp_path, "set")
    assert not dead.exists()
    assert living.exists()


def test_a_write_removes_leftovers_of_a_killed_one(tmp_path: Path) -> None:
    for name in ("file", "other"):
        (tmp_path / f".partial-{name}-{NO_PROCESS}-0123abcd").write_bytes(b"half")
    (tmp_path / ".partial-payment-of-2024-05").write_bytes(b"a user's own")
    write_atomically(tmp_path / "file", b"new")
    assert {path.name for path in tmp_path.iterdir()} == {"file", ".partial-payment-of-2024-05"}


def test_a_lock_is_held_by_one_until_it_is_closed(tmp_path: Path) -> None:
    with lock(tmp_path / "lock"), pytest.raises(BlockingIOError):
        lock(tmp_path / "lock")
    with lock(tmp_path / "lock"):
        pass


@posix
def test_a_new_file_follows_the_umask_and_a_replaced_one_keeps_its_mode(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "file", b"new")
        assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640
        for mode in (0o600, 0o664, 0o444):
            (tmp_path / "file").chmod(mode)
            write_atomically(tmp_path / "file", b"newer")
            assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode
    finally:
        os.umask(before)


@pytest.mark.parametrize("length", [200, 240, 255])
@pytest.mark.parametrize("character", ["a", "é", "顔"])
def test_a_name_may_be_as_long_as_the_disk_allows(tmp_path: Path, length: int, character: str) -> None:
    name = character * (length // len(character.encode()))
    try:
        (tmp_path / name).touch()
    except OSError:
        pytest.skip("this disk allows no such name")
    write_atomically(tmp_path / name, b"data")
    assert (tmp_path / name).read_bytes() == b"data"
    assert len(list(tmp_path.iterdir())) == 1


@posix
def test_lines_are_whole_after_one_that_was_cut_and_a_pipe_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "cut").write_bytes(b"whole\ncu")
    append_whole(tmp_path / "cut", b"next\n")
    assert (tmp_path / "cut").read_bytes() == b"whole\ncu\nnext\n"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="seek"):
        append_whole(tmp_path / "pipe", b"line\n")
