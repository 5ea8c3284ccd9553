"""Pictures in files of any program: the same from every container, and refused by name."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from strangers.data.sources import open_container
from strangers.errors import DataError
from strangers.evaluation import picture_files
from strangers.evaluation.picture_files import PictureFiles, open_array, open_files
from strangers.images import Pixels

from .support import folder, png, written

FACES = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), np.uint8)


def opened(path: Path) -> PictureFiles:
    return (
        open_array(path) if path.suffix in (".npy", ".npz") else open_files(path, open_container(str(path)))
    )


def pictures(files: PictureFiles, count: int) -> Pixels:
    return np.concatenate(list(files.batches(count)))


@pytest.mark.parametrize("kind", ["folder", "zip", "tar", "npy", "npz"])
def test_every_container_gives_the_same_pictures(kind: str, tmp_path: Path) -> None:
    found = opened(written(kind, tmp_path, FACES))
    assert found.facts.count == 40
    assert str(found.facts.protocol) == "crop not stated, 16 px, filter not stated"
    np.testing.assert_array_equal(pictures(found, 40), FACES)
    again = opened(folder(tmp_path / "again", FACES))
    some, same = (pictures(one, 7) for one in (found, again))
    np.testing.assert_array_equal(some, same)


def test_the_hash_is_of_the_content(tmp_path: Path) -> None:
    place = folder(tmp_path / "faces", FACES)
    before = opened(place).facts.hash
    (tmp_path / "moved").mkdir()
    assert opened(place.rename(tmp_path / "moved/faces")).facts.hash == before
    (tmp_path / "moved/faces/0000.png").write_bytes(png(FACES[1]))
    assert opened(tmp_path / "moved/faces").facts.hash != before


@pytest.mark.skipif(os.name == "nt", reason="Windows lets nobody replace an open file.")
@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_the_hash_is_of_the_pictures_also_where_another_process_replaces_the_file(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = written(kind, tmp_path, FACES)
    before = opened(place).facts.hash

    other = written(kind, folder(tmp_path / "other", FACES[:0]), FACES[::-1])
    are_pictures = picture_files._are_pictures

    def replace_and_check(array: Pixels) -> bool:
        if other.exists():
            os.replace(other, place)
        return are_pictures(array)

    monkeypatch.setattr(picture_files, "_are_pictures", replace_and_check)
    found = opened(place)
    assert not other.exists()
    assert found.facts.hash == before
    np.testing.assert_array_equal(pictures(found, 40), FACES)


def test_a_jpeg_among_them_is_stated(tmp_path: Path) -> None:
    place = folder(tmp_path / "faces", FACES)
    Image.fromarray(FACES[0]).save(place / "0000.png", "JPEG")
    assert opened(place).facts.protocol.format == "JPEG"


def test_unusable_pictures_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty has no pictures"):
        opened(tmp_path / "empty")
    mixed = folder(tmp_path / "mixed", FACES)
    (mixed / "x.png").write_bytes(png(np.zeros((64, 64, 3), np.uint8)))
    with pytest.raises(DataError, match=r"one size \(got 16 px for 0000.png and 64 px for x.png\)"):
        opened(mixed)
    (mixed / "x.png").write_bytes(png(np.zeros((20, 30, 3), np.uint8)))
    with pytest.raises(DataError, match=r"square \(x.png of .*mixed is 30x20\)"):
        opened(mixed)
    (mixed / "x.png").write_bytes(png(FACES[0])[:50])
    with pytest.raises(DataError, match=r"x.png of .*mixed"):
        opened(mixed)


def test_arrays_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "faces.npz"
    np.savez(path, arr_0=FACES)
    path.write_bytes(path.read_bytes()[:5_000])
    with pytest.raises(DataError, match="may be truncated"):
        open_array(path)
    for array in (FACES.astype(np.float32), FACES[..., :1], FACES[:, :8], FACES[0]):
        np.savez(path, arr_0=array)
        with pytest.raises(DataError, match=r"one array of pictures, uint8 \(n, size, size, 3\)"):
            open_array(path)
    np.savez(path, real=FACES, fake=FACES)
    with pytest.raises(DataError, match=r"real uint8 .*fake uint8"):
        open_array(path)
    np.savez(path, arr_0=FACES[:0])
    with pytest.raises(DataError, match="has no pictures"):
        open_array(path)
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(DataError, match="Cannot read"):
        open_array(tmp_path / "objects.npy")


def test_files_that_are_not_measured_are_named(tmp_path: Path) -> None:
    place = folder(tmp_path / "faces", FACES)
    assert opened(place).left_out == ""
    (place / "face-41").write_bytes(png(FACES[0]))
    (place / "more").mkdir()
    written("zip", place / "more", FACES)
    (place / "again").symlink_to(place)
    found = opened(place)
    assert found.facts.count == 40
    for words in ("1 x not named as a picture", "1 x an archive", "1 x a link to a folder", "face-41"):
        assert words in found.left_out
