"""Folders are read completely, and omitted files are listed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from strangers.data.folders import Folder
from strangers.errors import DataError


def fill(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


def test_a_folder_gives_its_files_by_name(tmp_path: Path) -> None:
    fill(tmp_path, "b/2.PNG", "b/1.jpg", "a/ünï c.webp", ".hidden.jpg", ".cache/3.jpg", "Thumbs.db",
         "list_attr_celeba.txt", "identity_CelebA.txt")  # fmt: skip
    found = Folder(tmp_path)
    assert found.names() == ["a/ünï c.webp", "b/1.jpg", "b/2.PNG"]
    for _ in range(2):
        assert [(file.name, file.data.decode()) for file in found] == [(name, name) for name in found.names()]
    assert found.tables() == {
        "list_attr_celeba.txt": b"list_attr_celeba.txt",
        "identity_CelebA.txt": b"identity_CelebA.txt",
    }
    assert found.omitted() == {}


def test_tables_are_found_in_the_tree_before_those_around_it(tmp_path: Path) -> None:
    fill(tmp_path, "CelebA/Anno/list_attr_celeba.txt", "CelebA/Eval/list_eval_partition.txt",
         "CelebA/Img/pictures/1.jpg", "list_attr_celeba.txt")  # fmt: skip
    inside = {"Anno/list_attr_celeba.txt", "Eval/list_eval_partition.txt"}
    assert set(Folder(tmp_path / "CelebA").tables()) == inside
    around = {(tmp_path / "CelebA" / name).as_posix() for name in inside}
    assert set(Folder(tmp_path / "CelebA/Img/pictures").tables()) == around
    assert set(Folder(tmp_path / "CelebA/Img").tables()) == around


def test_links_to_folders_are_followed_and_each_folder_is_read_once(tmp_path: Path) -> None:
    disk = fill(tmp_path / "disk", "1.jpg", "deep/2.jpg")
    pictures = fill(tmp_path / "pictures", "own/3.jpg")
    (pictures / "a").symlink_to(disk)
    (pictures / "b").symlink_to(disk / "deep")
    (pictures / "c").symlink_to(pictures / "own")
    (disk / "back").symlink_to(pictures)
    (pictures / "own" / "round").symlink_to(".")
    found = Folder(pictures)
    assert found.names() == ["a/1.jpg", "a/deep/2.jpg", "own/3.jpg"]
    assert found.omitted() == {
        "a/back": "a link to a folder that is read already: the source itself",
        "b": "a link to a folder that is read already: a/deep",
        "c": "a link to a folder that is read already: own",
        "own/round": "a link to a folder that is read already: own",
    }


def test_a_link_that_ends_nowhere_or_in_itself_is_a_file_with_a_problem(tmp_path: Path) -> None:
    (tmp_path / "dead.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    problems = {file.name: file.problem for file in Folder(tmp_path)}
    assert problems["dead.jpg"] == "cannot be read: No such file or directory"
    assert problems["self"].startswith("cannot be read: ")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_a_file_with_a_problem(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert [(file.name, file.problem) for file in Folder(tmp_path)] == [("pipe.jpg", "not a regular file")]


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, "a/1.jpg", "b/2.jpg")
    scandir = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == locked:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("strangers.data.folders.os.scandir", refuse)
    locked = "b"
    found = Folder(tmp_path)
    assert found.names() == ["a/1.jpg"]
    assert found.omitted() == {"b": "the folder cannot be read: Permission denied"}
    locked = tmp_path.name
    with pytest.raises(DataError, match=r"^The folder .* cannot be read: Permission denied\.$"):
        Folder(tmp_path)


def test_runs_and_prepared_sets_are_not_photographs(tmp_path: Path) -> None:
    fill(tmp_path, "1.jpg", "runs/a/run.json", "runs/a/recipe.json", "runs/a/samples/000100k.png",
         "set/manifest.json", "set/images.npy", "set/preview.png", "mine/run.json", "mine/2.jpg")  # fmt: skip
    found = Folder(tmp_path)
    assert [name for name in found.names() if name.endswith((".jpg", ".png"))] == ["1.jpg", "mine/2.jpg"]
    assert found.omitted() == {
        "runs/a": "a training run, not photographs",
        "set": "a prepared set, not photographs",
    }


def test_a_run_or_a_prepared_set_is_no_source(tmp_path: Path) -> None:
    fill(tmp_path, "run/run.json", "run/recipe.json", "set/manifest.json", "set/images.npy")
    for name, kind in (("run", "a training run"), ("set", "a prepared set")):
        with pytest.raises(DataError, match=rf"{name} is {kind}, not a source of photographs"):
            Folder(tmp_path / name)


def test_archives_and_tables_among_photographs_are_named(tmp_path: Path) -> None:
    found = Folder(fill(tmp_path, "1.jpg", "more.zip", "even/more.tar.gz", "labels.csv"))
    assert found.names() == ["1.jpg"]
    assert set(found.omitted()) == {"more.zip", "even/more.tar.gz", "labels.csv"}
    assert "--annotations" in found.omitted()["labels.csv"]


def test_inputs_are_all_files_that_are_read(tmp_path: Path) -> None:
    fill(
        tmp_path,
        "set/1.jpg",
        "set/more.zip",
        "list_attr_celeba.txt",
        "set/run/run.json",
        "set/run/recipe.json",
    )
    found = {path.relative_to(tmp_path).as_posix() for path in Folder(tmp_path / "set").inputs()}
    assert found == {"set/1.jpg", "set/more.zip", "list_attr_celeba.txt"}
