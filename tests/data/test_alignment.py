"""Faces of any photograph are laid where CelebA's aligned photographs have theirs."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from strangers.data.alignment import AlignedFace, Similarity, align, aligned_images, find_faces
from strangers.data.crops import CROPS, comparable
from strangers.data.decode import image_of
from strangers.data.merge import merge
from strangers.data.prepare import prepare
from strangers.errors import DataError, UsageError
from strangers.images import Pixels

from .faces import canvas, eye_error

MAX_EYE_ERROR = 4.0
"""In pixels of a picture of 128 px."""


@pytest.mark.parametrize(
    ("scale", "degrees", "gray"),
    [(1, 0, False), (0.5, 12, False), (2, -20, True), (1, 93, False), (1.3, 180, False), (1, 265, True)],
)
def test_eyes_are_laid_in_their_place_however_the_photograph_lies(
    faces: list[Pixels], scale: float, degrees: float, gray: bool
) -> None:
    face = faces[int(abs(degrees)) % len(faces)]
    photograph, place = canvas(face, scale, degrees, gray=gray)
    (found,) = find_faces(photograph)
    assert eye_error(found, place) < MAX_EYE_ERROR


def test_a_photograph_that_is_aligned_gets_the_pixels_of_c178(faces: list[Pixels]) -> None:
    enlarged = np.array(Image.fromarray(faces[0]).resize((178, 178), Image.Resampling.BICUBIC))
    photograph = np.pad(enlarged, ((20, 20), (0, 0), (0, 0)), mode="edge")
    in_place = AlignedFace(Similarity(1, 0), 1.0)
    difference = align(photograph, in_place, 64).astype(int) - image_of(photograph, 64, CROPS["c178"])
    assert np.abs(difference).max() <= 6
    assert np.abs(difference).mean() < 0.5


def test_a_large_photograph_is_filtered_before_it_shrinks() -> None:
    stripes = np.zeros((900, 900, 3), np.uint8)
    stripes[:, ::2] = 255
    picture = align(stripes, AlignedFace(Similarity(4, 50 + 0j), 1.0), 64)
    # Without the filter each pixel would be black or white.
    assert np.abs(picture.astype(int) - 127).max() <= 20


def test_a_face_of_a_phone_s_photograph_is_averaged_before_it_is_read(faces: list[Pixels]) -> None:
    """Each pixel occurs 15 times in both directions, so that nothing but the detour differs."""
    small = AlignedFace(Similarity(0.55 + 0.05j, 12 - 5j), 1)
    large = AlignedFace(Similarity(15 * small.place.turn, 15 * small.place.move), 1)
    found = align(faces[0].repeat(15, axis=0).repeat(15, axis=1), large, 64)
    expected = align(faces[0], small, 64)
    assert np.abs(found.astype(int) - expected).mean() < 1.5


def test_beyond_its_border_a_photograph_repeats_its_last_pixels() -> None:
    photograph = np.full((50, 50, 3), 200, np.uint8)
    picture = align(photograph, AlignedFace(Similarity(1, -500 - 500j), 1.0), 32)
    assert (picture == 200).all()


def test_of_several_faces_the_largest_is_taken_or_every_one(faces: list[Pixels]) -> None:
    photograph = group(faces)
    (largest,) = aligned_images(photograph, 64)
    every = aligned_images(photograph, 64, every_face=True)
    assert len(every) == 2
    assert largest.pixels is not None
    near, far = (
        np.abs(largest.pixels.astype(int) - each.pixels).mean() for each in every if each.pixels is not None
    )
    assert near < far / 2


@pytest.mark.parametrize(
    ("photograph", "reason"),
    [
        ("small", r"the face is too small: [0-9]+ px would become 128 px"),
        ("blurred", r"the face is blurred: sharpness 0\.[01]"),
        ("cut off", r"the face is cut off: [5-9][0-9]% of its crop"),
    ],
)
def test_a_face_that_cannot_be_used_is_left_out_with_the_reason(
    photograph: str, reason: str, faces: list[Pixels]
) -> None:
    pixels = canvas(faces[1], 1, 0).pixels
    shown = {
        "small": canvas(faces[1], 0.4, 0).pixels,
        "blurred": np.array(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(4))),
        "cut off": pixels[165:235, 215:285],
    }[photograph]
    (image,) = aligned_images(shown, 128)
    assert image.pixels is None
    assert re.match(reason, image.problem), image.problem


def test_a_set_records_what_was_enlarged_gray_or_padded_and_lists_what_was_left_out(
    faces: list[Pixels], tmp_path: Path
) -> None:
    folder = photographs(faces, tmp_path)
    made = prepare(folder, tmp_path / "set", size=64, crop="aligned", faces="all", workers=1, progress=False)
    assert made.names == ["gray.png", "group.png", "group.png#2"]
    assert made.manifest.crop == "aligned"
    assert made.manifest.traits["gray"] == 1
    assert made.manifest.originals == {"500x400": 1, "800x400": 2}
    with (made.path / "skipped.csv").open() as file:
        assert list(csv.reader(file))[1:] == [["wall.png", "no face was found"]]
    parts = [
        prepare(
            folder, tmp_path / f"{k}", size=64, crop="aligned", faces="all", part=(k, 3), workers=1,
            progress=False,
        ).path
        for k in (1, 2)
    ]  # fmt: skip
    with pytest.raises(DataError, match="1 of the 3 parts are missing"):
        merge(parts, tmp_path / "merged")


def test_a_set_without_any_face_says_what_was_tried(tmp_path: Path) -> None:
    (tmp_path / "walls").mkdir()
    Image.new("RGB", (90, 60), "white").save(tmp_path / "walls" / "a.png")
    with pytest.raises(DataError, match=r"a\.png: no face was found\. They were searched upright and turned"):
        prepare(tmp_path / "walls", tmp_path / "set", size=64, crop="aligned", workers=1, progress=False)
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(("faces_wanted", "crop"), [("some", "aligned"), ("all", "square"), ("all", None)])
def test_faces_are_the_largest_or_all_and_need_alignment(
    faces_wanted: str, crop: str | None, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="--faces must be largest or all, and needs --align"):
        prepare("synthetic:4", tmp_path / "set", size=64, crop=crop, faces=faces_wanted)


def test_aligned_pictures_may_be_mixed_with_c178_alone() -> None:
    mixed = [(a, b) for a in CROPS for b in CROPS if a != b and comparable(a, b)]
    assert sorted(mixed) == [("aligned", "c178"), ("c178", "aligned")]


def group(faces: list[Pixels]) -> Pixels:
    """Return a photograph of two people, of whom the second is nearer."""
    halves = [canvas(faces[0], 1, 0, width=400).pixels, canvas(faces[3], 1.6, 5, width=400).pixels]
    return np.concatenate(halves, axis=1)


def photographs(faces: list[Pixels], tmp_path: Path) -> Path:
    """Write a folder of a gray photograph, a group and a wall."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    Image.fromarray(canvas(faces[2], 1.2, 0, gray=True).pixels).save(folder / "gray.png")
    Image.fromarray(group(faces)).save(folder / "group.png")
    Image.new("RGB", (300, 200), "white").save(folder / "wall.png")
    return folder
