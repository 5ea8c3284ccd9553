"""Orientation is read from tables of landmarks in both of CelebA's forms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from strangers.data.landmarks import facing, orientation
from strangers.errors import DataError, UsageError

PARTS = ("lefteye", "righteye", "nose", "leftmouth", "rightmouth")


def test_orientation_is_read_from_landmarks(tmp_path: Path) -> None:
    table = tmp_path / "list_landmarks_align_celeba.txt"
    rows = {"000001.jpg": 80, "000002.jpg": 89, "000003.jpg": 100, "000004.jpg": 90}
    lines = [
        "4",
        " ".join(f"{part}_x {part}_y" for part in PARTS),
    ]
    lines += [f"{name} 69 110 109 110 {nose} 130 75 150 105 150" for name, nose in rows.items()]
    table.write_text("\n".join(lines))
    found = orientation(table, [name.replace(".jpg", ".webp") for name in rows])
    assert (found.left, found.ahead, found.right, found.faces) == (0.25, 0.5, 0.25, 4)
    kaggle = tmp_path / "list_landmarks_align_celeba.csv"
    kaggle.write_text("\n".join(line.replace(" ", ",") for line in lines[1:]))
    assert orientation(kaggle, list(rows)) == found


def test_a_face_may_be_inclined() -> None:
    """By a quarter turn, the nose beside the middle of the eyes is still measured along their line."""
    ahead = np.array([[[70, 110], [110, 110], [90, 130], [75, 150], [105, 150]]], float)
    turned = ahead.copy()
    turned[:, 2, 0] += 10
    for points, expected in ((ahead, 0), (turned, 1)):
        assert facing(points).right == expected
        assert facing(points[..., ::-1] * (-1, 1)).right == expected


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "is empty"),
        ("9.jpg 1 2 3 4 5 6 7 8 9 10", "other pictures"),
        ("9.jpg" + " x" * 10, "not a table"),
    ],
)
def test_unusable_landmarks_are_refused(tmp_path: Path, content: str, complaint: str) -> None:
    table = tmp_path / "landmarks.txt"
    table.write_text(content)
    with pytest.raises(DataError, match=complaint):
        orientation(table, ["1.jpg"])
    with pytest.raises(UsageError, match="There is no table"):
        orientation(tmp_path / "nowhere.txt", ["1.jpg"])
