"""Find faces and their landmarks in photographs with YuNet, a detector of 53,104 weights.

Wu, Peng and Yu 2023, "YuNet: a tiny millisecond-level face detector". The weights are those of
libfacedetection, under the 3-clause BSD license: `models/yunet.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]

WEIGHTS = Path(__file__).parents[1] / "models" / "yunet.safetensors"

MIN_SCORE = 0.6
"""Score, in [0, 1], of the least certain face that counts."""

MAX_OVERLAP = 0.3
"""Intersection over union above which two boxes show the same face."""

CERTAINTY_SIDES = (128, 192)
"""Sides in pixels at which a picture of one face is judged; the mean of both tells broken faces better."""

CERTAINTY_BORDER = 16
"""Pixels of repeated border around it, since a face may reach the edge."""

JUDGED_AT_ONCE = 64

STRIDES = (8, 16, 32)
"""Pixels between two cells of the three maps in which faces are found."""


@dataclass(frozen=True)
class Face:
    """A face in a picture, in its pixels; (0, 0) is the upper left corner of the upper left pixel.

    Attributes:
        score: certainty, in [0, 1].
        box: (left, top, right, bottom).
        landmarks: (5, 2), x and y of the eyes, the nose and the corners of the mouth; of each pair the one
            that is left in an upright picture comes first.
    """

    score: float
    box: tuple[float, float, float, float]
    landmarks: Points


class Separable(nn.Sequential):
    """A pointwise, then a 3x3 depthwise convolution."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__(nn.Conv2d(before, after, 1), nn.Conv2d(after, after, 3, padding=1, groups=after))


class YuNet(nn.Module):
    """BGR images (n, 3, h, w) in [0, 255], sides multiples of 32 -> one map (n, 16, h / s, w / s) per stride.

    Channels: 4 of the box, 10 of the landmarks, and the logits of class and objectness.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, stride=2, padding=1)
        widths = ((16, 16), (16, 16, 32), (32, 32, 64), (64, 64, 64), (64, 64, 64), (64, 64, 64))
        self.stages = nn.ModuleList(
            nn.ModuleList(Separable(before, after) for before, after in pairwise(stage)) for stage in widths
        )
        self.laterals = nn.ModuleList(Separable(64, 64) for _ in STRIDES)
        self.heads = nn.ModuleList(
            nn.ModuleList(Separable(64, width) for width in (4, 10, 1, 1)) for _ in STRIDES
        )

    def pyramid(self, images: Tensor) -> list[Tensor]:
        """Return the feature maps at STRIDES, each (n, 64, h / s, w / s)."""
        maps = F.relu(self.stem(images))
        found = []
        for number, stage in enumerate(self.stages):
            for layer in stage:  # type: ignore[attr-defined]
                maps = F.relu(layer(maps))
            if number >= 3:
                found.append(maps)
            if number in (0, 2, 3, 4):
                maps = F.max_pool2d(maps, 2)
        merged = F.relu(self.laterals[2](found[2]))
        levels = [merged]
        for level in (1, 0):
            merged = F.relu(self.laterals[level](found[level] + F.interpolate(merged, scale_factor=2)))
            levels.insert(0, merged)
        return levels

    def forward(self, images: Tensor) -> list[Tensor]:
        return [
            torch.cat([head(features) for head in heads], dim=1)  # type: ignore[attr-defined]
            for heads, features in zip(self.heads, self.pyramid(images), strict=True)
        ]


@cache
def load_detector() -> YuNet:
    """Return the detector of the package."""
    network = YuNet()
    network.load_state_dict(load_file(WEIGHTS))
    # Depthwise convolutions take a third of the time so.
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.requires_grad_(False).eval()


def detect(pixels: Pixels, side: int) -> list[Face]:
    """Return the faces in a picture, uint8 (height, width, 3), the most certain first.

    side: the longer side, in pixels, to which a larger picture is reduced; faces of about 10 to 300 pixels of
    the reduced picture are found.
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    small = max(1, round(height * scale)), max(1, round(width * scale))
    image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None]
    with torch.inference_mode():
        if small != (height, width):
            image = F.interpolate(image, small, mode="bilinear", antialias=True)
        padded = F.pad(image.float().flip(1), (0, -small[1] % 32, 0, -small[0] % 32))
        outputs = load_detector()(padded.contiguous(memory_format=torch.channels_last))
        rows = torch.cat([_decode(maps[0], stride) for maps, stride in zip(outputs, STRIDES, strict=True)])
    kept = distinct(rows[rows[:, 0] >= MIN_SCORE].double().numpy())
    kept[:, 1::2] *= width / small[1]
    kept[:, 2::2] *= height / small[0]
    return [Face(float(row[0]), tuple(row[1:5].tolist()), row[5:].reshape(5, 2)) for row in kept]


