"""`explore` finds what was put into a set."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from strangers.data.explore import explore
from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet, open_prepared
from strangers.images import Pixels


def zipped(place: Path, pictures: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(place, "w") as archive:
        for name, content in pictures.items():
            archive.writestr(name, content)
    return place


def png(pixels: Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def faces() -> Pixels:
    from strangers.data.synthetic import faces as synthetic

    return synthetic.draw(range(40), 64)[0]


@pytest.fixture
def mixed(tmp_path: Path, faces: Pixels) -> PreparedSet:
    """Forty faces, a copy of one, one a little brighter, one of another shape, and one broken file."""
    pictures = {f"{n:03d}.png": png(face) for n, face in enumerate(faces)}
    pictures["100.png"] = pictures["003.png"]
    pictures["101.png"] = png((faces[5].astype(int) + 3).clip(0, 255).astype(np.uint8))
    pictures["102.png"] = png(np.pad(faces[6][::-1], ((0, 16), (0, 0), (0, 0))))
    pictures["103.png"] = pictures["007.png"][:300]
    source = zipped(tmp_path / "mixed.zip", pictures)
    return prepare(source, tmp_path / "mixed", size=64, workers=1, progress=False)


def test_what_was_put_in_is_found(mixed: PreparedSet) -> None:
    found = explore(mixed)
    assert found.count == 43
    assert found.originals == {"64x64": 42, "64x80": 1}
    assert found.duplicate_groups == 1
    assert [sorted(group) for group in found.duplicates] == [["003.png", "100.png"]]
    assert found.near_duplicates == [["005.png", "101.png"]]
    assert sum(found.skipped.values()) == 1
    assert found.skipped_files[0][0] == "103.png"
    assert len(found.sample) == 43
    assert found.attributes == {}


def test_colors_and_brightness_are_those_of_the_pictures(tmp_path: Path) -> None:
    plain = np.zeros((64, 64, 3), np.uint8)
    plain[:] = (200, 100, 50)
    halves = np.zeros((64, 64, 3), np.uint8)
    halves[:, 32:] = 255
    source = zipped(tmp_path / "two.zip", {"a.png": png(plain), "b.png": png(halves)})
    found = explore(prepare(source, tmp_path / "two", size=64, workers=1, progress=False))
    assert found.colors == pytest.approx((163.75, 113.75, 88.75))
    luma = 0.299 * 200 + 0.587 * 100 + 0.114 * 50
    assert found.brightness.mean == pytest.approx((luma + 127.5) / 2, abs=0.01)
    assert found.contrast.p95 > 100
    assert found.symmetry.p5 < -0.9  # light on one side only
    assert found.variety == pytest.approx(
        np.sqrt(((plain[:, :, None].astype(float) - halves[:, :, None]) ** 2).mean()), rel=0.01
    )


def test_attribute_frequencies_are_those_of_the_labels(tmp_path: Path) -> None:
    drawn = prepare("synthetic:200", tmp_path / "drawn", size=32, workers=1, progress=False)
    found = explore(drawn)
    assert drawn.attributes is not None
    column = drawn.manifest.attributes.index("Eyeglasses")
    assert found.occlusions["Eyeglasses"] == (drawn.attributes[:, column] > 0).mean()
    assert set(found.occlusions) <= set(found.attributes) == set(drawn.manifest.attributes)
    assert found.originals == {}


def test_a_set_of_one_picture_is_explored(tmp_path: Path) -> None:
    found = explore(prepare("synthetic:1", tmp_path / "one", size=32, workers=1, progress=False))
    assert (found.count, found.variety, found.duplicate_groups, found.sample) == (1, 0.0, 0, [0])


def test_the_batch_size_changes_nothing(mixed: PreparedSet, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = explore(mixed)
    monkeypatch.setattr("strangers.data.explore.READ_BATCH", 5)
    assert explore(mixed) == whole


def test_sets_from_before_sizes_were_kept_still_open(tmp_path: Path) -> None:
    drawn = prepare("synthetic:4", tmp_path / "old", size=32, workers=1, progress=False)
    manifest = drawn.path / "manifest.json"
    text = manifest.read_text()
    start = text.index(',\n  "originals"')
    manifest.write_text(text[:start] + "\n}\n")
    (drawn.path / "SHA256SUMS").unlink()  # which came later still
    assert open_prepared(drawn.path).manifest.originals == {}
