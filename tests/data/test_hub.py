"""Data sets of the hub are downloaded and read; a local server replaces the hub."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from strangers.data.hub import Parquet, fetch
from strangers.data.merge import merge
from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet
from strangers.errors import DataError

from ..hub import Hub, point_to

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def shard(files: Sequence[tuple[str | None, bytes | None]], path: Path, *, as_struct: bool = True) -> bytes:
    """A parquet file with a column of pictures, as the hub's `datasets` library writes it."""
    pictures = [{"bytes": data, "path": name} for name, data in files]
    column = pictures if as_struct else [data for _, data in files]
    table = pyarrow.table({"number": list(range(len(files))), "image": column})
    parquet.write_table(table, path, row_group_size=7)
    return path.read_bytes()


def files_of(celeba: Path) -> dict[str, bytes]:
    return {path.relative_to(celeba).as_posix(): path.read_bytes() for path in sorted(celeba.rglob("*.*"))}


def prepared_from(source: object, out: Path) -> PreparedSet:
    return prepare(str(source), out, size=16, workers=1, progress=False)


def test_a_data_set_of_parquet_files_is_that_of_its_pictures(hub: Hub, celeba: Path, tmp_path: Path) -> None:
    pictures = [(None, path.read_bytes()) for path in sorted(celeba.rglob("*.jpg"))]
    hub.data_sets["someone/CelebA-faces"] = {
        "README.md": b"not fetched",
        "data/train-00000-of-00002.parquet": shard(pictures[:20], tmp_path / "shard"),
        "data/train-00001-of-00002.parquet": shard(pictures[20:], tmp_path / "shard", as_struct=False),
    }
    prepared = prepared_from("hf:someone/CelebA-faces", tmp_path / "set")
    local = prepared_from(celeba, tmp_path / "local")
    np.testing.assert_array_equal(prepared.images, local.images)
    assert prepared.names[0] == "data/train-00000-of-00002/000000"
    assert prepared.names[29] == "data/train-00001-of-00002/000009"
    assert (prepared.manifest.source, prepared.manifest.crop) == ("hf:someone/CelebA-faces", "c178")
    assert not [path for path in hub.asked if path.endswith("README.md")]


def test_the_rows_of_parquet_files_are_divided_into_parts(hub: Hub, celeba: Path, tmp_path: Path) -> None:
    pictures = [(None, path.read_bytes()) for path in sorted(celeba.rglob("*.jpg"))[:11]]
    hub.data_sets["someone/rows"] = {
        "a.parquet": shard(pictures[:4], tmp_path / "shard"),
        "b.parquet": shard(pictures[4:], tmp_path / "shard"),
    }
    whole = prepared_from("hf:someone/rows", tmp_path / "whole")
    parts = [
        prepare("hf:someone/rows", tmp_path / str(k), size=16, part=(k, 3), workers=1, progress=False).path
        for k in (1, 2, 3)
    ]
    merged = merge(parts, tmp_path / "merged")
    assert merged.names == whole.names
    assert merged.manifest == whole.manifest
    np.testing.assert_array_equal(merged.images, whole.images)


@pytest.mark.parametrize("kind", ["files", "zip"])
def test_a_data_set_of_files_or_of_one_archive_is_read_with_its_tables(
    hub: Hub, celeba: Path, celeba_zip: Path, tmp_path: Path, kind: str
) -> None:
    hub.data_sets["a/b"] = files_of(celeba) if kind == "files" else {"d/set.zip": celeba_zip.read_bytes()}
    prepared = prepared_from("hf:a/b", tmp_path / "set")
    assert prepared.manifest.hash == prepared_from(celeba, tmp_path / "local").manifest.hash
    assert prepared.manifest.attributes == ["Male", "Smiling"]


def test_a_data_set_is_downloaded_once(hub: Hub, celeba: Path) -> None:
    hub.data_sets["a/b"] = {"1.jpg": files_of(celeba)["img_align_celeba/000001.jpg"]}
    first = fetch("a/b")
    hub.asked.clear()
    assert fetch("a/b") == first
    assert not [path for path in hub.asked if "1.jpg" in path]


def test_a_name_that_the_hub_does_not_know_is_refused(hub: Hub) -> None:
    with pytest.raises(DataError, match=r"^Cannot download the data set hf:no/body \(Repos.*login`\.$"):
        fetch("no/body")


def test_a_dead_network_is_reported_without_a_long_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        point_to(f"http://127.0.0.1:{unused.getsockname()[1]}", tmp_path / "hub", monkeypatch)
        with pytest.raises(DataError, match=r"^Cannot download the data set hf:a/b .* the network.*\.$"):
            fetch("a/b")


def test_a_row_without_a_picture_is_a_file_with_a_problem(tmp_path: Path) -> None:
    shard([("a.jpg", b"data"), ("b.jpg", None), (None, b"")], tmp_path / "x.parquet")
    files = list(Parquet(tmp_path, ["x.parquet"]))
    assert [file.name for file in files] == ["a.jpg", "b.jpg", "x/000002"]
    assert [file.problem for file in files] == ["", "the row has no picture", "the row has no picture"]


