"""Photographs whose faces lie in a known place: generated faces on larger canvases."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from strangers.data.alignment import AlignedFace, Similarity
from strangers.data.face_detection import Points
from strangers.images import Pixels

EYES: Points = np.array([[69.5, 111.5], [108.0, 111.5]])
"""The eyes of CelebA's aligned photographs of 178x218 px, whose crop c178 the bundled models draw."""

SEEDS = (0, 1, 3, 6, 14, 15)
"""Faces of celeba-128 with both eyes where they should be."""


class Canvas(NamedTuple):
    """A photograph, and the map from an aligned photograph to it."""

    pixels: Pixels
    place: Similarity


def canvas(
    face: Pixels, scale: float, degrees: float, *, width: int = 500, height: int = 400, gray: bool = False
) -> Canvas:
    """Lay the crop of a face, scaled and turned, in the middle of a gray canvas."""
    size = len(face)
    turn = complex(scale * np.exp(1j * np.radians(degrees)))
    move = complex(width, height) / 2 - turn * complex(size, size) / 2
    back, shift = 1 / turn, -move / turn
    rows = (back.real, -back.imag, shift.real, back.imag, back.real, shift.imag)
    picture = Image.fromarray(face).convert("L").convert("RGB") if gray else Image.fromarray(face)
    pixels = np.array(
        picture.transform(
            (width, height),
            Image.Transform.AFFINE,
            rows,
            Image.Resampling.BICUBIC,
            fillcolor=(120, 120, 120),
        )
    )
    # The crop begins 20 px below the top of an aligned photograph, whose 178 px are its width.
    of_crop = turn * size / 178
    return Canvas(pixels, Similarity(of_crop, move - of_crop * 20j))


def eye_error(face: AlignedFace, place: Similarity) -> float:
    """Return how far the farther eye lies from its place in a picture of 128 px, in its pixels."""
    distances = np.hypot(*(face.place(EYES) - place(EYES)).T) / abs(face.place.turn)
    return float(distances.max() * 128 / 178)
