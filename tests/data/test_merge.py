"""The parts of a source merge into the set that one preparation makes; other sets are refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from strangers.data import prepare as preparation
from strangers.data.merge import merge
from strangers.data.parts import part_bounds
from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet
from strangers.errors import DataError, UsageError

from ..support import Strangers


def part(source: str | Path, out: Path, number: int, count: int, **settings: object) -> PreparedSet:
    arguments = {"size": 16, "workers": 1, "progress": False} | settings
    return prepare(source, out, part=(number, count), **arguments)  # type: ignore[arg-type]


def copied(celeba: Path, tmp_path: Path) -> Path:
    return shutil.copytree(celeba, tmp_path / "copied")


def files(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


@pytest.mark.parametrize("count", [1, 3, 8])
@pytest.mark.parametrize("kind", ["folder", "zip", "drawn"])
def test_merged_parts_are_the_whole_to_the_bit(
    celeba: Path, celeba_zip: Path, tmp_path: Path, kind: str, count: int
) -> None:
    mixed = copied(celeba, tmp_path)
    (mixed / "img_align_celeba" / "000005.jpg").write_bytes(b"broken")
    source = {"folder": str(mixed), "zip": str(celeba_zip), "drawn": "synthetic:100"}[kind]
    whole = prepare(source, tmp_path / "whole", size=16, workers=1, progress=False)
    parts = [part(source, tmp_path / f"{number}", number, count).path for number in range(1, count + 1)]
    merged = merge(parts[::-1], tmp_path / "merged")
    assert files(merged.path) == files(whole.path)
    assert merged.manifest == whole.manifest


def test_a_split_is_divided_too(celeba: Path, tmp_path: Path) -> None:
    whole = prepare(celeba, tmp_path / "whole", size=16, split="train", workers=1, progress=False)
    parts = [part(celeba, tmp_path / str(number), number, 5, split="train") for number in range(1, 6)]
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert merge([each.path for each in parts], tmp_path / "merged").manifest == whole.manifest


def test_parts_of_mixed_sizes_merge_into_the_crop_of_the_whole(celeba: Path, tmp_path: Path) -> None:
    mixed = copied(celeba, tmp_path)
    Image.new("RGB", (300, 300)).save(mixed / "img_align_celeba" / "999999.jpg")
    parts = [part(mixed, tmp_path / str(number), number, 4) for number in range(1, 5)]
    assert [each.manifest.crop for each in parts] == ["c178", "c178", "c178", "square"]
    merged = merge([each.path for each in parts], tmp_path / "merged")
    whole = prepare(mixed, tmp_path / "whole", size=16, workers=1, progress=False)
    assert files(merged.path) == files(whole.path)
    assert merged.manifest.crop == "square"
    assert merged.manifest.notes[-1] == "The photographs have 2 sizes: 178x218 (30), 300x300 (1)."


@pytest.mark.parametrize("change", ["added", "removed", "renamed"])
def test_parts_of_a_source_that_changed_between_them_are_refused(
    celeba: Path, tmp_path: Path, change: str
) -> None:
    source = copied(celeba, tmp_path)
    first = part(source, tmp_path / "1", 1, 2)
    file = source / "img_align_celeba" / "000007.jpg"
    if change == "added":
        shutil.copy(file, file.with_name("000000.jpg"))
    else:
        file.rename(file.with_name("zzz.jpg")) if change == "renamed" else file.unlink()
    second = part(source, tmp_path / "2", 2, 2)
    with pytest.raises(DataError, match=r"were cut from different listings of .*prepare the parts again\.$"):
        merge([first.path, second.path], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_parts_of_other_labels_are_refused(celeba: Path, tmp_path: Path) -> None:
    source = copied(celeba, tmp_path)
    first = part(source, tmp_path / "1", 1, 2)
    [table] = source.rglob("list_attr_celeba.*")
    table.write_bytes(table.read_bytes().replace(b"-1", b"1", 1))
    second = part(source, tmp_path / "2", 2, 2)
    with pytest.raises(DataError, match="their labels or --faces changed"):
        merge([first.path, second.path], tmp_path / "merged")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("optional_formats", lambda: (), "one machine reads more formats"),
        ("__version__", "0.0.1", "its software is strangers 0.0.1, not strangers "),
    ],
)
def test_parts_of_other_installations_are_refused(
    name: str, value: object, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparation, "optional_formats", lambda: ("AVIF",))
    first = part("synthetic:40", tmp_path / "1", 1, 2)
    monkeypatch.setattr(preparation, name, value)
    second = part("synthetic:40", tmp_path / "2", 2, 2)
    with pytest.raises(DataError, match=sentence):
        merge([first.path, second.path], tmp_path / "merged")


def test_parts_of_different_crops_are_refused(celeba: Path, tmp_path: Path) -> None:
    first = part(celeba, tmp_path / "1", 1, 2, crop="c108")
    second = part(celeba, tmp_path / "2", 2, 2)
    with pytest.raises(DataError, match="its crop is c178, not c108"):
        merge([first.path, second.path], tmp_path / "merged")


@pytest.mark.parametrize(("number", "count"), [(0, 4), (5, 4), (-1, 4), (1, 101)])
def test_impossible_parts_are_refused(tmp_path: Path, number: int, count: int) -> None:
    with pytest.raises(UsageError):
        part("synthetic:100", tmp_path / "part", number, count)
    assert not (tmp_path / "part").exists()


def test_parts_differ_by_at_most_one_picture() -> None:
    for files_there, count in ((100, 7), (7, 7), (200_000, 16)):
        edges = [part_bounds(files_there, (number, count)) for number in range(1, count + 1)]
        assert [edge[0] for edge in edges[1:]] == [edge[1] for edge in edges[:-1]]
        assert (edges[0][0], edges[-1][1]) == (0, files_there)
        assert len({stop - start for start, stop in edges}) <= 2


@pytest.fixture
def halves(tmp_path: Path) -> list[Path]:
    return [part("synthetic:40", tmp_path / f"half{number}", number, 2).path for number in (1, 2)]


def test_an_incomplete_or_mixed_set_of_parts_is_refused(halves: list[Path], tmp_path: Path) -> None:
    other_size = part("synthetic:40", tmp_path / "a", 2, 2, size=8).path
    other_source = part("synthetic:44", tmp_path / "b", 2, 2).path
    other_count = part("synthetic:40", tmp_path / "c", 3, 3).path
    whole = prepare("synthetic:40", tmp_path / "d", size=16, workers=1, progress=False).path
    for parts, sentence in (
        (halves[:1], r"1 of the 2 parts are missing: 2/2"),
        ([*halves, halves[0]], r"half1 and .*half1 are both part 1/2"),
        ([halves[0], other_size], r"its size is 8, not 16"),
        ([halves[0], other_source], r"part 2/2 of synthetic:44, but .* part 1/2 of synthetic:40"),
        ([halves[0], other_count], r"part 3/3 of"),
        ([whole], r"is a whole set, not a part"),
    ):
        with pytest.raises(DataError, match=sentence):
            merge(parts, tmp_path / "merged")
        assert not (tmp_path / "merged").exists()
    with pytest.raises(UsageError, match="exists already"):
        merge(halves, whole)


def test_the_command_prepares_and_merges_parts(strangers: Strangers, tmp_path: Path) -> None:
    for number in (1, 2):
        half = ("synthetic:30", "--size", "16", "--part", f"{number}/2", "--out", tmp_path / str(number))
        assert strangers("prepare", *half).code == 0
    merged = strangers("prepare", "--merge", tmp_path / "1", tmp_path / "2", "--out", tmp_path / "all")
    assert merged.out == f"Wrote 30 pictures of 16 px, crop square, to {tmp_path / 'all'}.\n"
    assert np.load(tmp_path / "all" / "images.npy").shape == (30, 16, 16, 3)
    wrong: list[tuple[tuple[object, ...], str]] = [
        (("synthetic", "--part", "3/2"), "--part 3/2: write it as K/N"),
        (("synthetic", "--part", "two"), "--part two: write it as K/N"),
        (("synthetic", "--part", "1/2", "--limit", "5"), "--limit and --part exclude each other"),
        (("synthetic", "synthetic"), "prepare takes one SOURCE (got 2)"),
        (("--merge", tmp_path / "1", "--size", "16"), "--merge does not take --size"),
    ]
    for words, sentence in wrong:
        outcome = strangers("prepare", *words, "--out", tmp_path / "x")
        assert (outcome.code, sentence in outcome.err) == (2, True), outcome.err
