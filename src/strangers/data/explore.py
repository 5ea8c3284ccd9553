"""explore: measure what a prepared set contains, in one pass over its pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from strangers.data.duplicates import Thumbnails, equal_pictures, mean_squares, near_duplicates
from strangers.data.landmarks import Orientation, orientation
from strangers.data.prepare import open_or_prepare
from strangers.data.prepared import PreparedSet, positions
from strangers.data.skipped import count_reasons, read_skipped, shorten

if TYPE_CHECKING:
    # Without torch, sets with labels are explored.
    from strangers.data.framing import Framing

Floats = NDArray[np.float64]

READ_BATCH = 1024
"""Pictures in memory at once."""

THUMBNAIL = 16
"""Height and width, in pixels, at which pictures are compared with each other."""

OCCLUDING_ATTRIBUTES = ("Eyeglasses", "Wearing_Hat")
"""Attributes that hide a part of the face."""

VARIETY_PAIRS = 20_000
"""Random pairs of pictures from which the variety of the set is estimated."""

MAX_LISTED = 20
"""Duplicates and skipped files that are listed by name."""

SAMPLE_PICTURES = 100
"""Pictures of the sample, ten by ten."""


@dataclass(frozen=True)
class Spread:
    """Mean, standard deviation, and 5 %, 50 % and 95 % quantiles of a value over the pictures."""

    mean: float
    std: float
    p5: float
    median: float
    p95: float


@dataclass(frozen=True)
class Exploration:
    """Contents of a set.

    Attributes:
        source, split, crop, size, filter, hash, count: the set's, from its manifest.
        originals: number of photographs by width x height, the most frequent first.
        brightness, contrast: mean and standard deviation of each picture's luma, in [0, 255].
        colors: means of red, green and blue over all pictures, in [0, 255].
        symmetry: correlation of each picture with its mirror image; 1 for a face that looks straight ahead.
        orientation: from landmarks; None without them.
        attributes: fraction of the pictures that have each attribute, of those for which it is known.
        occlusions: the same for attributes that hide a part of the face.
        variety: root mean square difference between two pictures' thumbnails, in levels of 255.
        duplicate_groups, duplicates: groups of pictures with equal pixels: their number, and the names in
            the first 20.
        near_duplicate_groups, near_duplicates: the same for pictures that are nearly equal.
        skipped, skipped_files: number of skipped files by reason, and the first 20 of them.
        sample: positions of a hundred pictures that represent the set.
        predicted_attributes: fraction of pictures for which a network predicts each attribute, of a set
            without labels; empty if nothing was predicted.
        predicted_diversity: effective number of values per predicted attribute, 1 to 2; see
            `metrics.diversity`.
        framing: how the pictures show their faces, of a set without labels; None if they were not searched.
    """

    source: str
    split: str | None
    crop: str
    size: int
    filter: str
    hash: str
    count: int
    originals: dict[str, int]
    brightness: Spread
    contrast: Spread
    colors: tuple[float, float, float]
    symmetry: Spread
    orientation: Orientation | None
    attributes: dict[str, float]
    occlusions: dict[str, float]
    variety: float
    duplicate_groups: int
    duplicates: list[list[str]]
    near_duplicate_groups: int
    near_duplicates: list[list[str]]
    skipped: dict[str, int]
    skipped_files: list[tuple[str, str]]
    sample: list[int]
    predicted_attributes: dict[str, float] = field(default_factory=dict)
    predicted_diversity: float | None = None
    framing: Framing | None = None


def explore(data: PreparedSet | str | Path, landmarks: Path | None = None, *, size: int = 64) -> Exploration:
    """Measure a set: sizes, light, labels, orientation, duplicates.

    data: a prepared set, its folder, or any source of photographs, which is then prepared at `size`.
    landmarks: CelebA's table, `list_landmarks_align_celeba.txt` or Kaggle's .csv.

    Raises DataError if the set is damaged, or if the landmarks belong to other pictures.
    """
    pictures = data if isinstance(data, PreparedSet) else open_or_prepare(str(data), size=size)
    measured = [_measure(batch) for batch in pictures.blocks(READ_BATCH)]
    luma, contrast, symmetry, colors, thumbnails = (
        np.concatenate(part) for part in zip(*measured, strict=True)
    )
    names, manifest = pictures.names, pictures.manifest
    equal = equal_pictures(pictures)
    near = near_duplicates(thumbnails, equal)
    attributes = attribute_frequencies(pictures)
    skipped = read_skipped(pictures.path)
    red, green, blue = (float(mean) for mean in colors.mean(axis=0))
    return Exploration(
        source=manifest.source, split=manifest.split, crop=manifest.crop, size=manifest.size,
        filter=manifest.filter, hash=manifest.hash, count=len(pictures), originals=manifest.originals,
        brightness=_spread(luma), contrast=_spread(contrast), colors=(red, green, blue),
        symmetry=_spread(symmetry),
        orientation=None if landmarks is None else orientation(landmarks, names),
        attributes=attributes,
        occlusions={name: attributes[name] for name in OCCLUDING_ATTRIBUTES if name in attributes},
        variety=_variety(thumbnails),
        duplicate_groups=len(equal), duplicates=_named(equal, names),
        near_duplicate_groups=len(near), near_duplicates=_named(near, names),
        skipped=count_reasons(reason for _, reason in skipped),
        skipped_files=[(shorten(name), reason) for name, reason in skipped[:MAX_LISTED]],
        sample=positions(len(pictures), min(SAMPLE_PICTURES, len(pictures)), 0, 0).tolist(),
    )  # fmt: skip


def _measure(batch: NDArray[np.uint8]) -> tuple[Floats, Floats, Floats, Floats, Thumbnails]:
    """Return mean luma, its deviation, symmetry, mean colors (n, 3) and thumbnails (n, 16, 16, 3)."""
    thumbnails = _thumbnails(batch)
    luma = batch.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
    flat = luma.reshape(len(batch), -1)
    mean, deviation = flat.mean(axis=1), flat.std(axis=1)
    centered = luma - mean[:, None, None]
    overlap = (centered * centered[:, :, ::-1]).mean(axis=(1, 2))
    symmetry = overlap / np.maximum(deviation**2, 1e-6)
    colors = batch.mean(axis=(1, 2))
    return mean.astype(float), deviation.astype(float), symmetry.astype(float), colors, thumbnails


def _thumbnails(batch: NDArray[np.uint8]) -> Thumbnails:
    """Average (n, size, size, 3) down to (n, 16, 16, 3)."""
    edges = np.linspace(0, batch.shape[1], THUMBNAIL + 1).astype(int)
    starts, widths = edges[:-1], np.maximum(np.diff(edges), 1)
    rows = np.add.reduceat(batch.astype(np.float32), starts, axis=1) / widths[None, :, None, None]
    columns = np.add.reduceat(rows, starts, axis=2) / widths[None, None, :, None]
    return np.rint(columns).astype(np.uint8)


def _spread(values: Floats) -> Spread:
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return Spread(float(values.mean()), float(values.std()), float(low), float(middle), float(high))


def _named(groups: list[list[int]], names: list[str]) -> list[list[str]]:
    """Return the names in the first groups, of each at most MAX_LISTED."""
    return [[shorten(names[i]) for i in group[:MAX_LISTED]] for group in groups[:MAX_LISTED]]


def _variety(thumbnails: Thumbnails) -> float:
    """Return the root mean square difference of random pairs."""
    if len(thumbnails) < 2:
        return 0.0
    words = np.random.Philox(key=np.array([0, 0], np.uint64)).random_raw(2 * VARIETY_PAIRS)
    first = words[:VARIETY_PAIRS] % len(thumbnails)
    # A step of at least 1, so that no picture is paired with itself.
    second = (first + 1 + words[VARIETY_PAIRS:] % (len(thumbnails) - 1)) % len(thumbnails)
    squares = [
        mean_squares(thumbnails[first[pairs]], thumbnails[second[pairs]])
        for pairs in np.array_split(np.arange(VARIETY_PAIRS), VARIETY_PAIRS // READ_BATCH)
    ]
    return float(np.sqrt(np.concatenate(squares).mean()))


def attribute_frequencies(pictures: PreparedSet) -> dict[str, float]:
    """Return the fraction of the pictures that have each attribute, of those for which it is known."""
    if pictures.attributes is None:
        return {}
    table = np.asarray(pictures.attributes)
    known = np.maximum((table != 0).sum(axis=0), 1)
    shares = (table > 0).sum(axis=0) / known
    return {name: float(share) for name, share in zip(pictures.manifest.attributes, shares, strict=True)}
