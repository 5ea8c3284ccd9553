"""A command replaces its own earlier output, and no other file."""

from __future__ import annotations

import json
import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from strangers.errors import UsageError
from strangers.images import Provenance, encode_png
from strangers.system.folders import check_folder
from strangers.system.outputs import OF_TRAINING, check_outputs, signed, together, write_output

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")

REPORT = signed("# A report\n", "evaluation")


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


def test_a_sample_grid_of_a_training_is_not_replaced_by_another_picture(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    provenance = Provenance("strangers 1", "0" * 16, "0-63", "fast-32", 20_000)
    (tmp_path / "000020k.png").write_bytes(encode_png(pixels, provenance))
    check_outputs(tmp_path / "000020k.png", kind="picture")
    (tmp_path / "moved.png").write_bytes(encode_png(pixels, provenance, title=f"Samples{OF_TRAINING}"))
    with pytest.raises(UsageError, match=r"moved\.png exists, and this command did not write it"):
        check_outputs(tmp_path / "moved.png", kind="picture")


def test_an_output_below_a_file_is_refused_before_any_work(mine: Path) -> None:
    mine.write_bytes(b"mine")
    for below in (mine / "report.md", mine / "more" / "report.md"):
        with pytest.raises(UsageError, match=r"report\.md is not a folder"):
            check_outputs(below, kind="evaluation", force=True)
        with pytest.raises(UsageError, match=r"report\.md is not a folder"):
            check_folder(below)
    assert mine.read_bytes() == b"mine"


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
def test_files_that_belong_together_are_of_one_process(tmp_path: Path) -> None:
    begun = Event()

    def write(report: bytes) -> None:
        begun.set()
        with together(tmp_path / "report.md"):
            for name in ("report.md", "more.md"):
                write_output(tmp_path / name, report, kind="evaluation")

    with ThreadPoolExecutor() as others:
        with together(tmp_path / "report.md"):
            write_output(tmp_path / "report.md", REPORT, kind="evaluation")
            done = others.submit(write, signed("# Another\n", "evaluation"))
            assert begun.wait(60)
            time.sleep(0.05)
            write_output(tmp_path / "more.md", REPORT, kind="evaluation")
        done.result()
    assert (tmp_path / "report.md").read_bytes() == (tmp_path / "more.md").read_bytes()
