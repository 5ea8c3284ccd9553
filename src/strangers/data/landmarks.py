"""Orientation of faces, from landmarks: CelebA's tables, or a detector's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strangers.data.tables import match_rows, parse_table
from strangers.errors import DataError, UsageError
from strangers.system.streams import read_regular_file

TURNED = 0.15
"""A face is turned if its nose is further than this from the midpoint of the eyes, in eye distances."""


@dataclass(frozen=True)
class Orientation:
    """Fractions of the faces that look left, ahead and right, as the viewer sees them; they sum to 1."""

    left: float
    ahead: float
    right: float
    faces: int


def orientation(landmarks: Path, names: Sequence[str]) -> Orientation:
    """Return where the named faces look, from the position of the nose between the eyes.

    landmarks: a table of x and y of the left eye, right eye, nose and corners of the mouth.

    Raises UsageError if it does not exist, and DataError if it cannot be read or belongs to other pictures.
    """
    try:
        table = parse_table(landmarks.name, read_regular_file(landmarks))
        points = np.array([row[:10] for row in table.cells], float).reshape(len(table.cells), 10)
    except FileNotFoundError:
        raise UsageError(f"There is no table of landmarks at {landmarks}.") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{landmarks} is not a table of landmarks: {error}.") from None
    rows = match_rows(table, names)
    found = points[rows[rows >= 0]]
    if not len(found):
        raise DataError(f"{landmarks} has no row for any picture of the set: it belongs to other pictures.")
    return facing(found.reshape(-1, 5, 2))


def facing(points: NDArray[np.float64]) -> Orientation:
    """Return where faces look, from their landmarks (n, 5, 2): the left eye, the right eye, the nose, ...

    The nose is measured along the line through the eyes, so that a face may be inclined.
    """
    left_eye, right_eye, nose = points[:, 0], points[:, 1], points[:, 2]
    between = right_eye - left_eye
    along = ((nose - (left_eye + right_eye) / 2) * between).sum(axis=1)
    shift = along / np.maximum((between**2).sum(axis=1), 1)
    left, right = float((shift < -TURNED).mean()), float((shift > TURNED).mean())
    return Orientation(left, 1 - left - right, right, len(points))
