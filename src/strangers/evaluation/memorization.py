"""Memorization: detection of generated faces that copy training pictures.

A copy is much nearer to one training picture than to the next nearest ones. The usual ratio of these
distances is measured on real pictures that are not copies: a held-out set, or the training pictures, each
compared with the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from strangers.data.prepared import PreparedSet
from strangers.evaluation.attributes import Attributes
from strangers.evaluation.features import reference_positions
from strangers.evaluation.neighbors import nearest
from strangers.images import Pixels, to_signed

NEIGHBORS = 10
"""Number of next nearest pictures that define the usual distance around a face."""

THUMBNAIL = 32
"""Height and width at which pixels are compared."""

SEARCH_BLOCK = 2048
"""Training pictures compared at once; bounds memory."""

CONTROL_QUANTILE = 0.01
"""Quantile of the control's ratios that is the threshold."""

MAX_COPY_FRACTION = 0.05
"""Fraction of generated faces below the threshold above which the verdict is "memorizes"."""

SHOWN_PAIRS = 10

Vectors = dict[str, NDArray[np.float32]]
"""Feature vectors (n, dimensions) by space."""

Verdict = Literal["memorizes", "doubtful", "original"]


@dataclass(frozen=True)
class NearestPair:
    """A generated face and its nearest training picture.

    Attributes:
        face: position among the generated faces.
        picture: position in the prepared set.
        ratio: distance divided by the mean distance of the ten next nearest; 0 for a copy, about 1 otherwise.
    """

    face: int
    picture: int
    ratio: float


@dataclass(frozen=True)
class SpaceResult:
    """Nearest neighbor ratios of the faces in one space; see `NearestPair`.

    Attributes:
        space: "pixels" of 32x32 pictures, or "face" features of the attribute network.
        threshold: the ratio (see Pair) that 1 % of the real faces lie at or below.
        share: fraction of generated faces at or below the threshold.
        interval: 95% confidence interval of `share` (Wilson 1927).
        median, control_median: of the ratios of generated and control faces.
    """

    space: str
    threshold: float
    share: float
    interval: tuple[float, float]
    median: float
    control_median: float


@dataclass(frozen=True)
class Memorization:
    """The result of a memorization check.

    Attributes:
        verdict: "memorizes" if the interval of one space lies above 5%, "original" if those of all spaces
            lie below 5%, else "doubtful".
        faces, pictures, controls: numbers of generated, training and control pictures.
        control: "held-out" pictures or the "training" pictures themselves.
        spaces: one result per space.
        pairs: the ten nearest pairs in pixels.
    """

    verdict: Verdict
    faces: int
    pictures: int
    controls: int
    control: Literal["held-out", "training"]
    spaces: tuple[SpaceResult, ...]
    pairs: tuple[NearestPair, ...]

    @property
    def sentence(self) -> str:
        """The verdict with its evidence."""
        worst = max(self.spaces, key=lambda likeness: likeness.share)
        return (
            f"{self.verdict}: {worst.share:.1%} of {self.faces:,} faces are as near to a training picture as "
            f"the nearest 1% of real pictures that are not copies ({worst.space})"
        )


def memorization(
    faces: Pixels,
    pictures: PreparedSet,
    face_features: Attributes,
    held_out: PreparedSet | None = None,
    advance: Callable[[int], None] = lambda count: None,
) -> Memorization:
    """Check whether generated `faces`, uint8 (n, size, size, 3), copy training pictures or mirror them.

    Every face is compared with every training picture, in pixels and in features. Distances are divided by
    those of the next nearest pictures, because blurred faces are near to everything (as in Carlini et al.
    2023, section 5.1).
    held_out: control pictures of the same size; None uses the training pictures.
    """
    if held_out is None:
        control_positions = reference_positions(pictures, len(faces))
        controls, own = pictures.batch(control_positions), control_positions
    else:
        controls, own = held_out.batch(reference_positions(held_out, len(faces))), None
    queries = [_spaces(_with_mirrors(group), face_features) for group in (faces, controls)]
    found = _search(queries, own, pictures, face_features, advance)
    likenesses = [_likeness(space, *ratios) for space, ratios in _ratios(found).items()]
    pixel_ratios, pixel_pictures = found["pixels"][0]
    order = np.argsort(pixel_ratios, kind="stable")[:SHOWN_PAIRS]
    pairs = tuple(NearestPair(int(i), int(pixel_pictures[i]), float(pixel_ratios[i])) for i in order)
    return Memorization(
        verdict=_verdict(likenesses),
        faces=len(faces),
        pictures=len(pictures),
        controls=len(controls),
        control="training" if held_out is None else "held-out",
        spaces=tuple(likenesses),
        pairs=pairs,
    )


