"""Files are complete or absent, and files of the user stay as they are."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from strangers.errors import StrangersError, UsageError
from strangers.system.files import (
    check_outputs,
    new_folder,
    remove_folder,
    remove_leftovers,
    signed,
    write_atomically,
    write_output,
)
from strangers.system.machine import lock

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")

NO_PROCESS = 2**22 + 1  # above every process number

OWN = ("manifest.json", "held-out/images.npy")

REPORT = signed("# A report\n", "evaluation")


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


def test_a_folder_is_replaced_only_by_force_and_only_if_a_command_wrote_it(tmp_path: Path) -> None:
    final = tmp_path / "set"
    for content in (b"old", b"new"):
        with new_folder(final, OWN if content == b"new" else None) as folder:
            (folder / "manifest.json").write_bytes(content)
    assert (final / "manifest.json").read_bytes() == b"new"
    with pytest.raises(ZeroDivisionError), new_folder(final, OWN):
        raise ZeroDivisionError
    assert (final / "manifest.json").read_bytes() == b"new"
    for own, message in ((None, "exists already"), (["index.html"], "has no index.html")):
        with pytest.raises(UsageError, match=message), new_folder(final, own):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("name", ["notes.txt", "mine/photo.jpg", ".git"])
def test_a_folder_with_a_file_of_somebody_else_is_not_replaced(tmp_path: Path, name: str) -> None:
    final = tmp_path / "set"
    with new_folder(final) as folder:
        for own in (*OWN, ".DS_Store"):
            (folder / own).parent.mkdir(exist_ok=True)
            (folder / own).write_bytes(b"old")
    with new_folder(final, OWN) as folder:
        (folder / OWN[0]).write_bytes(b"new")
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


def test_a_link_is_checked_where_it_is_written(tmp_path: Path) -> None:
    mine, link = tmp_path / "mine.html", tmp_path / "link.html"
    mine.write_bytes(b"mine")
    link.symlink_to("nowhere/../mine.html")
    assert not link.exists()
    with pytest.raises(UsageError, match=r"link\.html exists"):
        write_output(link, REPORT, kind="evaluation")
    mine.write_bytes(REPORT)
    with pytest.raises(UsageError, match=r"link\.html is an input"):
        check_outputs(link, kind="evaluation", inputs=[mine])


def test_a_folder_behind_a_link_is_replaced_there(tmp_path: Path) -> None:
    link, final = tmp_path / "link", tmp_path / "disk" / "set"
    for content in (b"old", b"new"):
        with new_folder(link if link.exists() else final, OWN) as folder:
            (folder / OWN[0]).write_bytes(content)
        if content == b"old":
            link.symlink_to(final)
    assert link.is_symlink()
    assert (final / OWN[0]).read_bytes() == b"new"
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


def test_a_lock_is_held_by_one_until_it_is_closed(tmp_path: Path) -> None:
    with lock(tmp_path / "lock"), pytest.raises(BlockingIOError):
        lock(tmp_path / "lock")
    with lock(tmp_path / "lock"):
        pass


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A file that a person wrote."""
    path = tmp_path / "report.md"
    path.write_bytes(b"my notes")
    return path


def test_a_file_of_the_user_is_refused_by_name_and_kept(mine: Path) -> None:
    with pytest.raises(UsageError, match=r"report\.md exists, and this command did not write it; .*--force"):
        write_output(mine, REPORT, kind="evaluation")
    assert mine.read_bytes() == b"my notes"
    assert [path.name for path in mine.parent.iterdir()] == ["report.md"]


def test_force_replaces_a_file_of_the_user(mine: Path) -> None:
    write_output(mine, REPORT, kind="evaluation", force=True)
    assert mine.read_bytes() == REPORT


def test_an_earlier_output_of_the_same_kind_is_replaced(mine: Path) -> None:
    mine.write_bytes(signed("# An older report\n", "evaluation"))
    write_output(mine, REPORT, kind="evaluation")
    assert mine.read_bytes() == REPORT


@pytest.mark.parametrize(
    "data",
    [
        b"",
        signed("# A card\n", "export"),
        REPORT.replace(b"# A", b"# My"),
        REPORT + b"and a note\n",
        b'{"values": {}, "versions": {}}',
        b"[" * 100_000,
        b"[1, 2]",
        b"null",
        b"\x89PNG\r\n\x1a\n my drawing",
        bytes(8) + b'{"__metadata__":{"strangers":"{}"},"weight":{"dtype":"F32"}}',
    ],
    ids=["empty", "other kind", "edited", "extended", "few keys", "deep", "list", "null", "png", "model"],
)
def test_a_file_that_is_not_exactly_an_earlier_output_is_refused(mine: Path, data: bytes) -> None:
    mine.write_bytes(data)
    for kind in ("evaluation", "picture"):
        with pytest.raises(UsageError, match="did not write it"):
            check_outputs(mine, kind=kind)
    assert mine.read_bytes() == data


def test_an_input_is_refused_although_the_command_once_wrote_it(mine: Path) -> None:
    mine.write_bytes(REPORT)
    os.link(mine, mine.with_name("same"))
    for name in (mine, mine.with_name("same")):
        with pytest.raises(UsageError, match=r"report\.md is an input of this command"):
            check_outputs(mine, kind="evaluation", inputs=[None, "celeba-64", name])
    check_outputs(mine, kind="evaluation", inputs=[mine], force=True)


def test_json_of_a_command_differs_from_other_json(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps({"values": {}, "versions": {}, "hardware": {}, "more": 1}))
    check_outputs(path, kind="evaluation")
    with pytest.raises(UsageError):
        check_outputs(path, kind="exploration")


@posix
@pytest.mark.parametrize("force", [False, True])
def test_a_pipe_a_device_and_a_folder_are_refused_even_with_force(tmp_path: Path, force: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "null").symlink_to(os.devnull)
    for name, what in (("pipe", "not a regular file"), ("null", "not a regular"), ("folder", "a folder")):
        with pytest.raises(UsageError, match=f"{name} is {what}"):
            write_output(tmp_path / name, REPORT, kind="evaluation", force=force)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


@posix
def test_a_link_stays_and_its_target_is_written(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"old")
    for name in ("target", "new"):
        link = tmp_path / f"link to {name}"
        link.symlink_to(tmp_path / name)
        write_output(link, REPORT, kind="evaluation", force=True)
        assert link.is_symlink()
        assert (tmp_path / name).read_bytes() == REPORT


@posix
def test_a_link_to_a_file_of_the_user_is_refused(mine: Path) -> None:
    link = mine.with_name("link")
    link.symlink_to(mine)
    with pytest.raises(UsageError, match="link exists"):
        write_output(link, REPORT, kind="evaluation")
    assert mine.read_bytes() == b"my notes"


def test_the_folder_of_an_output_is_made(tmp_path: Path) -> None:
    write_output(tmp_path / "a" / "b" / "report.md", REPORT, kind="evaluation")
    assert (tmp_path / "a" / "b" / "report.md").read_bytes() == REPORT


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
