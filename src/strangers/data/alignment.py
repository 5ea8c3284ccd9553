"""Align faces: turn, move and scale a photograph so that a face lies where CelebA's aligned ones have it.

The crop `aligned` shows the same part of a face as `c178` does in CelebA, and enters the same pictures: see
`crops.comparable`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional as F

from strangers.data.crops import ALIGNED, CROPS, NO_FACE
from strangers.data.face_detection import Face, Pixels, Points, detect, distinct
from strangers.errors import DataError

LANDMARKS: Points = np.array([[69.9, 112.6], [108.5, 113.2], [72.5, 151.7], [105.0, 152.2]])
"""x and y of the eyes and the corners of the mouth in CelebA's aligned photographs of 178x218 px: the mean of
what the detector finds in 120 of them. The nose is left out, which moves when a head turns."""

ALIGNING = [0, 1, 3, 4]
"""The positions of these among a face's landmarks."""

SIDES = (640, 256)
"""Longer sides of the pictures that are searched: one for small faces, one for faces that fill theirs."""

SIDES_FOR_ALL = (1280, *SIDES)
"""The same where all faces of a photograph are wanted, such as those of a group."""

TURNS = (0, 1, 3, 2)
"""Quarter turns, counterclockwise, in which a photograph is searched until a face is found."""

UPRIGHT_SCORE = 0.9
"""Score of a face that is upright. Upside down, faces score up to about 0.9."""

CLOSE_UP = 320
"""Height and width in pixels of the upright picture of each face, from which its landmarks are taken."""

MAX_CLOSE_UPS = 6
UPRIGHT_CHANGE = 0.04
"""A close-up is upright if it turns (in radians) and scales the face by less than that."""

CLOSE_UP_MARGIN = 89
"""Pixels of an aligned photograph around the crop that the close-up shows."""

MIN_SHARE = 0.5
"""Pixels of the photograph per pixel of the picture, along a side, below which a face is too small."""

MIN_SHARPNESS = 0.2
SHARPNESS_SIZE = 64
"""A face is blurred if the standard deviation of its Laplacian at 64 px is below this share of its luma's. In
CelebA it is above 0.3, blurred by 3 px of 178 at about 0.18."""

MAX_PADDED = 0.5
"""Share of the crop beyond the photograph's borders above which a face is cut off."""

SHRINK_LAST = 3
"""Factor by which a photograph still shrinks after squares of its pixels were averaged, up to twice that."""

MARGIN = 3
"""Pixels around those that are read, for the bicubic filter."""

GRAY_SPREAD = 3.0
"""A picture is gray if red, green and blue differ by less than that on average, in levels of 255."""

ENLARGED, PADDED, GRAY = "enlarged", "padded by repetition", "gray"
"""Traits of an aligned picture that a set counts."""


class AlignedImage(NamedTuple):
    """One face of a photograph: uint8 (size, size, 3), or why it cannot be used, and its traits."""

    pixels: Pixels | None
    problem: str = ""
    traits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Similarity:
    """A rotation, scaling and translation: z -> turn * z + move, with points as complex numbers x + iy."""

    turn: complex
    move: complex

    @classmethod
    def fit(cls, source: Points, target: Points) -> Similarity:
        """Return the similarity that maps points (n, 2) onto others with the least squared error."""
        z, w = _complex(source), _complex(target)
        centered = z - z.mean()
        turn = np.vdot(centered, w - w.mean()) / np.vdot(centered, centered)
        return cls(complex(turn), complex(w.mean() - turn * z.mean()))

    def __call__(self, points: Points) -> Points:
        """Map points (..., 2)."""
        mapped = self.turn * _complex(points) + self.move
        return np.stack([mapped.real, mapped.imag], axis=-1)


@dataclass(frozen=True)
class AlignedFace:
    """A face of a photograph.

    Attributes:
        place: maps aligned photographs of 178x218 px to the photograph.
        score: certainty of the detector, in [0, 1].
    """

    place: Similarity
    score: float

    @property
    def corners(self) -> Points:
        """x and y of the crop's corners in the photograph, (4, 2), clockwise from the upper left."""
        left, top, right, bottom = _region(0)
        return self.place(np.array([[left, top], [right, top], [right, bottom], [left, bottom]]))

    @property
    def side(self) -> float:
        """Pixels of the photograph along one side of the crop."""
        return CROPS["c178"].side * abs(self.place.turn)