def _spaces(pixels: Pixels, face_features: Attributes) -> Vectors:
    images = to_signed(torch.from_numpy(np.array(pixels)))
    small = torch.nn.functional.interpolate(images, (THUMBNAIL, THUMBNAIL), mode="bilinear", antialias=True)
    return {"pixels": small.flatten(1).numpy(), "face": face_features(pixels)}


def _with_mirrors(pixels: Pixels) -> Pixels:
    """(n, h, w, 3) -> (2n, h, w, 3): the pictures, then their mirror images."""
    return np.concatenate([pixels, pixels[:, :, ::-1]])


def _search(
    queries: list[Vectors],
    own: NDArray[np.int64] | None,
    pictures: PreparedSet,
    face_features: Attributes,
    advance: Callable[[int], None],
) -> dict[str, list[tuple[NDArray[np.float64], NDArray[np.int64]]]]:
    """Return ratios and nearest training pictures by space and group of queries.

    own: training positions of the second group, so that no picture is its own neighbor.
    """
    lists = [{space: _Nearest(len(vectors)) for space, vectors in group.items()} for group in queries]
    for number, images in enumerate(pictures.blocks(SEARCH_BLOCK)):
        block = _spaces(images, face_features)
        for group, found in zip(queries, lists, strict=True):
            for space, vectors in group.items():
                found[space].add(vectors, block[space], number * SEARCH_BLOCK)
        advance(len(block["pixels"]))
    return {
        space: [found[space].ratios(own if group == 1 else None) for group, found in enumerate(lists)]
        for space in lists[0]
    }


class _Nearest:
    """The nearest training pictures to each of `count` queries, collected block by block."""

    def __init__(self, count: int) -> None:
        self.pictures = np.zeros((count, 0), np.int64)
        self.distances = np.zeros((count, 0))

    def add(self, queries: NDArray[np.float32], block: NDArray[np.float32], start: int) -> None:
        wanted = NEIGHBORS + 2  # the nearest, the usual ones, and possibly the query itself
        pictures, distances = nearest(queries, block, count=min(wanted, len(block)))
        all_pictures = np.concatenate([self.pictures, pictures + start], axis=1)
        all_distances = np.concatenate([self.distances, distances], axis=1)
        order = np.argsort(all_distances, axis=1, kind="stable")[:, :wanted]
        self.pictures = np.take_along_axis(all_pictures, order, axis=1)
        self.distances = np.take_along_axis(all_distances, order, axis=1)

    def ratios(self, own: NDArray[np.int64] | None) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return ratio and nearest picture per face; queries n to 2n are mirror images of 0 to n."""
        count = len(self.pictures) // 2
        ratios, first = np.zeros(count), np.zeros(count, np.int64)
        for face in range(count):
            rows = [face, face + count]
            pictures, distances = self.pictures[rows].ravel(), self.distances[rows].ravel()
            order = np.argsort(distances, kind="stable")
            pictures, distances = pictures[order], distances[order]
            keep = np.sort(
                np.unique(pictures, return_index=True)[1]
            )  # each picture once, at its smallest distance
            if own is not None:
                keep = keep[pictures[keep] != own[face]]
            near = distances[keep[: NEIGHBORS + 1]]
            first[face] = pictures[keep[0]]
            usual = near[1:].mean()
            ratios[face] = near[0] / usual if usual > 0 else 1.0  # all pictures are equal
        return ratios, first


def _ratios(
    found: dict[str, list[tuple[NDArray[np.float64], NDArray[np.int64]]]],
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    return {space: (faces[0], controls[0]) for space, (faces, controls) in found.items()}


def _likeness(space: str, faces: NDArray[np.float64], controls: NDArray[np.float64]) -> SpaceResult:
    threshold = float(np.quantile(controls, CONTROL_QUANTILE, method="lower"))
    near = int((faces <= threshold).sum())
    return SpaceResult(
        space=space,
        threshold=threshold,
        share=near / len(faces),
        interval=wilson(near, len(faces)),
        median=float(np.median(faces)),
        control_median=float(np.median(controls)),
    )


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Return the 95% confidence interval of a fraction with `hits` among `count` (Wilson 1927)."""
    z = 1.959964
    share, spread = hits / count, z * z / count
    center = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    low = 0.0 if hits == 0 else center - half  # exact, despite rounding
    return low, 1.0 if hits == count else center + half


def _verdict(likenesses: list[SpaceResult]) -> Verdict:
    if any(likeness.interval[0] > MAX_COPY_FRACTION for likeness in likenesses):
        return "memorizes"
    if all(likeness.interval[1] < MAX_COPY_FRACTION for likeness in likenesses):
        return "original"
    return "doubtful"
