"""Preparing photographs is atomic, and the result does not depend on the number of workers."""

from __future__ import annotations

import csv
import errno
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from strangers.data import decode
from strangers.data.prepare import cached_place, open_or_prepare, prepare
from strangers.data.prepared import PreparedSet, open_prepared
from strangers.data.synthetic import faces as synthetic
from strangers.errors import DataError, UsageError
from strangers.system.cache import clear_cache
from strangers.system.machine import lock

from ..support import wait_until

Encode = Callable[..., bytes]


def quickly(source: object, out: Path, **options: Any) -> PreparedSet:
    """`prepare` in this process, at 16 pixels."""
    return prepare(str(source), out, **{"size": 16, "workers": 1, "progress": False} | options)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def skipped(folder: Path) -> dict[str, str]:
    with (folder / "skipped.csv").open(encoding="utf-8", newline="") as file:
        return {row["name"]: row["reason"] for row in csv.DictReader(file)}


def test_a_prepared_set_contains_every_photograph_as_pillow_resizes_it(
    celeba_zip: Path, values: NDArray[np.int8], tmp_path: Path
) -> None:
    prepared = quickly(celeba_zip, tmp_path / "set", size=64)
    assert len(prepared) == 30
    assert prepared.attributes is not None
    np.testing.assert_array_equal(prepared.attributes, values)
    with zipfile.ZipFile(celeba_zip) as archive:
        for position, name in enumerate(prepared.names):
            photograph = Image.open(archive.open(name)).crop((0, 20, 178, 198))
            image = np.asarray(photograph.resize((64, 64), Image.Resampling.BICUBIC))
            assert np.abs(prepared.images[position].astype(int) - image).max() <= 1


