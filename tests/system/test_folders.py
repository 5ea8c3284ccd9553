"""Folders appear and disappear as a whole, and those of the user are kept."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from pathlib import Path

import pytest

from strangers.errors import StrangersError, UsageError
from strangers.system.files import remove_leftovers, write_atomically
from strangers.system.folders import new_folder, remove_folder

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")

NO_PROCESS = 2**22 + 1  # above every process number

OWN = ("manifest.json", "held-out/images.npy")
OLD, NEW = b"strangers 1", b"strangers 2"


def test_a_folder_is_replaced_only_by_force_and_only_if_a_command_wrote_it(tmp_path: Path) -> None:
    final = tmp_path / "set"
    for content in (OLD, NEW):
        with new_folder(final, OWN if content == NEW else None) as folder:
            (folder / "manifest.json").write_bytes(content)
    assert (final / "manifest.json").read_bytes() == NEW
    with pytest.raises(ZeroDivisionError), new_folder(final, OWN):
        raise ZeroDivisionError
    assert (final / "manifest.json").read_bytes() == NEW
    for own, message in ((None, "exists already"), (["index.html"], "has no index.html")):
        with pytest.raises(UsageError, match=message), new_folder(final, own):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("content", [b"", b'{"name": "My app"}'], ids=["empty", "an app's manifest"])
def test_a_folder_with_a_file_of_the_same_name_is_not_replaced(tmp_path: Path, content: bytes) -> None:
    final = tmp_path / "mine"
    final.mkdir()
    (final / OWN[0]).write_bytes(content)
    with pytest.raises(UsageError, match=r"mine has no manifest\.json of strangers"), new_folder(final, OWN):
        pass
    assert (final / OWN[0]).read_bytes() == content


@pytest.mark.parametrize("name", ["notes.txt", "mine/photo.jpg", ".git"])
def test_a_folder_with_a_file_of_somebody_else_is_not_replaced(tmp_path: Path, name: str) -> None:
    final = tmp_path / "set"
    with new_folder(final) as folder:
        for own in (*OWN, ".DS_Store"):
            (folder / own).parent.mkdir(exist_ok=True)
            (folder / own).write_bytes(OLD)
    with new_folder(final, OWN) as folder:
        (folder / OWN[0]).write_bytes(NEW)
        (final / name).parent.mkdir(exist_ok=True)
        (final / name).write_bytes(b"mine")
        with pytest.raises(UsageError, match=rf"would remove .*{name}, .* move it"), new_folder(final, OWN):
            pass
        (final / name).rename(tmp_path / "moved")
    assert [path.name for path in final.iterdir()] == [OWN[0]]


def test_a_folder_that_cannot_be_made_is_named_by_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", lambda path, **options: None if options else refuse(path))
    with pytest.raises(PermissionError) as caught, new_folder(tmp_path / "set"):
        pass
    assert caught.value.filename == str(tmp_path / "set")


def test_a_folder_behind_a_link_is_replaced_there(tmp_path: Path) -> None:
    link, final = tmp_path / "link", tmp_path / "disk" / "set"
    for content in (OLD, NEW):
        with new_folder(link if link.exists() else final, OWN) as folder:
            (folder / OWN[0]).write_bytes(content)
        if content == OLD:
            link.symlink_to(final)
    assert link.is_symlink()
    assert (final / OWN[0]).read_bytes() == NEW
    assert [path.name for path in final.parent.iterdir()] == ["set"]


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


def test_leftovers_of_any_name_are_removed_before_a_folder_is_written(tmp_path: Path) -> None:
    (tmp_path / f".partial-other-{NO_PROCESS}-0123abcd").mkdir()
    with new_folder(tmp_path / "set"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_process_that_came_by_the_number_of_a_dead_one_keeps_nobody_out(tmp_path: Path) -> None:
    (tmp_path / f".partial-set-{os.getppid()}-0123abcd").mkdir()
    with new_folder(tmp_path / "set"):
        pass


@posix
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
    with pytest.raises(StrangersError, match=r"has just written .*set"), new_folder(final):
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
