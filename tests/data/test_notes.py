"""The sentences about a set: mixed sizes, enlarged pictures, skipped files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from strangers.data.notes import default_crop_of, notes_on, summary
from strangers.data.prepare import prepare
from strangers.data.prepared import Manifest


def manifest(originals: dict[str, int], crop: str = "square", size: int = 64) -> Manifest:
    return Manifest(
        format=1, software="test", count=sum(originals.values()) or 1, size=size, crop=crop, filter="bicubic",
        source="folder", hash="0", originals=originals,
    )  # fmt: skip


def test_the_default_crop_is_decided_by_all_sizes() -> None:
    assert default_crop_of({"178x218": 3000}) == "c178"
    assert default_crop_of({"178x218": 3000, "1200x1600": 1}) == "square"
    assert default_crop_of({}) == "square"


def test_mixed_sizes_are_counted_and_the_rarest_are_summed_up() -> None:
    assert notes_on(manifest({"178x218": 3000}), None) == []
    (few,) = notes_on(manifest({"300x300": 5, "1200x1600": 4000}), None)
    assert few == "The photographs have 2 sizes: 1200x1600 (4,000), 300x300 (5)."
    (many,) = notes_on(manifest({f"{side}x300": 200 - side for side in range(100, 110)}), None)
    assert many.startswith("The photographs have 10 sizes: 100x300 (100), 101x300 (99),")
    assert many.endswith(", 5 other sizes.")


@pytest.mark.parametrize(("crop", "originals", "small"), [
    ("square", {"100x63": 3, "64x64": 4}, 3),
    ("c40", {"100x63": 3}, 3),
    ("c178", {"178x218": 3}, 0),
    ("c178", {"60x60": 2}, 2),  # cropped by c178 before
    ("squash", {"64x40": 1}, 1),
])  # fmt: skip
def test_enlarged_photographs_are_counted(crop: str, originals: dict[str, int], small: int) -> None:
    enlarged = [note for note in notes_on(manifest(originals, crop), None) if "enlarged" in note]
    assert [note.split(" of ")[0] for note in enlarged] == ([str(small)] if small else [])


def test_images_without_attributes_are_counted() -> None:
    attributes = np.array([[0, 0], [1, 0], [-1, -1]], np.int8)
    assert notes_on(manifest({}), attributes) == ["1 image has no row in the attribute table."]


def test_skipped_files_are_summed_up_by_reason(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (40, 40)).save(tmp_path / "photos" / "good.png")
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "photos" / name).write_bytes(b"")
    (tmp_path / "photos" / "c.jpg").write_bytes(b"text")
    made = prepare(tmp_path / "photos", tmp_path / "set", size=16, workers=1, progress=False)
    assert summary(made) == [
        "Skipped 3 files (2 x the file is empty; 1 x not an image in a supported format); "
        f"{tmp_path / 'set' / 'skipped.csv'} lists them."
    ]
