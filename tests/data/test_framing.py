"""Framing: where faces look, and how much of a picture they take, by the bundled detector."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from strangers.data.framing import HEADSHOT_SHARE, framing
from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet
from strangers.data.synthetic.faces import draw
from strangers.images import Pixels

FACES = draw(range(8), 128)[0]


def set_of(pictures: list[Pixels], folder: Path) -> PreparedSet:
    """Prepare pictures at 128 px."""
    (folder / "photos").mkdir()
    for number, pixels in enumerate(pictures):
        Image.fromarray(pixels).save(folder / "photos" / f"{number}.png")
    return prepare(folder / "photos", folder / "set", size=128, workers=1, progress=False)


def test_faces_that_fill_their_picture_are_headshots(tmp_path: Path) -> None:
    found = framing(set_of(list(FACES), tmp_path))
    assert found.searched == 8
    assert found.found > 0.8
    assert found.headshots == 1
    assert HEADSHOT_SHARE < found.face_share < 1
    assert found.orientation is not None
    assert found.orientation.faces == round(8 * found.found)
    way = found.orientation
    assert way.left + way.ahead + way.right == pytest.approx(1)
    assert way.ahead > 0.5  # faces are drawn from the front


def test_a_small_face_in_a_large_picture_is_no_headshot(tmp_path: Path) -> None:
    rooms = []
    for face in FACES[:4]:
        room = np.full((512, 512, 3), 190, np.uint8)
        room[40:168, 200:328] = face
        rooms.append(room)
    found = framing(set_of(rooms, tmp_path))
    assert found.found > 0.5
    assert found.headshots == 0
    assert found.face_share < 0.05


def test_without_a_face_there_is_no_orientation(tmp_path: Path) -> None:
    found = framing(set_of([np.full((128, 128, 3), level, np.uint8) for level in (0, 90, 200)], tmp_path))
    assert (found.searched, found.found, found.orientation, found.headshots) == (3, 0, None, 0)


def test_two_faces_in_a_picture_are_several(tmp_path: Path) -> None:
    pair = np.concatenate([np.concatenate(FACES[:2], axis=1), np.full((128, 256, 3), 190, np.uint8)])
    assert framing(set_of([pair], tmp_path)).several == 1