def test_parquet_files_without_pictures_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    parquet.write_table(pyarrow.table({"number": [1], "word": ["a"]}), tmp_path / "x.parquet")
    with pytest.raises(DataError, match=r"^The file .*x.parquet has no column of pictures; .* word\.$"):
        list(Parquet(tmp_path, ["x.parquet"]))
    (tmp_path / "x.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match=r"^The file .*x.parquet cannot be read .*; download it again\.$"):
        list(Parquet(tmp_path, ["x.parquet"]))


def test_pictures_in_parquet_are_the_bytes_of_their_files(celeba: Path, tmp_path: Path) -> None:
    first = celeba / "img_align_celeba" / "000001.jpg"
    shard([("000001.jpg", first.read_bytes())], tmp_path / "x.parquet")
    (file,) = Parquet(tmp_path, ["x.parquet"])
    assert file.data == first.read_bytes()


def labeled(path: Path, columns: Mapping[str, Sequence[object]], picture: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = len(next(iter(columns.values())))
    pictures = [{"bytes": picture, "path": f"{number}.jpg"} for number in range(rows)]
    parquet.write_table(pyarrow.table({"image": pictures, **columns}), path)


def test_columns_of_parquet_files_are_attributes_and_their_names_are_splits(
    celeba: Path, tmp_path: Path
) -> None:
    picture = (celeba / "img_align_celeba" / "000001.jpg").read_bytes()
    first: dict[str, Sequence[object]] = {
        "Male": [True, False, None],
        "Old": [1, -1, 1],
        "celeb_id": [7, 8, 9],
        "Bald": [0, 1, 0],
    }
    labeled(tmp_path / "set/data/train-00000-of-00001.parquet", first, picture)
    second: dict[str, Sequence[object]] = {"Male": [False], "Old": [-1], "celeb_id": [9], "Bald": [1]}
    labeled(tmp_path / "set/data/valid-00000-of-00001.parquet", second, picture)
    whole = prepared_from(tmp_path / "set", tmp_path / "whole")
    assert whole.manifest.attributes == ["Male", "Old", "Bald"]
    assert whole.attributes is not None
    assert whole.attributes.tolist() == [[1, 1, -1], [-1, -1, 1], [0, 1, -1], [-1, -1, 1]]
    val = prepare(tmp_path / "set", tmp_path / "val", size=16, split="val", workers=1, progress=False)
    assert val.attributes is not None
    assert val.attributes.tolist() == [[-1, -1, 1]]


@pytest.mark.parametrize("splits", [["train", "validation", "test"], [0, 1, 2]])
def test_a_column_of_splits_is_read(celeba: Path, tmp_path: Path, splits: list[object]) -> None:
    picture = (celeba / "img_align_celeba" / "000001.jpg").read_bytes()
    labeled(tmp_path / "set/all.parquet", {"split": splits}, picture)
    labels = Parquet(tmp_path / "set", ["all.parquet"]).labels()
    assert labels is not None
    assert labels.splits is not None
    assert (labels.names, labels.splits.tolist()) == ((), [0, 1, 2])


def test_a_folder_is_read_for_its_parquet_files_or_for_its_pictures(celeba: Path, tmp_path: Path) -> None:
    picture = (celeba / "img_align_celeba" / "000001.jpg").read_bytes()
    labeled(tmp_path / "set/all.parquet", {"Male": [True, False]}, picture)
    (tmp_path / "set" / "preview.png").write_bytes(picture)
    found = prepared_from(tmp_path / "set", tmp_path / "rows")
    assert (len(found), found.manifest.skipped) == (2, 1)
    for number in range(20):
        (tmp_path / "set" / f"{number}.jpg").write_bytes(picture)
    found = prepared_from(tmp_path / "set", tmp_path / "pictures")
    assert (len(found), found.manifest.skipped) == (21, 1)


def test_files_with_different_columns_are_refused(tmp_path: Path) -> None:
    labeled(tmp_path / "a.parquet", {"Male": [True]}, b"x")
    labeled(tmp_path / "b.parquet", {"Old": [True]}, b"x")
    with pytest.raises(DataError, match="different columns"):
        Parquet(tmp_path, ["a.parquet", "b.parquet"]).labels()


def test_parquet_files_are_found_as_pictures_are(celeba: Path, tmp_path: Path) -> None:
    picture = (celeba / "img_align_celeba" / "000001.jpg").read_bytes()
    labeled(tmp_path / "disk/b.PARQUET", {"Male": [True]}, picture)
    labeled(tmp_path / "set/a.parquet", {"Male": [False]}, picture)
    labeled(tmp_path / "set/.cache/c.parquet", {"Male": [False]}, picture)
    (tmp_path / "set/linked").symlink_to(tmp_path / "disk")
    found = prepared_from(tmp_path / "set", tmp_path / "rows")
    assert found.attributes is not None
    assert found.attributes.tolist() == [[-1], [1]]
