"""Memorization: whether generated faces are copies of the pictures that the training has shown.

A generator that copies stands nearer to one picture than to that picture's like. How near is usual is learnt
from real faces that are no copies: those of a held-out set, or the training pictures, each without itself.
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
from strangers.evaluation.features import chosen
from strangers.evaluation.metrics import nearest
from strangers.images import Pixels, to_signed

NEIGHBORS = 10
"""How many of the next nearest pictures say what distance is usual there."""

THUMBNAIL = 32
"""Height and width at which pictures are compared pixel by pixel."""

BLOCK = 2048
"""Training pictures compared at once: few enough for a small memory."""

USUAL = 0.01
"""The share of real faces, none of them a copy, that lie below the threshold by its definition."""

TOLERATED = 0.05
"""The share of generated faces below it from which a model is called one that memorizes."""

PAIRS = 10

Vectors = dict[str, NDArray[np.float32]]
"""Pictures in each space: (n, dimensions)."""

Verdict = Literal["memorizes", "doubtful", "original"]


@dataclass(frozen=True)
class Pair:
    """A generated face and the training picture nearest to it.

    Attributes:
        face: position among the generated faces.
        picture: position in the prepared set.
        ratio: of its distance to the mean distance of the ten next nearest; 0 for a copy, about 1 for none.
    """

    face: int
    picture: int
    ratio: float


@dataclass(frozen=True)
class Likeness:
    """How the faces lie among the training pictures in one space.

    Attributes:
        space: "pixels", of 32x32 pictures, or "face", of the attribute network's features.
        threshold: the ratio (see Pair) that 1 % of the real faces lie at or below.
        share: of the generated faces at or below it.
        interval: 95 % of that share (Wilson 1927).
        median, control_median: of the ratios of the generated and of the real faces.
    """

    space: str
    threshold: float
    share: float
    interval: tuple[float, float]
    median: float
    control_median: float


@dataclass(frozen=True)
class Memorization:
    """What was found.

    Attributes:
        verdict: "memorizes" if more than 5 % of the faces are too near to a training picture in one of the
            spaces, with 95 % confidence; "original" if surely fewer are in both; else "doubtful".
        faces, pictures, controls: how many generated, training and real control faces were compared.
        control: "held-out" faces, or the "training" pictures themselves.
        spaces: one Likeness each.
        pairs: the ten nearest in pixels.
    """

    verdict: Verdict
    faces: int
    pictures: int
    controls: int
    control: Literal["held-out", "training"]
    spaces: tuple[Likeness, ...]
    pairs: tuple[Pair, ...]

    @property
    def sentence(self) -> str:
        """The verdict with its number."""
        worst = max(self.spaces, key=lambda likeness: likeness.share)
        return (
            f"{self.verdict}: {worst.share:.1%} of {self.faces:,} faces are as near to a training picture as "
            f"1 % of real faces that are no copies ({worst.space})"
        )


def memorization(
    faces: Pixels,
    pictures: PreparedSet,
    face_features: Attributes,
    held_out: PreparedSet | None = None,
    advance: Callable[[int], None] = lambda count: None,
) -> Memorization:
    """Whether the generated `faces`, uint8 (n, size, size, 3), copy the pictures that the training has shown.

    A mirrored copy is a copy. Each training picture is compared with each face, in pixels and in features;
    distances are divided by those of the next nearest, since blurred faces are near to everything (as in
    Carlini et al. 2023, section 5.1). `held_out`, of the same size, has the control; it is smaller than the
    training set or of equal size, so that its nearest are no nearer by number alone.
    """
    if held_out is None:
        control_positions = chosen(pictures, len(faces))
        controls, own = pictures.batch(control_positions), control_positions
    else:
        controls, own = held_out.batch(chosen(held_out, len(faces))), None
    queries = [_spaces(_with_mirrors(group), face_features) for group in (faces, controls)]
    found = _search(queries, own, pictures, face_features, advance)
    likenesses = [_likeness(space, *ratios) for space, ratios in _ratios(found).items()]
    pixel_ratios, pixel_pictures = found["pixels"][0]
    order = np.argsort(pixel_ratios, kind="stable")[:PAIRS]
    pairs = tuple(Pair(int(i), int(pixel_pictures[i]), float(pixel_ratios[i])) for i in order)
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
    """(n, h, w, 3) -> (2n, h, w, 3): all of them, then their mirror images."""
    return np.concatenate([pixels, pixels[:, :, ::-1]])


def _search(
    queries: list[Vectors],
    own: NDArray[np.int64] | None,
    pictures: PreparedSet,
    face_features: Attributes,
    advance: Callable[[int], None],
) -> dict[str, list[tuple[NDArray[np.float64], NDArray[np.int64]]]]:
    """By space and group of queries: each face's ratio, and the training picture nearest to it.

    own: which training pictures the second group's are, so that none is its own neighbor.
    """
    lists = [{space: _Nearest(len(vectors)) for space, vectors in group.items()} for group in queries]
    for number, images in enumerate(pictures.blocks(BLOCK)):
        block = _spaces(images, face_features)
        for group, found in zip(queries, lists, strict=True):
            for space, vectors in group.items():
                found[space].add(vectors, block[space], number * BLOCK)
        advance(len(block["pixels"]))
    return {
        space: [found[space].ratios(own if group == 1 else None) for group, found in enumerate(lists)]
        for space in lists[0]
    }


class _Nearest:
    """The nearest pictures to each of `count` queries, block by block; as many as any ratio needs."""

    def __init__(self, count: int) -> None:
        self.pictures = np.zeros((count, 0), np.int64)
        self.distances = np.zeros((count, 0))

    def add(self, queries: NDArray[np.float32], block: NDArray[np.float32], start: int) -> None:
        wanted = NEIGHBORS + 2  # the nearest, those it is compared with, and perhaps the query itself
        pictures, distances = nearest(queries, block, count=min(wanted, len(block)))
        all_pictures = np.concatenate([self.pictures, pictures + start], axis=1)
        all_distances = np.concatenate([self.distances, distances], axis=1)
        order = np.argsort(all_distances, axis=1, kind="stable")[:, :wanted]
        self.pictures = np.take_along_axis(all_pictures, order, axis=1)
        self.distances = np.take_along_axis(all_distances, order, axis=1)

    def ratios(self, own: NDArray[np.int64] | None) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """For each face, whose second row of neighbors is its mirror image's: its ratio, and the nearest."""
        count = len(self.pictures) // 2
        ratios, first = np.zeros(count), np.zeros(count, np.int64)
        for face in range(count):
            rows = [face, face + count]
            pictures, distances = self.pictures[rows].ravel(), self.distances[rows].ravel()
            order = np.argsort(distances, kind="stable")
            pictures, distances = pictures[order], distances[order]
            keep = np.sort(
                np.unique(pictures, return_index=True)[1]
            )  # each picture once, where it is nearest
            if own is not None:
                keep = keep[pictures[keep] != own[face]]
            near = distances[keep[: NEIGHBORS + 1]]
            first[face] = pictures[keep[0]]
            usual = near[1:].mean()
            ratios[face] = near[0] / usual if usual > 0 else 1.0  # among equal pictures none is special
        return ratios, first


def _ratios(
    found: dict[str, list[tuple[NDArray[np.float64], NDArray[np.int64]]]],
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    return {space: (faces[0], controls[0]) for space, (faces, controls) in found.items()}


def _likeness(space: str, faces: NDArray[np.float64], controls: NDArray[np.float64]) -> Likeness:
    threshold = float(np.quantile(controls, USUAL, method="lower"))
    near = int((faces <= threshold).sum())
    return Likeness(
        space=space,
        threshold=threshold,
        share=near / len(faces),
        interval=wilson(near, len(faces)),
        median=float(np.median(faces)),
        control_median=float(np.median(controls)),
    )


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share, given `hits` among `count` (Wilson 1927)."""
    z = 1.959964
    share, spread = hits / count, z * z / count
    center = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    low = 0.0 if hits == 0 else center - half  # exactly, not up to rounding
    return low, 1.0 if hits == count else center + half


def _verdict(likenesses: list[Likeness]) -> Verdict:
    if any(likeness.interval[0] > TOLERATED for likeness in likenesses):
        return "memorizes"
    if all(likeness.interval[1] < TOLERATED for likeness in likenesses):
        return "original"
    return "doubtful"
