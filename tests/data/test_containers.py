"""Files are classified by their names, and tables are found around pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from strangers.data.containers import is_archive, is_candidate, is_picture, nearest_tables, tables_around


def test_hidden_files_tables_and_leftovers_of_systems_are_no_candidates() -> None:
    assert all(map(is_candidate, ["1.jpg", "a/b c/1.WEBP", "notes.txt", "a/1"]))
    assert not any(
        map(is_candidate, [".1.jpg", ".git/1.jpg", "__MACOSX/1.jpg", "a/Thumbs.db", "a/list_attr_celeba.csv"])
    )


def test_pictures_and_archives_are_known_by_suffix() -> None:
    assert all(map(is_picture, ["1.jpg", "a/1.PNG", "1.heic"]))
    assert not any(map(is_picture, ["1.txt", "png", "1.jpg.zip"]))
    assert all(map(is_archive, ["a/1.ZIP", "1.tar.gz", "1.7z", "1.7z.003"]))
    assert not is_archive("1.jpg")


@pytest.mark.parametrize(
    ("tables", "folder", "found"),
    [
        (["list_attr_celeba.txt"], "", ["list_attr_celeba.txt"]),
        (["Anno/list_attr_celeba.txt"], "", ["Anno/list_attr_celeba.txt"]),
        (["Anno/list_attr_celeba.txt", "Eval/list_eval_partition.txt"], "Img",
         ["Anno/list_attr_celeba.txt", "Eval/list_eval_partition.txt"]),
        (["list_attr_celeba.txt", "Anno/list_attr_celeba.txt"], "", ["list_attr_celeba.txt"]),
        (["Anno/list_attr_celeba.txt"], "Photos", []),
    ],
)  # fmt: skip
def test_the_nearest_table_of_each_kind_is_taken(
    tmp_path: Path, tables: list[str], folder: str, found: list[str]
) -> None:
    (tmp_path / folder).mkdir(exist_ok=True)
    for name in tables:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    nearest = nearest_tables({}, tables_around(tmp_path / folder))
    assert sorted(data.decode() for data in nearest.values()) == sorted(found)
    inside = {"x/list_attr_celeba.csv": b"inside"}
    kept = nearest_tables(inside, tables_around(tmp_path / folder))
    assert [name for name in kept if "attr" in name] == ["x/list_attr_celeba.csv"]