def _complex(points: Points) -> NDArray[np.complex128]:
    return points[..., 0] + 1j * points[..., 1]


def aligned_images(photograph: Pixels, size: int, *, every_face: bool = False) -> list[AlignedImage]:
    """Return the largest face of a photograph, uint8 (height, width, 3), or every face, the largest first.

    Raises DataError if no face is found.
    """
    faces = find_faces(photograph, SIDES_FOR_ALL if every_face else SIDES)
    if not faces:
        raise DataError(NO_FACE)
    return [_image(photograph, face, size) for face in faces[: None if every_face else 1]]


def _image(photograph: Pixels, face: AlignedFace, size: int) -> AlignedImage:
    if face.side < MIN_SHARE * size:
        return AlignedImage(None, f"the face is too small: {face.side:.0f} px would become {size} px")
    padded = _padded(photograph, face)
    if padded > MAX_PADDED:
        return AlignedImage(None, f"the face is cut off: {padded:.0%} of its crop lie beyond the photograph")
    pixels = align(photograph, face, size)
    detail = sharpness(pixels if size == SHARPNESS_SIZE else align(photograph, face, SHARPNESS_SIZE))
    if detail < MIN_SHARPNESS:
        return AlignedImage(None, f"the face is blurred: sharpness {detail:.2f}, below {MIN_SHARPNESS}")
    traits = {ENLARGED: face.side < size, PADDED: padded > 0, GRAY: _is_gray(pixels)}
    return AlignedImage(pixels, traits=tuple(trait for trait, has in traits.items() if has))


def sharpness(pixels: Pixels) -> float:
    """Return the standard deviation of the Laplacian of a picture's luma, divided by that of its luma."""
    luma = pixels.astype(np.float64) @ (0.299, 0.587, 0.114)  # ITU-R BT.601
    inner = luma[1:-1, 1:-1]
    laplacian = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * inner
    return float(laplacian.std() / max(luma.std(), 1.0))


def _is_gray(pixels: Pixels) -> bool:
    return float((pixels.max(axis=2).astype(int) - pixels.min(axis=2)).mean()) < GRAY_SPREAD


def _padded(photograph: Pixels, face: AlignedFace) -> float:
    """Return the share of the crop that lies beyond the photograph's borders."""
    left, top, right, _ = _region(0)
    offsets = (np.arange(SHARPNESS_SIZE) + 0.5) * (right - left) / SHARPNESS_SIZE
    points = face.place(np.stack(np.meshgrid(left + offsets, top + offsets), axis=-1))
    height, width = photograph.shape[:2]
    outside = (points < 0).any(axis=-1) | (points > (width, height)).any(axis=-1)
    return float(outside.mean())


def find_faces(photograph: Pixels, sides: tuple[int, ...] = SIDES) -> list[AlignedFace]:
    """Return the faces in a photograph, uint8 (height, width, 3), the largest first.

    Unless a face is certain to be upright, the photograph is searched in all four orientations, and the one
    with the most certain face is used.
    """
    height, width = photograph.shape[:2]
    found: dict[int, list[Face]] = {}
    for turns in TURNS:
        found[turns] = _search(np.rot90(photograph, turns), sides)
        if turns == 0 and found[0] and found[0][0].score >= UPRIGHT_SCORE:
            break
    best = max(found, key=lambda turns: found[turns][0].score if found[turns] else 0)
    back = _turn_back(best, width, height)
    faces = [_look_closer(photograph, face, back) for face in found[best]]
    return sorted(faces, key=lambda face: -face.side)


def _search(picture: Pixels, sides: tuple[int, ...]) -> list[Face]:
    """Return the distinct faces that are found at one of these sizes."""
    found = [face for side in sides for face in detect(picture, side)]
    rows = np.array([[face.score, *face.box, *face.landmarks.flat] for face in found]).reshape(-1, 15)
    return [Face(row[0], tuple(row[1:5]), row[5:].reshape(5, 2)) for row in distinct(rows)]


def _turn_back(turns: int, width: int, height: int) -> Similarity:
    """Return the map from a picture, after so many quarter turns, to the photograph of this size."""
    move = (0, width, width + 1j * height, 1j * height)[turns]
    return Similarity((1j) ** turns, move)