def certainties(pictures: Pixels) -> NDArray[np.float64]:
    """Return the score in [0, 1] of the most certain face in each picture, as (n,).

    pictures: uint8 (n, size, size, 3), each of one face that fills most of it.
    """
    means = [
        np.mean([_best_scores(chunk, side) for side in CERTAINTY_SIDES], axis=0)
        for chunk in np.array_split(pictures, max(1, -(-len(pictures) // JUDGED_AT_ONCE)))
    ]
    return np.concatenate(means)


@torch.inference_mode()
def _best_scores(pictures: Pixels, side: int) -> NDArray[np.float64]:
    """Return the highest score (n,) of any cell in each picture, resized to `side` pixels."""
    images = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float()
    images = F.interpolate(images, (side, side), mode="bilinear", antialias=True)
    images = F.pad(images, (CERTAINTY_BORDER,) * 4, mode="replicate").flip(1)
    outputs = load_detector()(images.contiguous(memory_format=torch.channels_last))
    scores = torch.cat([_scores(maps).flatten(1) for maps in outputs], dim=1)
    best: NDArray[np.float64] = scores.amax(1).double().numpy()
    return best


def _scores(maps: Tensor) -> Tensor:
    """Return the scores in [0, 1], shape (..., h, w), of the cells of maps (..., 16, h, w)."""
    return (maps[..., 14, :, :].sigmoid() * maps[..., 15, :, :].sigmoid()).sqrt()


def _decode(maps: Tensor, stride: int) -> Tensor:
    """Turn a map (16, h, w) into rows (h * w, 15): score, box and landmarks in pixels."""
    _, height, width = maps.shape
    ys, xs = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    cells = torch.stack([xs, ys])
    centers, extents = (maps[0:2] + cells) * stride, maps[2:4].exp() * stride
    landmarks = (maps[4:14].reshape(5, 2, height, width) + cells) * stride
    columns = (_scores(maps)[None], centers - extents / 2, centers + extents / 2, landmarks.flatten(0, 1))
    return torch.cat(columns).flatten(1).T


def distinct(rows: Points) -> Points:
    """Return one row (15,) for each face that rows (n, 15) show, the highest score first.

    Its landmarks are the mean of those of all rows that overlap it, weighted by score: cells disagree by a
    few pixels.
    """
    remaining = rows[np.argsort(-rows[:, 0], kind="stable")]
    faces: list[Points] = []
    while len(remaining):
        best = remaining[0].copy()
        same = _overlap(best, remaining) > MAX_OVERLAP
        best[5:] = np.average(remaining[same, 5:], axis=0, weights=remaining[same, 0])
        faces.append(best)
        remaining = remaining[~same]
    return np.array(faces).reshape(-1, 15)


def _overlap(row: Points, rows: Points) -> Points:
    """Return the intersection over union (n,) of one box with those of `rows` (n, 15)."""
    sides = np.minimum(row[3:5], rows[:, 3:5]) - np.maximum(row[1:3], rows[:, 1:3])
    shared = sides.clip(0).prod(axis=1)
    areas = (rows[:, 3:5] - rows[:, 1:3]).prod(axis=1)
    overlap: Points = shared / ((row[3:5] - row[1:3]).prod() + areas - shared)
    return overlap
