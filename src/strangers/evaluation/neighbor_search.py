"""The search behind the memorization check: faces and controls among distinct training pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from strangers.data.duplicates import near_duplicates
from strangers.data.prepared import PreparedSet
from strangers.evaluation.attributes import Attributes
from strangers.evaluation.features import picture_order
from strangers.evaluation.neighbors import nearest
from strangers.images import Pixels, to_signed

NEIGHBORS = 10
"""Number of next nearest pictures that define the usual distance around a face."""

THUMBNAIL = 32
"""Height and width at which pixels are compared."""

DUPLICATE_THUMBNAIL = 16
"""Height and width at which near duplicates of the training set are found."""

MAX_CONTROLS = 1_000
"""Real pictures, at most, that are compared like the faces."""

SEARCH_BLOCK = 2048
"""Training pictures compared at once; bounds memory."""

Vectors = Mapping[str, NDArray[np.float32]]
"""Feature vectors (n, dimensions) by space: "pixels" and "face"."""

Ratios = Mapping[str, NDArray[np.float64]]
"""Nearest neighbor ratios (n,) by space; NaN where fewer than eleven distinct pictures exist."""


@dataclass(frozen=True)
class Search:
    """Nearest training pictures of n faces and m controls.

    Attributes:
        faces, controls: ratios of the distance to the nearest distinct picture to the mean of the ten next.
        nearest: position of each face's nearest picture in pixels, (n,).
        distances: root mean square difference to it, in levels of 255, (n,).
    """

    faces: Ratios
    controls: Ratios
    nearest: NDArray[np.int64]
    distances: NDArray[np.float64]


def distinct_pictures(pictures: PreparedSet) -> NDArray[np.bool_]:
    """Mark one picture (n,) of each group of near duplicates; mirror images are duplicates."""
    thumbnails = [_upright(_shrink(images, DUPLICATE_THUMBNAIL)) for images in pictures.blocks(SEARCH_BLOCK)]
    distinct = np.ones(len(pictures), bool)
    for group in near_duplicates(np.concatenate(thumbnails), []):
        distinct[group[1:]] = False
    return distinct


def compare(
    faces: Pixels,
    pictures: PreparedSet,
    distinct: NDArray[np.bool_],
    face_features: Attributes,
    held_out: PreparedSet | None,
    advance: Callable[[int], None],
) -> Search:
    """Search all training pictures for the neighbors of the faces and of the controls.

    The controls are distinct pictures of `held_out`, or of the training set, each without itself.
    """
    own = None
    if held_out is None:
        candidates = np.flatnonzero(distinct)
        own = candidates[_spread(len(candidates), MAX_CONTROLS)]
        controls = pictures.batch(own)
    else:
        candidates = np.flatnonzero(distinct_pictures(held_out))
        controls = held_out.batch(candidates[picture_order(len(candidates), MAX_CONTROLS)])
    groups = [_spaces(_with_mirrors(group), face_features) for group in (faces, controls)]
    lists = [{space: _NearestList(vectors) for space, vectors in group.items()} for group in groups]
    # Duplicates are no usual neighbors, but a face may copy one of them.
    duplicates = _NearestList(groups[0]["pixels"])
    start = 0
    for images in pictures.blocks(SEARCH_BLOCK):
        block, positions = _spaces(images, face_features), np.arange(start, start + len(images))
        kept = distinct[positions]
        for found in lists:
            for space, near in found.items():
                near.add(block[space][kept], positions[kept])
        duplicates.add(block["pixels"][~kept], positions[~kept])
        start += len(images)
        advance(len(images))
    closest, distances = _closest(lists[0]["pixels"], duplicates)
    return Search(
        faces={space: near.ratios(None) for space, near in lists[0].items()},
        controls={space: near.ratios(own) for space, near in lists[1].items()},
        nearest=closest,
        # Vectors in [-1, 1], a root mean square difference in levels of 255.
        distances=distances * 127.5 / np.sqrt(groups[0]["pixels"].shape[1]),
    )


def _spread(count: int, wanted: int) -> NDArray[np.int64]:
    """Positions of at most `wanted` of `count` items, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).round().astype(np.int64))


