"""Orientation of faces, from CelebA's tables of landmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from strangers.data.annotations import stem
from strangers.errors import DataError

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
    """Return where the named faces look, from the position of the nose between the eyes. Raises DataError."""
    table = _read_landmarks(landmarks)
    found = np.array([table[stem(name)] for name in names if stem(name) in table], float)
    if not len(found):
        raise DataError(f"{landmarks} has no row for any picture of the set: it belongs to other pictures.")
    left_eye, right_eye, nose = found[:, 0], found[:, 2], found[:, 4]
    between = np.maximum(np.abs(right_eye - left_eye), 1)
    shift = (nose - (left_eye + right_eye) / 2) / between
    left, right = float((shift < -TURNED).mean()), float((shift > TURNED).mean())
    return Orientation(left, 1 - left - right, right, len(found))


def _read_landmarks(path: Path) -> dict[str, list[int]]:
    """Return (x, y) of the eyes, nose and corners of the mouth, by the stem of the picture's name."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = [line.replace(",", " ").split() for line in lines]
        return {
            stem(row[0]): [int(value) for value in row[1:11]]
            for row in rows
            if len(row) == 11 and "." in row[0]
        }
    except FileNotFoundError:
        raise DataError(f"There is no table of landmarks at {path}.") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is not a table of landmarks: {error}.") from None
