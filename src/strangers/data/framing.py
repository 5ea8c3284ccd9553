"""Framing: how the pictures of a set show their faces.

By the bundled detector, whose landmarks turn a face into left, ahead or right, and whose box says what share
of the picture it takes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from strangers.data.face_detection import Face, Pixels, detect
from strangers.data.landmarks import Orientation, facing
from strangers.data.prepared import PreparedSet, positions

MAX_SEARCHED = 400
"""Pictures of a set that are searched for faces: fractions are then within about five percentage points."""

SEARCH_SIDE = 256
"""Height and width, in pixels, to which smaller pictures are enlarged: small faces have no landmarks."""

HEADSHOT_SHARE = 0.1
"""Share of the picture's area that the box of a face takes in a headshot. It is about 0.2 in the crop c178 of
CelebA, and 0.01 where somebody stands in the whole height."""


@dataclass(frozen=True)
class Framing:
    """The place and pose of the largest face in pictures.

    Attributes:
        searched: number of pictures.
        found: fraction of them in which a face was found; the rest is about these.
        orientation: fractions that look left, ahead and right; None without a face.
        headshots: fraction of the faces that take at least HEADSHOT_SHARE of their picture.
        face_share: median share of the picture's area that a face takes.
        several: fraction of the pictures with more than one face.
    """

    searched: int
    found: float
    orientation: Orientation | None
    headshots: float
    face_share: float
    several: float


def framing(pictures: PreparedSet) -> Framing:
    """Search a set for faces; of a larger one, MAX_SEARCHED pictures drawn from seed 0."""
    chosen = positions(len(pictures), min(MAX_SEARCHED, len(pictures)), 0, 0)
    found = [_faces(pixels) for position in chosen for pixels in pictures.batch(np.array([position]))]
    largest = [max(faces, key=_area) for faces in found if faces]
    shares = [_area(face) / max(pictures.manifest.size, SEARCH_SIDE) ** 2 for face in largest]
    return Framing(
        searched=len(found),
        found=len(largest) / max(len(found), 1),
        orientation=facing(np.array([face.landmarks for face in largest])) if largest else None,
        headshots=float(np.mean([share >= HEADSHOT_SHARE for share in shares])) if shares else 0.0,
        face_share=float(np.median(shares)) if shares else 0.0,
        several=sum(len(faces) > 1 for faces in found) / max(len(found), 1),
    )


def _faces(pixels: Pixels) -> list[Face]:
    """Return the faces in a square picture of the set, enlarged to SEARCH_SIDE if it is smaller."""
    if len(pixels) < SEARCH_SIDE:
        image = torch.from_numpy(pixels).permute(2, 0, 1)[None]
        image = F.interpolate(image, (SEARCH_SIDE, SEARCH_SIDE), mode="bicubic", antialias=True)
        pixels = image[0].permute(1, 2, 0).contiguous().numpy()
    return detect(pixels, max(pixels.shape[:2]))


def _area(face: Face) -> float:
    left, top, right, bottom = face.box
    return (right - left) * (bottom - top)
