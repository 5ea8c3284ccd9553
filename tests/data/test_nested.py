"""An archive that holds all photographs of a folder or of another archive is read in its place."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from strangers.data import archive_safety
from strangers.data.archives import Zip
from strangers.data.nested import unnested
from strangers.data.sources import open_container
from strangers.errors import DataError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """CelebA as its authors ship it: Anno, Eval, and Img with an archive of two pictures."""
    for name, data in {
        "CelebA/Anno/list_attr_celeba.txt": b"attributes",
        "CelebA/Eval/list_eval_partition.txt": b"partition",
        "CelebA/README.txt": b"read me",
        "CelebA/Img/img_celeba.7z.001": b"more",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    with zipfile.ZipFile(tmp_path / "CelebA/Img/img_align_celeba.zip", "w") as archive:
        archive.writestr("img_align_celeba/000001.jpg", b"one")
        archive.writestr("img_align_celeba/000002.jpg", b"two")
    return tmp_path / "CelebA"


@pytest.mark.parametrize("kind", ["folder", "zip", "tar"])
def test_the_archive_is_read_with_the_tables_around_it(tree: Path, kind: str) -> None:
    if kind != "folder":
        path = shutil.make_archive(str(tree), kind, tree.parent, "CelebA")
        shutil.rmtree(tree)
    found = open_container(str(tree) if kind == "folder" else path)
    assert {file.name: file.data for file in found} == {
        "img_align_celeba/000001.jpg": b"one",
        "img_align_celeba/000002.jpg": b"two",
    }
    assert sorted(found.tables().values()) == [b"attributes", b"partition"]
    assert {Path(name).name for name in found.omitted()} == {"README.txt", "img_celeba.7z.001"}


def test_next_to_pictures_or_another_archive_it_is_omitted(tree: Path) -> None:
    (tree / "Img" / "1.jpg").write_bytes(b"picture")
    beside = open_container(str(tree))
    assert "Img/1.jpg" in beside.names()
    assert "Img/img_align_celeba.zip" in beside.omitted()
    (tree / "Img" / "1.jpg").unlink()
    with tarfile.open(tree / "Img" / "more.tar", "w"):
        pass
    assert {"Img/img_align_celeba.zip", "Img/more.tar"} <= set(open_container(str(tree)).omitted())


def test_unpacked_files_are_removed(tree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    outer = Path(shutil.make_archive(str(tmp_path / "outer"), "zip", tree.parent, "CelebA"))
    (tmp_path / "unpacked").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "unpacked"))
    found = unnested(Zip(outer))
    assert len(list((tmp_path / "unpacked").rglob("*.zip"))) == 1
    del found
    assert list((tmp_path / "unpacked").iterdir()) == []


def test_a_bomb_within_an_archive_is_refused_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_safety, "ALWAYS_UNPACKED_BYTES", 100_000)
    (tmp_path / "unpacked").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "unpacked"))
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.jpg", bytes(1_000_000))
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.writestr("inner.zip", inner.getvalue())
    with pytest.raises(DataError, match=r"inner.zip is refused: it unpacks to more than 200 times its size"):
        open_container(str(tmp_path / "outer.zip"))
    assert list((tmp_path / "unpacked").iterdir()) == []


def test_the_inner_archive_may_have_a_name_that_no_disk_accepts(tmp_path: Path) -> None:
    inner, outer = io.BytesIO(), tmp_path / "outer.zip"
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("1.jpg", b"one")
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr(f"c:{'ü' * 300}.zip", inner.getvalue())
    assert [file.data for file in open_container(str(outer))] == [b"one"]
