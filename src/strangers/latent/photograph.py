"""A photograph as a model sees it: cropped and resized as its training photographs were."""

from __future__ import annotations

from pathlib import Path

from strangers.data.crops import crop_named, default_crop, whole
from strangers.data.decode import decode, dimensions, face, resize
from strangers.errors import DataError
from strangers.images import Pixels
from strangers.sampling.model import Model


def face_of(photograph: Path, model: Model, cropped: bool) -> Pixels:
    """The photograph as the model's photographs were: cropped, and resized."""
    try:
        data = photograph.read_bytes()
    except OSError as error:
        raise DataError(f"The photograph {photograph} cannot be read: {error.strerror or error}.") from None
    try:
        name = model.header.crop if model.header.crop != "auto" else default_crop(*dimensions(data))
        return face(data, model.header.size, whole(name) if cropped else crop_named(name))
    except DataError as error:
        advice = "" if cropped else "; if it is cropped already, say --cropped"
        raise DataError(f"{photograph} cannot be inverted: {error}{advice}.") from None


def as_seen(data: bytes, model: Model) -> Pixels:
    """The photograph in `data`, cropped and sized as the model's own were. Raises DataError, in a clause."""
    photograph = decode(data)
    height, width = photograph.shape[:2]
    usual = default_crop(width, height)
    own = model.header.crop if model.header.crop != "auto" else usual
    crop = crop_named(own if usual != "square" else usual)
    left, top, right, bottom = crop.box(width, height)
    return resize(photograph[top:bottom, left:right], model.header.size)
