"""The detector finds what the program that its weights come from finds."""

from __future__ import annotations

import numpy as np
import pytest

from strangers.data.face_detection import detect, distinct
from strangers.images import Pixels

from .faces import canvas

REFERENCE_BOX = (133, 98, 61, 84)
REFERENCE_LANDMARKS = [(145, 131), (174, 131), (156, 147), (147, 160), (172, 159)]
"""The face that libfacedetection finds in the same picture; it cuts its numbers down to whole pixels."""


def test_a_face_and_its_landmarks_are_those_that_libfacedetection_finds(faces: list[Pixels]) -> None:
    picture = canvas(faces[0], 1.0, 0, width=320, height=256).pixels
    (found,) = detect(picture, 640)
    left, top, right, bottom = found.box
    assert np.allclose((left, top, right - left, bottom - top), REFERENCE_BOX, atol=1)
    # Ours are means over the cells that show the face.
    assert np.allclose(found.landmarks, REFERENCE_LANDMARKS, atol=1.5)


@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 900, 3), (64, 64, 3)])
def test_a_picture_of_any_size_without_a_face_has_none(shape: tuple[int, int, int]) -> None:
    assert detect(np.full(shape, 128, np.uint8), 640) == []


def test_a_view_of_one_pixel_that_is_turned_can_be_searched() -> None:
    assert detect(np.rot90(np.zeros((1, 1, 3), np.uint8), 2), 640) == []


def test_boxes_of_one_face_are_one_face_with_the_mean_landmarks() -> None:
    first, second = ([0.9, 0, 0, 10, 10, *[4.0] * 10], [0.6, 1, 0, 11, 10, *[9.0] * 10])
    other = [0.7, 40, 40, 50, 50, *[45.0] * 10]
    rows = distinct(np.array([second, other, first], float))
    assert rows[:, 0].tolist() == [0.9, 0.7]
    assert np.allclose(rows[0, 5:], (0.9 * 4 + 0.6 * 9) / 1.5)