def _look_closer(photograph: Pixels, face: Face, back: Similarity) -> AlignedFace:
    """Align a face by the landmarks found in a close-up, again and again until the close-up is upright.

    The detector finds faces that are inclined by up to 60 degrees, but underestimates the angle by half.
    """
    place = Similarity.fit(LANDMARKS, back(face.landmarks[ALIGNING]))
    left, top, right, bottom = _region(CLOSE_UP_MARGIN)
    scale = (right - left) / CLOSE_UP
    for _ in range(MAX_CLOSE_UPS):
        # Fewer pixels of a large face are read: it only has to be recognized.
        stride = max(1, int(abs(place.turn) * scale / 2))
        few = Similarity(place.turn / stride, place.move / stride)
        picture = warp(photograph[::stride, ::stride], few, (left, top, right, bottom), CLOSE_UP)
        near = next((each for each in detect(picture, CLOSE_UP) if _is_central(each)), None)
        if near is None:
            break
        before = place
        place = Similarity.fit(LANDMARKS, place(near.landmarks[ALIGNING] * scale + (left, top)))
        if abs(place.turn / before.turn - 1) < UPRIGHT_CHANGE:
            break
    return AlignedFace(place, face.score)


def _is_central(face: Face) -> bool:
    left, top, right, bottom = face.box
    return left < CLOSE_UP / 2 < right and top < CLOSE_UP / 2 < bottom


def _region(margin: float) -> tuple[float, float, float, float]:
    """Return (left, top, right, bottom) of the crop in an aligned photograph, with a margin around it."""
    left, top, right, bottom = CROPS["c178"].box(*ALIGNED)
    return left - margin, top - margin, right + margin, bottom + margin


def align(photograph: Pixels, face: AlignedFace, size: int) -> Pixels:
    """Return the face of a photograph as the crop `c178` of an aligned one, uint8 (size, size, 3)."""
    return warp(photograph, face.place, _region(0), size)


def warp(
    photograph: Pixels, place: Similarity, region: tuple[float, float, float, float], size: int
) -> Pixels:
    """Return the picture, uint8 (size, size, 3), of the square `region` that `place` maps to the photograph.

    Where it shrinks, the photograph is read at its own resolution and then filtered as by `decode.resize`.
    Squares of pixels are averaged first if it still shrinks by SHRINK_LAST then, since a face of 3,000 px
    would take ten seconds. Beyond its borders the pixels of the border are repeated, as in CelebA.
    """
    left, top, right, _ = region
    step = abs(place.turn) * (right - left) / size
    square = max(1, int(step / SHRINK_LAST))
    # Samples per pixel of the picture, in each direction: no pixel of the reduced photograph is passed over.
    fine = max(1, math.ceil(step / square))
    offsets = (np.arange(size * fine) + 0.5) * (right - left) / (size * fine)
    points = place(np.stack(np.meshgrid(left + offsets, top + offsets), axis=-1))
    cut, points = _around(photograph, points, MARGIN * square)
    if square > 1:
        cut, points = np.asarray(Image.fromarray(cut).reduce(square)), points / square
    height, width = cut.shape[:2]
    grid = torch.from_numpy((2 * points / (width, height) - 1).astype(np.float32))[None]
    image = torch.from_numpy(cut.astype(np.float32)).permute(2, 0, 1)[None]
    with torch.inference_mode():
        sampled = F.grid_sample(image, grid, mode="bicubic", padding_mode="border", align_corners=False)
        if fine > 1:
            sampled = F.interpolate(sampled, (size, size), mode="bicubic", antialias=True)
        pixels: Pixels = sampled[0].permute(1, 2, 0).round().clamp(0, 255).byte().contiguous().numpy()
    return pixels


def _around(photograph: Pixels, points: Points, margin: int) -> tuple[Pixels, Points]:
    """Cut out the part of a photograph that holds `points`, with a margin; also return them in it."""
    height, width = photograph.shape[:2]
    left, top = (np.floor(points.min(axis=(0, 1))).astype(int) - margin).clip(0, (width - 1, height - 1))
    right, bottom = (np.ceil(points.max(axis=(0, 1))).astype(int) + margin).clip(1, (width, height))
    return photograph[top : max(bottom, top + 1), left : max(right, left + 1)], points - (left, top)
