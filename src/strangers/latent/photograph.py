"""Crop and resize a photograph the way a model's training photographs were."""

from __future__ import annotations

from pathlib import Path

from strangers.data.crops import already_cropped, crop_named, default_crop
from strangers.data.decode import decode, dimensions, face, resize
from strangers.errors import DataError
from strangers.images import Pixels
from strangers.sampling.model import Model


def face_of(photograph: Path, model: Model, cropped: bool) -> Pixels:
    """Crop and resize the photograph like the training photographs of the model."""
    try:
        data = photograph.read_bytes()
    except OSError as error:
        raise DataError(f"The photograph {photograph} cannot be read: {error.strerror or error}.") from None
    try:
        name = model.header.crop if model.header.crop != "auto" else default_crop(*dimensions(data))
        return face(data, model.header.size, already_cropped(name) if cropped else crop_named(name))
    except DataError as error:
        advice = "" if cropped else "; if it is cropped already, pass --cropped"
        raise DataError(f"{photograph} cannot be inverted: {error}{advice}.") from None


def as_seen(data: bytes, model: Model) -> Pixels:
    """Crop and resize the photograph in `data` for the model. Raises DataError with a clause."""
    photograph = decode(data)
    height, width = photograph.shape[:2]
    usual = default_crop(width, height)
    own = model.header.crop if model.header.crop != "auto" else usual
    crop = crop_named(own if usual != "square" else usual)
    left, top, right, bottom = crop.box(width, height)
    return resize(photograph[top:bottom, left:right], model.header.size)
