"""Crop and resize a photograph the way a model's training photographs were."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from strangers.data.alignment import align, find_faces
from strangers.data.crops import already_cropped, crop_for
from strangers.data.decode import decode, image_of
from strangers.data.face_detection import Points
from strangers.errors import DataError
from strangers.images import Pixels
from strangers.sampling.model import Model


class SeenPhotograph(NamedTuple):
    """A photograph as a model sees it.

    Attributes:
        pixels: uint8 (size, size, 3).
        corners: x and y of the part that is shown, (4, 2), in the photograph, clockwise from the upper left;
            None unless a face was found and aligned.
        missed: a face was looked for, and none was found.
    """

    pixels: Pixels
    corners: Points | None = None
    missed: bool = False


def as_seen(data: bytes, model: Model, *, cropped: bool = False) -> SeenPhotograph:
    """Return the photograph in `data` as the model's training photographs were.

    cropped: it has the crop of the model already, and is used whole. Otherwise it gets the crop of the model
    if that is for photographs of its size. For a model of aligned faces, such as CelebA's, the largest face
    is found and aligned. Else, and without a face, it is the largest square: see `crop_for`.
    Raises DataError with a clause.
    """
    photograph = decode(data)
    height, width = photograph.shape[:2]
    size = model.header.size
    crop = already_cropped(model.header.crop) if cropped else crop_for(model.header.crop, width, height)
    faces = find_faces(photograph) if crop.kind == "aligned" else []
    if faces:
        return SeenPhotograph(align(photograph, faces[0], size), faces[0].corners)
    return SeenPhotograph(image_of(photograph, size, crop), missed=crop.kind == "aligned")


def read_photograph(path: Path, model: Model, *, cropped: bool = False) -> SeenPhotograph:
    """Return the photograph in the file `path` as `as_seen` does. Raises DataError with a sentence."""
    try:
        return as_seen(path.read_bytes(), model, cropped=cropped)
    except OSError as error:
        raise DataError(f"The photograph {path} cannot be read: {error.strerror or error}.") from None
    except DataError as error:
        advice = "" if cropped else "; if it is cropped already, pass --cropped"
        raise DataError(f"{path} cannot be inverted: {error}{advice}.") from None
