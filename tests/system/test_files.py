"""Files are there whole or not at all."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from strangers.errors import StrangersError
from strangers.system.cache import cache_folder, write_to_cache
from strangers.system.files import lock, new_folder, remove_folder, remove_leftovers, write_atomically

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


def test_a_write_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    for name in ("file", "other"):
        (tmp_path / f".partial-{name}-{NO_PROCESS}-0123abcd").write_bytes(b"half")
    (tmp_path / ".partial-payment-of-2024-05").write_bytes(b"a user's own")
    write_atomically(tmp_path / "file", b"new")
    assert {path.name for path in tmp_path.iterdir()} == {"file", ".partial-payment-of-2024-05"}


def test_leftovers_of_any_name_are_removed_before_a_folder_is_written(tmp_path: Path) -> None:
    (tmp_path / f".partial-other-{NO_PROCESS}-0123abcd").mkdir()
    with new_folder(tmp_path / "set"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_process_that_came_by_the_number_of_a_dead_one_keeps_nobody_out(tmp_path: Path) -> None:
    (tmp_path / f".partial-set-{os.getppid()}-0123abcd").mkdir()
    with new_folder(tmp_path / "set"):
        pass


@pytest.mark.skipif(os.name != "posix", reason="locks as POSIX does")
def test_a_folder_that_another_is_writing_is_refused_at_once(tmp_path: Path) -> None:
    with new_folder(
        tmp_path / "set"
    ) as folder:  # of this process, as if of another machine: a number of nobody
        with pytest.raises(StrangersError, match=r"Another process is writing .*set; wait"):
            new_folder(tmp_path / "set").__enter__()
        with new_folder(tmp_path / "other"):
            pass
        assert folder.exists()


def test_a_folder_that_came_to_be_meanwhile_is_kept(tmp_path: Path) -> None:
    final, theirs = tmp_path / "set", tmp_path / "made"
    theirs.mkdir()
    (theirs / "theirs").write_bytes(b"data")
    with pytest.raises(StrangersError, match=r"has written .*set meanwhile"), new_folder(final):
        theirs.rename(final)
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
    assert [path.name for path in final.iterdir()] == ["theirs"]


def test_a_folder_that_cannot_be_flushed_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush = os.fsync

    def fail(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError("some disks cannot")
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    with new_folder(tmp_path / "set"):
        pass
    write_atomically(tmp_path / "file", b"data")


def test_a_folder_is_removed_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "file").touch()
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)  # as if it were killed there
    remove_folder(tmp_path / "old")
    assert [path.name.startswith(".partial-old-") for path in tmp_path.iterdir()] == [True]
    monkeypatch.undo()
    remove_leftovers(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="locks as POSIX does")
def test_a_lock_is_held_by_one_until_it_is_closed(tmp_path: Path) -> None:
    with lock(tmp_path / "lock"), pytest.raises(BlockingIOError):
        lock(tmp_path / "lock")
    lock(tmp_path / "lock").close()
