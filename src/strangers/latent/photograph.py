"""Crop and resize a photograph the way a model's training photographs were."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from strangers.data.alignment import Similarity, align, find_faces, warp
from strangers.data.crops import already_cropped, crop_for
from strangers.data.decode import decode, image_of
from strangers.data.face_detection import Points
from strangers.errors import DataError, UsageError
from strangers.images import Pixels
from strangers.sampling.model import Model
from strangers.system.streams import read_regular_file

Square = tuple[float, float, float, float]
"""x and y of the upper left and the upper right corner of a square in an upright photograph, in pixels."""

MIN_SIDE = 8
"""Fewest pixels along a side of a square that is shown."""

FINE = 4
"""Pixels of a photograph that is shown in a square, per pixel of the model: a larger one is reduced first."""


class SeenPhotograph(NamedTuple):
    """A photograph as a model sees it.

    Attributes:
        pixels: uint8 (size, size, 3).
        size: width and height of the upright photograph.
        corners: x and y of the part that is shown, (4, 2), in the photograph, clockwise from the upper left.
        missed: a face was looked for, and none was found.
    """

    pixels: Pixels
    size: tuple[int, int]
    corners: Points
    missed: bool = False


def as_seen(
    data: bytes, model: Model, *, cropped: bool = False, square: Square | None = None
) -> SeenPhotograph:
    """Return the photograph in `data` as the model's training photographs were.

    cropped: it has the crop of the model already, and is used whole. Otherwise it gets the crop of the model
    if that is for photographs of its size. For a model of aligned faces, such as CelebA's, the largest face
    is found and aligned. Else, and without a face, it is the largest square: see `crop_for`.
    square: the part that is shown instead.
    Raises DataError with a clause.
    """
    photograph = decode(data)
    height, width = photograph.shape[:2]
    size = model.header.size
    if square is not None:
        return _in_square(photograph, square, size)
    crop = already_cropped(model.header.crop) if cropped else crop_for(model.header.crop, width, height)
    faces = find_faces(photograph) if crop.kind == "aligned" else []
    if faces:
        return SeenPhotograph(align(photograph, faces[0], size), (width, height), faces[0].corners)
    left, top, right, bottom = crop.box(width, height)
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)
    pixels = image_of(photograph, size, crop)
    return SeenPhotograph(pixels, (width, height), corners, missed=crop.kind == "aligned")


def _in_square(photograph: Pixels, square: Square, size: int) -> SeenPhotograph:
    """Show the part of a photograph in a square. Raises DataError with a clause."""
    height, width = photograph.shape[:2]
    place = Similarity(complex(*square[2:]) - complex(*square[:2]), complex(*square[:2]))
    side = abs(place.turn)
    corners = place(np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64))
    center = corners.mean(axis=0)
    if (
        not MIN_SIDE <= side <= 2 * max(width, height)
        or not ((center >= 0) & (center <= (width, height))).all()
    ):
        raise DataError(
            f"the square must have its center in the photograph of {width}x{height} px, and a side of "
            f"{MIN_SIDE} to {2 * max(width, height)} px"
        )
    factor = max(1, int(side / (FINE * size)))
    reduced = np.asarray(Image.fromarray(photograph).reduce(factor))
    smaller = Similarity(place.turn / factor, place.move / factor)
    return SeenPhotograph(warp(reduced, smaller, (0, 0, 1, 1), size), (width, height), corners)


def read_photograph(path: Path, model: Model, *, cropped: bool = False) -> SeenPhotograph:
    """Return the photograph in the file `path` as `as_seen` does. Raises UsageError and DataError."""
    try:
        return as_seen(read_regular_file(path), model, cropped=cropped)
    except FileNotFoundError:
        raise UsageError(f"There is no photograph {path}.") from None
    except OSError as error:
        raise DataError(f"The photograph {path} cannot be read: {error.strerror or error}.") from None
    except DataError as error:
        advice = "" if cropped else "; if it is cropped already, pass --cropped"
        raise DataError(f"{path} cannot be inverted: {error}{advice}.") from None