def _spaces(pixels: Pixels, face_features: Attributes) -> Vectors:
    small = _shrink(pixels, THUMBNAIL) / 127.5 - 1
    return {"pixels": small.reshape(len(small), -1), "face": face_features(pixels)}


def _shrink(pixels: Pixels, size: int) -> NDArray[np.float32]:
    """Resize uint8 pictures (n, h, w, 3) to float32 (n, size, size, 3) in levels of 255."""
    images = to_signed(torch.from_numpy(np.array(pixels)))
    small = torch.nn.functional.interpolate(images, (size, size), mode="bilinear", antialias=True)
    levels: NDArray[np.float32] = ((small + 1) * 127.5).permute(0, 2, 3, 1).contiguous().numpy()
    return levels


def _upright(thumbnails: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mirror the pictures (n, h, w, 3) whose right half is brighter, so that mirror images become equal."""
    half = thumbnails.shape[2] // 2
    left, right = (part.mean((1, 2, 3)) for part in (thumbnails[:, :, :half], thumbnails[:, :, half:]))
    return np.where((right > left)[:, None, None, None], thumbnails[:, :, ::-1], thumbnails)


def _with_mirrors(pixels: Pixels) -> Pixels:
    """(n, h, w, 3) -> (2n, h, w, 3): the pictures, then their mirror images."""
    return np.concatenate([pixels, pixels[:, :, ::-1]])


class _NearestList:
    """The nearest pictures to each query, collected block by block; the last half are mirror images."""

    def __init__(self, queries: NDArray[np.float32]) -> None:
        self.queries = queries
        self.pictures = np.zeros((len(queries), 0), np.int64)
        self.distances = np.zeros((len(queries), 0))

    def add(self, block: NDArray[np.float32], positions: NDArray[np.int64]) -> None:
        """Take the vectors (b, dimensions) of the training pictures at `positions` into account."""
        if len(block) == 0:
            return
        wanted = NEIGHBORS + 2  # the nearest, the usual ones, and possibly the query itself
        rows, distances = nearest(self.queries, block, count=min(wanted, len(block)))
        all_pictures = np.concatenate([self.pictures, positions[rows]], axis=1)
        all_distances = np.concatenate([self.distances, distances], axis=1)
        order = np.argsort(all_distances, axis=1, kind="stable")[:, :wanted]
        self.pictures = np.take_along_axis(all_pictures, order, axis=1)
        self.distances = np.take_along_axis(all_distances, order, axis=1)

    def ratios(self, own: NDArray[np.int64] | None) -> NDArray[np.float64]:
        """Return the ratio of each picture, whose nearest picture is never its `own` position."""
        count = len(self.queries) // 2
        ratios = np.full(count, np.nan)
        for query in range(count):
            rows = [query, query + count]
            pictures, distances = self.pictures[rows].ravel(), self.distances[rows].ravel()
            order = np.argsort(distances, kind="stable")
            pictures, distances = pictures[order], distances[order]
            # Each picture once, at its smaller distance.
            keep = np.sort(np.unique(pictures, return_index=True)[1])
            if own is not None:
                keep = keep[pictures[keep] != own[query]]
            near = distances[keep[: NEIGHBORS + 1]]
            if len(near) > NEIGHBORS and near[1:].mean() > 0:
                ratios[query] = near[0] / near[1:].mean()
        return ratios

    def first(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return position and distance of the picture nearest to each query or its mirror image."""
        count = len(self.queries) // 2
        if self.distances.shape[1] == 0:
            return np.zeros(count, np.int64), np.full(count, np.inf)
        pictures, distances = (side[:, 0].reshape(2, count) for side in (self.pictures, self.distances))
        which = distances.argmin(axis=0)
        return pictures[which, np.arange(count)], distances[which, np.arange(count)]


def _closest(distinct: _NearestList, others: _NearestList) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return position and distance of the nearest of all pictures."""
    (first, near), (second, other) = distinct.first(), others.first()
    return np.where(other < near, second, first), np.minimum(near, other)