def test_the_manifest_describes_the_set(celeba: Path, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("not used")
    prepared = quickly(celeba, tmp_path / "set", split="train", crop="c128@89,121")
    manifest = prepared.manifest
    assert (manifest.count, manifest.size, manifest.crop) == (24, 16, "c128@89,121")
    assert (manifest.filter, manifest.source, manifest.split) == ("bicubic", str(celeba), "train")
    assert (manifest.attributes, manifest.skipped, manifest.notes) == (["Male", "Smiling"], 0, [])
    assert json.loads((prepared.path / "manifest.json").read_text())["format"] == 1
    assert open_prepared(prepared.path).manifest == manifest


def test_the_hash_depends_on_pixels_and_names_only(celeba: Path, tmp_path: Path) -> None:
    first = quickly(celeba, tmp_path / "1")
    same = quickly(celeba, tmp_path / "2", crop="square")
    other = quickly(celeba, tmp_path / "3", crop="c160")
    renamed = quickly(celeba / "img_align_celeba", tmp_path / "4")
    assert first.manifest.hash == same.manifest.hash
    assert len({prepared.manifest.hash for prepared in (first, other, renamed)}) == 3


def test_the_source_may_be_a_folder_a_zip_or_a_tar(celeba: Path, celeba_zip: Path, tmp_path: Path) -> None:
    import tarfile

    with tarfile.open(tmp_path / "celeba.tar.gz", "w:gz") as tar:
        for file in sorted(celeba.rglob("*.*")):
            tar.add(file, file.relative_to(celeba).as_posix())
    sets = [quickly(source, tmp_path / str(number))
            for number, source in enumerate((celeba, celeba_zip, tmp_path / "celeba.tar.gz"))]  # fmt: skip
    assert len({prepared.manifest.hash for prepared in sets}) == 1


def test_drawn_faces_are_those_of_their_seeds(tmp_path: Path) -> None:
    prepared = quickly("synthetic:70", tmp_path / "set", size=32)
    pixels, labels = synthetic.draw(range(70), 32)
    np.testing.assert_array_equal(prepared.images, pixels)
    np.testing.assert_array_equal(prepared.attributes, labels)
    assert prepared.manifest.attributes == list(synthetic.ATTRIBUTES)
    assert (prepared.manifest.filter, prepared.manifest.crop) == ("drawn", "square")
    few = quickly("synthetic:70", tmp_path / "few", size=32, limit=66)
    np.testing.assert_array_equal(few.images, pixels[:66])
    np.testing.assert_array_equal(few.attributes, labels[:66])


def test_bad_files_are_skipped_with_a_reason_and_counted(
    photographs: list[Image.Image], encoded: Encode, tmp_path: Path
) -> None:
    good = encoded(photographs[0])
    files = {
        "1 good.jpg": (good, ""),
        "2 broken.jpg": (good[: len(good) // 2], "broken image: "),
        "3 empty.jpg": (b"", "the file is empty"),
        "4 text.jpg": (b"hello", "not an image in a supported format"),
        "5 small.png": (encoded(photographs[0].resize((20, 20)), "PNG"), "20x20 is not 178x218"),
        "6 notes.txt": (b"hello", "not an image in a supported format"),
        "7 odd,\n\"name\".jpg": (b"hello", "not an image in a supported format"),
        "8 good.png": (encoded(photographs[1], "PNG"), ""),
        os.fsdecode(b"9 \xff.jpg"): (b"hello", "not an image in a supported format"),
    }  # fmt: skip
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, (data, _) in files.items():
        (folder / name).write_bytes(data)
    prepared = quickly(folder, tmp_path / "set", crop="c178")
    assert prepared.names == ["1 good.jpg", "8 good.png"]
    assert prepared.manifest.crop == "c178"
    assert prepared.manifest.skipped == 7
    reasons = skipped(prepared.path)
    assert len(reasons) == 7
    for name, (_, reason) in list(files.items())[:6]:
        assert reasons.get(name, "").startswith(reason)
    assert reasons['7 odd,\\n"name".jpg'] == reasons["9 \\udcff.jpg"] == "not an image in a supported format"


def test_the_whole_set_decides_the_default_crop_and_not_the_first_file(
    photographs: list[Image.Image], encoded: Encode, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "1.jpg").write_bytes(encoded(photographs[0]))
    (folder / "3.png").write_bytes(encoded(photographs[2].resize((12, 15)), "PNG"))
    phone = Image.new("RGB", (1200, 1600), (0, 255, 0))
    phone.paste(photographs[1].resize((700, 700)), (250, 450))
    (folder / "2.jpg").write_bytes(encoded(phone))
    prepared = quickly(folder, tmp_path / "set")
    assert prepared.manifest.crop == "square"
    assert prepared.manifest.notes == [
        "The photographs have 3 sizes: 178x218 (1), 1200x1600 (1), 12x15 (1).",
        "1 of 3 photographs were enlarged: crop square takes fewer than 16 px of them.",
    ]
    assert (np.abs(prepared.images[1, 0].astype(int) - (0, 255, 0)) < 60).all()
    aligned = quickly(folder, tmp_path / "aligned", crop="c178")
    assert aligned.names == ["1.jpg"]
    assert skipped(aligned.path)["2.jpg"] == "1200x1600 is not 178x218, the size that crop c178 is for"
    np.testing.assert_array_equal(aligned.images[0], prepared.images[0])


def test_a_crop_that_fits_no_photograph_raises_an_error_that_names_one_that_does(
    photographs: list[Image.Image], encoded: Encode, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.jpg").write_bytes(encoded(photographs[0].resize((300, 400))))
    with pytest.raises(DataError, match=r"1\.jpg: 300x400 is not 178x218, .* Prepare them by crop square"):
        quickly(tmp_path / "photos", tmp_path / "set", crop="c178")


def test_each_photograph_is_decoded_once(
    celeba: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = Mock(side_effect=decode.decode)
    monkeypatch.setattr(decode, "decode", decoded)
    quickly(celeba, tmp_path / "set")
    assert decoded.call_count == 30


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes")
def test_sources_and_sets_may_have_names_that_are_not_utf8(
    photographs: list[Image.Image], encoded: Encode, tmp_path: Path
) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / os.fsdecode(b"\xff.jpg")).write_bytes(encoded(photographs[0]))
    out = tmp_path / os.fsdecode(b"s\xe9t")
    words = ["prepare", str(folder), "--size", "16", "--out", str(out), "--quiet"]
    command = [sys.executable, "-m", "strangers", *words]
    outcome = subprocess.run(command, capture_output=True, check=False)
    assert (outcome.returncode, outcome.stderr) == (0, b"")
    assert open_prepared(out).names == ["\\udcff.jpg"]
    assert open_prepared(out).manifest.source.endswith("caf\\udce9")
    assert len(open_or_prepare(folder, size=16, progress=False)) == 1


def test_a_source_that_is_prepared_into_the_cache_reports_what_it_skips(
    photographs: list[Image.Image], encoded: Encode, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "good.jpg").write_bytes(encoded(photographs[0]))
    (tmp_path / "photos" / "bad.jpg").write_bytes(b"bad")
    open_or_prepare(tmp_path / "photos", size=16, progress=False)
    assert "photos: Skipped 1 file (1 x not an image in a supported format)" in capsys.readouterr().err
    open_or_prepare(tmp_path / "photos", size=16, progress=False)
    assert not capsys.readouterr().err


def test_a_source_is_prepared_again_when_another_format_can_be_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    places = []
    for formats in ((), ("AVIF",), ("AVIF", "HEIF")):
        monkeypatch.setattr("strangers.data.prepare.optional_formats", lambda found=formats: found)
        places.append(cached_place(str(tmp_path), 16, None))
    assert len(set(places)) == 3


def test_a_chunk_of_only_bad_files_is_skipped(
    photographs: list[Image.Image], encoded: Encode, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for number in range(130):
            archive.writestr(f"{number}.jpg", b"")
        archive.writestr("good.jpg", encoded(photographs[0]))
    prepared = quickly(tmp_path / "set.zip", tmp_path / "set")
    assert (prepared.manifest.count, prepared.manifest.skipped) == (1, 130)
    assert prepared.manifest.crop == "c178"


@pytest.mark.parametrize(("files", "sentence"), [
    ({}, ": it contains no pictures."),
    ({"list_attr_celeba.txt": b"1\nMale\n000001.jpg 1\n"}, ": it contains no pictures."),
    ({"a, b.jpg": b"", "c.jpg": b""}, ": all 2 files were skipped. The first: a, b.jpg: the file is empty."),
])  # fmt: skip
def test_a_source_without_usable_photographs_raises_an_error_and_leaves_nothing(
    files: dict[str, bytes], sentence: str, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    with pytest.raises(DataError) as caught:
        quickly(folder, tmp_path / "set")
    assert str(caught.value) == f"{folder} contains no usable photograph{sentence}"
    assert list(tmp_path.iterdir()) == [folder]


def test_a_limit_counts_the_photographs_that_can_be_used(celeba: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for number, path in enumerate(sorted(celeba.rglob("*.jpg"))):
            archive.writestr(path.name, b"" if number in {1, 3} else path.read_bytes())
    prepared = quickly(tmp_path / "set.zip", tmp_path / "set", limit=3)
    assert prepared.names == ["000001.jpg", "000003.jpg", "000005.jpg"]
    assert prepared.images.shape == (3, 16, 16, 3)
    assert list(skipped(prepared.path)) == ["000002.jpg", "000004.jpg"]
    assert len(quickly(tmp_path / "set.zip", tmp_path / "all", limit=1000)) == 28


def test_cropped_photographs_are_resized_whole_and_the_set_records_the_crop(
    photographs: list[Image.Image], encoded: Encode, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    face = photographs[0].crop((0, 20, 178, 198)).resize((128, 128), Image.Resampling.LANCZOS)
    (tmp_path / "folder" / "1.png").write_bytes(encoded(face, "PNG"))
    (tmp_path / "folder" / "2.png").write_bytes(encoded(photographs[1], "PNG"))
    prepared = quickly(tmp_path / "folder", tmp_path / "set", applied_crop="c178")
    assert prepared.manifest.crop == "c178"
    by_pillow = np.asarray(face.resize((16, 16), Image.Resampling.BICUBIC))
    assert np.abs(prepared.images[0].astype(int) - by_pillow).max() <= 1
    assert "178x218 is not square" in skipped(prepared.path)["2.png"]


def test_images_without_a_row_in_the_table_are_noted(celeba: Path, tmp_path: Path) -> None:
    table = tmp_path / "list_attr_celeba.txt"
    table.write_text("1\nMale\n000002.jpg 1\n")
    prepared = quickly(celeba, tmp_path / "set", annotations=table)
    assert prepared.manifest.notes == ["29 images have no row in the attribute table."]
    assert prepared.attributes is not None
    assert prepared.attributes[:3].tolist() == [[0], [1], [0]]


@pytest.mark.parametrize(("options", "sentence"), [
    ({"size": 7}, "--size must be 8 to 1024 px (got 7)."),
    ({"size": 1025}, "--size must be 8 to 1024 px (got 1025)."),
    ({"limit": 0}, "--limit must be at least 1 (got 0)."),
    ({"workers": 0}, "--workers must be at least 1 (got 0)."),
    ({"crop": "c999x"}, "There is no crop 'c999x'"),
    ({"applied_crop": "face"}, "There is no crop 'face'"),
    ({"crop": "c178", "applied_crop": "c178"}, "--crop and --cropped exclude each other"),
    ({"split": "valid"}, "There is no split 'valid'"),
])  # fmt: skip
def test_wrong_arguments_raise_an_error_and_leave_nothing(
    celeba: Path, tmp_path: Path, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError) as caught:
        quickly(celeba, tmp_path / "set", **options)
    assert str(caught.value).startswith(sentence)
    assert not list(tmp_path.iterdir())


def test_no_folder_is_overwritten(celeba: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"exists already; choose another folder, or pass --force"):
        quickly(celeba, tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "mine.txt"]


def test_a_source_is_prepared_once_and_again_when_it_changes(celeba: Path, tmp_path: Path) -> None:
    source = tmp_path / "photographs"
    shutil.copytree(celeba, source)
    first = open_or_prepare(source, size=16, progress=False)
    again = open_or_prepare(str(source), size=16, progress=False)
    larger = open_or_prepare(source, size=32, progress=False)
    cropped = open_or_prepare(source, size=16, crop="c148", progress=False)
    (source / "img_align_celeba" / "000001.jpg").unlink()
    changed = open_or_prepare(source, size=16, progress=False)
    assert first.path == again.path
    assert len({made.path for made in (first, larger, cropped, changed)}) == 4
    assert (len(first), len(changed)) == (30, 29)
    assert os.environ["XDG_CACHE_HOME"] in str(first.path)
    assert open_or_prepare(first.path, size=64).path == first.path


@pytest.mark.skipif(os.name != "posix", reason="Windows removes no open file.")
@pytest.mark.parametrize("when", ["opened", "read"])
def test_a_source_is_used_while_another_process_clears_the_cache(
    when: str, celeba: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = open_or_prepare(celeba, size=16, progress=False)
    expected = first.batch(np.arange(len(first)))
    if when == "opened":

        def cleared_and_opened(path: Path) -> PreparedSet:
            monkeypatch.setattr("strangers.data.prepare.open_prepared", open_prepared)
            clear_cache("sets")
            return open_prepared(path)

        monkeypatch.setattr("strangers.data.prepare.open_prepared", cleared_and_opened)
    again = open_or_prepare(celeba, size=16, progress=False)
    assert again.path.exists()
    clear_cache("sets")
    assert again.names == first.names
    np.testing.assert_array_equal(again.batch(np.arange(len(again))), expected)


@pytest.mark.skipif(os.name != "posix", reason="locks as POSIX does")
def test_a_source_is_prepared_again_when_a_table_is_added_or_a_linked_folder_changes(
    celeba: Path, tables: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shutil.copytree(celeba / "img_align_celeba", tmp_path / "disk")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "linked").symlink_to(tmp_path / "disk")
    source = tmp_path / "set"
    first = open_or_prepare(source, size=8, progress=False)
    assert (len(first), first.manifest.attributes) == (30, [])
    (tmp_path / "list_attr_celeba.csv").write_bytes(tables["list_attr_celeba.csv"])
    labeled = open_or_prepare(source, size=8, progress=False)
    assert labeled.manifest.attributes == ["Male", "Smiling"]
    (tmp_path / "disk" / "000001.jpg").unlink()
    assert len(open_or_prepare(source, size=8, progress=False)) == 29
    (source / "dead.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert open_or_prepare(source, size=8, progress=False).manifest.skipped == 1
    (source / "run").mkdir()
    for name in ("run.json", "recipe.json", "000100k.png"):
        (source / "run" / name).write_bytes(b"{}")
    before = cached_place(str(source), 8, None)
    (source / "run" / "000200k.png").write_bytes(b"")
    assert cached_place(str(source), 8, None) == before


def test_a_second_process_waits_while_the_same_source_is_prepared(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = cached_place("synthetic:20", 16, None)
    place.parent.mkdir(parents=True)
    with ThreadPoolExecutor() as pool:
        with lock(place.with_name(f"{place.name}.lock")):
            waiting = pool.submit(open_or_prepare, "synthetic:20", size=16, progress=False)
            wait_until(lambda: "waiting for it" in capsys.readouterr().err)
            quickly("synthetic:20", place)
            made = (place / "manifest.json").stat().st_mtime_ns
        assert waiting.result().path == place
    assert (place / "manifest.json").stat().st_mtime_ns == made  # it was not prepared again


def test_a_folder_that_may_not_be_searched_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in it is: a manifest.json in it, which nobody named, would only puzzle."""
    closed, stat = tmp_path / "closed", os.stat
    closed.mkdir()

    def denied(path: Any, *given: Any, **named: Any) -> os.stat_result:
        if str(path).startswith(f"{closed}{os.sep}"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, *given, **named)

    def refuse(path: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "stat", denied)
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match=r"^The folder .*closed cannot be read: Permission denied\.$"):
        open_or_prepare(closed, size=16, progress=False)
