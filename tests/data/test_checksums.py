"""Checksums detect any change of a set, and are rebuilt from its hash."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangers.data import checksums
from strangers.data.array_file import ArrayFile
from strangers.data.checksums import checksums_of, corrupted, rebuild_checksums, write_sums

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3)).astype(np.uint8)
NAMES = b"a\nb\nc\nd\ne\n"
HASH = hashlib.sha256(IMAGES.tobytes() + NAMES).hexdigest()


@given(st.integers(0, IMAGES.size - 1), st.integers(0, 7))
def test_one_wrong_bit_changes_the_checksum_of_its_image(place: int, bit: int) -> None:
    changed = IMAGES.copy()
    changed.reshape(-1)[place] ^= 1 << bit
    wrong = checksums_of(changed) != checksums_of(IMAGES)
    assert np.flatnonzero(wrong).tolist() == [place // IMAGES[0].size]


def test_a_changed_file_is_named(tmp_path: Path) -> None:
    for name in ("manifest.json", "names.txt", "images.npy", "preview.png"):
        (tmp_path / name).write_bytes(name.encode())
    write_sums(tmp_path)
    assert list(corrupted(tmp_path)) == []
    (tmp_path / "names.txt").write_bytes(b"changed")
    (tmp_path / "preview.png").write_bytes(b"changed")  # for people only
    assert list(corrupted(tmp_path)) == ["names.txt"]


def _file(images: np.ndarray, folder: Path) -> ArrayFile:
    np.save(folder / "images.npy", images)
    return ArrayFile(folder / "images.npy")


def test_rebuilt_checksums_are_cached_and_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(checksums, "HASH_BLOCK_IMAGES", 2)
    found = rebuild_checksums(_file(IMAGES, tmp_path), NAMES, HASH)
    np.testing.assert_array_equal(found, checksums_of(IMAGES))
    changed = _file(IMAGES + np.uint8(1), tmp_path)
    np.testing.assert_array_equal(rebuild_checksums(changed, NAMES, HASH), found)  # from the cache
    (kept,) = tmp_path.rglob("*.sums")
    kept.write_bytes(kept.read_bytes()[:-1] + b"?")
    assert rebuild_checksums(changed, NAMES, HASH) is None  # the damaged cache is not used


@pytest.mark.parametrize(("images", "names"), [(IMAGES[::-1], NAMES), (IMAGES, NAMES[::-1])])
def test_another_set_has_no_checksums(
    images: np.ndarray, names: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert rebuild_checksums(_file(images, tmp_path), names, HASH) is None
    assert not list(tmp_path.rglob("*.sums"))
