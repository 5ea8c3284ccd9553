"""Crop and resize a photograph the way a model's training photographs were."""

from __future__ import annotations

from pathlib import Path

from strangers.data.crops import already_cropped, crop_for
from strangers.data.decode import decode, image_of
from strangers.errors import DataError
from strangers.images import Pixels
from strangers.sampling.model import Model


def as_seen(data: bytes, model: Model, *, cropped: bool = False) -> Pixels:
    """Return the photograph in `data` as the model's training photographs were: uint8 (size, size, 3).

    cropped: it has the crop of the model already, and is used whole. Otherwise it gets the crop of the model
    if that is for photographs of its size, and else its largest square: see `crop_for`.
    Raises DataError with a clause.
    """
    photograph = decode(data)
    height, width = photograph.shape[:2]
    crop = already_cropped(model.header.crop) if cropped else crop_for(model.header.crop, width, height)
    return image_of(photograph, model.header.size, crop)


def read_photograph(path: Path, model: Model, *, cropped: bool = False) -> Pixels:
    """Return the photograph in the file `path` as `as_seen` does. Raises DataError with a sentence."""
    try:
        return as_seen(path.read_bytes(), model, cropped=cropped)
    except OSError as error:
        raise DataError(f"The photograph {path} cannot be read: {error.strerror or error}.") from None
    except DataError as error:
        advice = "" if cropped else "; if it is cropped already, pass --cropped"
        raise DataError(f"{path} cannot be inverted: {error}{advice}.") from None
