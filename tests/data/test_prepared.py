"""A prepared set is read by position, and damage to it is an error."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strangers.data import prepared
from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet, is_prepared, open_prepared, positions
from strangers.errors import DataError, UsageError


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    out = tmp_path_factory.mktemp("sets") / "drawn"
    return prepare("synthetic:20", out, size=16, workers=1, progress=False)


@pytest.mark.parametrize("memory", [1e-9, 1e9, None])
def test_reading_ahead_changes_no_image(
    memory: float | None, drawn: PreparedSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "free_memory", lambda: memory)
    before, again = np.array(drawn.images), open_prepared(drawn.path)
    again.read_ahead(np.arange(20))
    assert np.array_equal(again.batch(np.arange(20)), before)


def test_a_batch_is_the_images_at_its_positions(drawn: PreparedSet) -> None:
    batch = drawn.batch(np.array([3, 3, 19, 0]))
    np.testing.assert_array_equal(batch, np.asarray(drawn.images)[[3, 3, 19, 0]])
    assert batch.dtype == np.uint8
    assert batch.flags.writeable
    assert len(drawn) == 20
    with pytest.raises(IndexError):
        drawn.batch(np.array([20]))


def test_images_stay_on_the_disk_until_they_are_read(drawn: PreparedSet) -> None:
    assert isinstance(drawn.images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        drawn.images[0] = 0


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(0, 80), st.integers(0, 2**64 - 1), st.integers(0, 300))
def test_positions_depend_on_progress_alone_however_it_was_made(
    count: int, batch: int, seed: int, images_seen: int
) -> None:
    whole = positions(count, images_seen + batch, seed, 0)
    np.testing.assert_array_equal(positions(count, batch, seed, images_seen), whole[images_seen:])


def test_every_image_is_seen_once_an_epoch_and_batches_straddle_epochs() -> None:
    seen = np.concatenate([positions(10, 4, 7, start) for start in range(0, 40, 4)])
    epochs = seen.reshape(4, 10)
    assert (np.sort(epochs, axis=1) == np.arange(10)).all()
    assert len({epoch.tobytes() for epoch in epochs}) == 4
    assert not np.array_equal(positions(10, 10, 8, 0), epochs[0])
    assert positions(3, 8, 0, 2).shape == (8,)


def test_a_seed_gives_the_same_order_on_every_machine_and_version() -> None:
    assert positions(8, 16, 2026, 0).tolist() == [2, 6, 1, 7, 0, 4, 5, 3, 1, 4, 3, 7, 0, 2, 5, 6]


def changed(**fields: Any) -> Callable[[Path], None]:
    """Damage to the manifest: other fields; None takes one away."""

    def damage(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text()) | fields
        kept = {name: value for name, value in manifest.items() if value is not None}
        (folder / "manifest.json").write_text(json.dumps(kept))

    return damage


def written(name: str, data: bytes) -> Callable[[Path], None]:
    """Damage to a file: other contents."""

    def damage(folder: Path) -> None:
        (folder / name).write_bytes(data)

    return damage


def cut(name: str, end: int | None) -> Callable[[Path], None]:
    """Damage to a file: only its bytes up to `end`."""

    def damage(folder: Path) -> None:
        (folder / name).write_bytes((folder / name).read_bytes()[:end])

    return damage


def zipped(folder: Path) -> None:
    with zipfile.ZipFile(folder / "images.npy", "w") as archive:
        archive.writestr("a.npy", b"")


def longer(folder: Path) -> None:
    with (folder / "images.npy").open("ab") as file:
        file.write(b"more")


def a_folder(folder: Path) -> None:
    (folder / "images.npy").unlink()
    (folder / "images.npy").mkdir()


def piped(name: str) -> Callable[[Path], None]:
    """Damage to a file: a pipe without a writer, which blocks its readers."""

    def damage(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return damage


def saved(name: str, array: np.ndarray[Any, Any]) -> Callable[[Path], None]:
    return lambda folder: np.save(folder / name, array)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "empty manifest": written("manifest.json", b""),
    "half manifest": cut("manifest.json", 80),
    "manifest is a list": written("manifest.json", b"[]"),
    "manifest is a number": written("manifest.json", b"1"),
    "manifest is bytes": written("manifest.json", bytes(range(256))),
    "no format": changed(format=None),
    "format of a later version": changed(format=2),
    "format of no version": changed(format=0),
    "format is a word": changed(format="one"),
    "another count": changed(count=19),
    "count is zero": changed(count=0),
    "count is negative": changed(count=-20),
    "count is a fraction": changed(count=20.5),
    "count is huge": changed(count=10**30),
    "another size": changed(size=8),
    "unknown field": changed(color="blue"),
    "no hash": changed(hash=None),
    "other attributes": changed(attributes=["Male"]),
    "no images": lambda folder: (folder / "images.npy").unlink(),
    "empty images": written("images.npy", b""),
    "images cut short": cut("images.npy", -1),
    "images cut to their header": cut("images.npy", 128),
    "images cut in their header": cut("images.npy", 60),
    "images with more behind": longer,
    "images of another type": saved("images.npy", np.zeros((20, 16, 16, 3), np.int8)),
    "images of another shape": saved("images.npy", np.zeros((20, 3, 16, 16), np.uint8)),
    "images are objects": saved("images.npy", np.array([None, {}])),
    "manifest without end": written("manifest.json", b"[" * 100_000),
    "images are no array": written("images.npy", b"<html>" * 99),
    "images are an archive": zipped,
    "images have a wild header": written("images.npy", b"\x93NUMPY\x01\x00\x10\x00{'descr': (((\n\xff"),
    "images are a folder": a_folder,
    "images are a pipe": piped("images.npy"),
    "names are a pipe": piped("names.txt"),
    "part is a word": changed(part="first"),
    "originals without a size": changed(originals={"large": 20}),
    "no attributes": lambda folder: (folder / "attributes.npy").unlink(),
    "attributes cut short": cut("attributes.npy", -1),
    "attributes of another type": saved("attributes.npy", np.zeros((20, 25), np.uint8)),
    "no names": lambda folder: (folder / "names.txt").unlink(),
    "too few names": cut("names.txt", 40),
    "names are bytes": written("names.txt", b"\xff\xfe\x00"),
}  # fmt: skip


def test_a_set_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^There is no prepared set at .*nowhere; make one"):
        open_prepared(tmp_path / "nowhere")


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_set_raises_one_sentence(drawn: PreparedSet, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(drawn.path, copy)
    DAMAGES[name](copy)
    with pytest.raises(DataError, match=r"^[A-Z].*copy.*\.$"):
        _ = open_prepared(copy).names


def test_a_corrupted_image_is_named_when_it_is_read_and_not_before(
    drawn: PreparedSet, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(drawn.path, copy)
    opened = open_prepared(copy)
    data = bytearray((copy / "images.npy").read_bytes())
    data[-5] ^= 1
    (copy / "images.npy").write_bytes(data)
    for again in (opened, open_prepared(copy)):
        again.batch(np.arange(19))
        with pytest.raises(DataError, match=r"copy is damaged: image 19 of images\.npy"):
            again.batch(np.array([3, 19]))
        with pytest.raises(DataError, match="image 19"):
            list(again.blocks(8))


def test_sha256sum_can_read_the_sums(drawn: PreparedSet) -> None:
    listed = dict(line.split("  ")[::-1] for line in (drawn.path / "SHA256SUMS").read_text().splitlines())
    assert listed == {
        path.name: sha256(path.read_bytes()).hexdigest()
        for path in drawn.path.iterdir()
        if path.name not in ("images.npy", "SHA256SUMS", "preview.png")
    }


def without_checksums(drawn: PreparedSet, place: Path) -> Path:
    """Copy the set without its checksums."""
    shutil.copytree(drawn.path, place, ignore=shutil.ignore_patterns("checksums.npy", "SHA256SUMS"))
    return place


def test_a_set_without_checksums_is_read_once_in_full(
    drawn: PreparedSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    old = without_checksums(drawn, tmp_path / "old")
    first = open_prepared(old)
    assert first.checksums is not None
    assert drawn.checksums is not None
    np.testing.assert_array_equal(first.checksums, drawn.checksums)
    monkeypatch.setattr("strangers.data.checksums.checksums_of", None)  # nothing is read again
    np.testing.assert_array_equal(open_prepared(old).images, drawn.images)


@pytest.mark.parametrize("file", ["images.npy", "names.txt"])
def test_a_set_without_checksums_that_is_damaged_is_not_opened(
    drawn: PreparedSet, tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    old = without_checksums(drawn, tmp_path / "old")
    data = bytearray((old / file).read_bytes())
    data[-5] ^= 1
    (old / file).write_bytes(data)
    with pytest.raises(DataError, match="are corrupted"):
        open_prepared(old)


def test_a_wrong_byte_of_the_header_raises_an_error_or_is_harmless(
    drawn: PreparedSet, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(drawn.path, copy)
    images = (copy / "images.npy").read_bytes()
    random = np.random.default_rng(3)
    for position in range(128):
        damaged = bytearray(images)
        damaged[position] ^= int(random.integers(1, 256))
        (copy / "images.npy").write_bytes(damaged)
        with suppress(DataError):
            assert open_prepared(copy).images.shape == (20, 16, 16, 3)


def test_a_folder_with_a_manifest_looks_like_a_prepared_set(drawn: PreparedSet, tmp_path: Path) -> None:
    assert is_prepared(drawn.path)
    assert not is_prepared(tmp_path)
    assert not is_prepared(tmp_path / "nowhere")
