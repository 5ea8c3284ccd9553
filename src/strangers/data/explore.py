"""explore: what is in a prepared set, in one pass over its pictures."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strangers.data.annotations import stem
from strangers.data.prepared import PreparedSet, positions
from strangers.errors import DataError

Floats = NDArray[np.float64]

BLOCK = 1024
"""Pictures in memory at once."""

THUMBNAIL = 16
"""Height and width of the pictures that are compared with each other."""

LIKE = 6.0
"""Two pictures are near duplicates if their thumbnails differ by less, root mean square, in levels of 255."""

COVERINGS = ("Eyeglasses", "Wearing_Hat")
"""Attributes that hide a part of the face."""

TURNED = 0.15
"""A face is turned if its nose is further than this from the middle of the eyes, in distances of the eyes."""

PAIRS = 20_000
"""Random pairs of pictures whose distance stands for the variety of the set."""

LISTED = 20
"""Duplicates and skipped files that are named."""

SHOWN = 100
"""Pictures of the sample, ten by ten."""


@dataclass(frozen=True)
class Spread:
    """How a value is spread over the pictures: mean, standard deviation, and some of its quantiles."""

    mean: float
    deviation: float
    lowest: float
    median: float
    highest: float


@dataclass(frozen=True)
class Orientation:
    """Which way the faces look, as the viewer sees it: shares that sum to 1."""

    left: float
    ahead: float
    right: float
    faces: int


@dataclass(frozen=True)
class Exploration:
    """What is in a set.

    Attributes:
        source, split, crop, size, filter, hash, count: of the set.
        originals: how many photographs had which width x height, the most frequent first.
        brightness, contrast: of each picture, the mean and the standard deviation of its luma, in [0, 255].
        colors: means of red, green and blue over all the pictures, in [0, 255].
        symmetry: correlation of each picture with its mirror image; 1 for a face that looks straight ahead.
        orientation: from landmarks; None where there are none.
        attributes: the share of the pictures that have each, of those for which it is known.
        coverings: the same, of what hides a part of the face.
        variety: root mean square difference between two pictures' thumbnails, in levels of 255.
        duplicates: groups of pictures that are equal, by name; near_duplicates: pairs that nearly are.
        equal, nearly_equal: how many such groups and pairs there are; the lists name the first 20.
        skipped: how many files were, by reason; and the first of them.
        sample: positions of a hundred pictures that stand for the set.
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
    coverings: dict[str, float]
    variety: float
    equal: int
    duplicates: list[list[str]]
    nearly_equal: int
    near_duplicates: list[tuple[str, str]]
    skipped: dict[str, int]
    skipped_files: list[tuple[str, str]]
    sample: list[int]


def explore(pictures: PreparedSet, landmarks: Path | None = None) -> Exploration:
    """Look through the set. Raises DataError if it is damaged, or if the landmarks are of other pictures.

    landmarks: CelebA's table of them, `list_landmarks_align_celeba.txt` or Kaggle's .csv.
    """
    passed = [_look(block) for block in pictures.blocks(BLOCK)]
    luma, contrast, symmetry, colors, thumbnails = (
        np.concatenate(part) for part in zip(*passed, strict=True)
    )
    names, manifest = pictures.names, pictures.manifest
    equal = _equal(pictures)
    near = _near(thumbnails, equal)
    attributes = _shares(pictures)
    reasons, files = _skipped(pictures.path)
    red, green, blue = (float(mean) for mean in colors.mean(axis=0))
    return Exploration(
        source=manifest.source, split=manifest.split, crop=manifest.crop, size=manifest.size,
        filter=manifest.filter, hash=manifest.hash, count=len(pictures), originals=manifest.originals,
        brightness=_spread(luma), contrast=_spread(contrast), colors=(red, green, blue),
        symmetry=_spread(symmetry),
        orientation=None if landmarks is None else orientation(landmarks, names),
        attributes=attributes,
        coverings={name: attributes[name] for name in COVERINGS if name in attributes},
        variety=_variety(thumbnails),
        equal=len(equal), duplicates=[[names[i] for i in group] for group in equal[:LISTED]],
        nearly_equal=len(near), near_duplicates=[(names[i], names[j]) for i, j in near[:LISTED]],
        skipped=reasons, skipped_files=files[:LISTED],
        sample=positions(len(pictures), min(SHOWN, len(pictures)), 0, 0).tolist(),
    )  # fmt: skip


def _look(block: NDArray[np.uint8]) -> tuple[Floats, Floats, Floats, Floats, NDArray[np.float32]]:
    """Of each picture: mean luma, its deviation, symmetry, mean colors (n, 3), thumbnail (n, 16, 16, 3)."""
    thumbnails = _thumbnails(block)
    luma = block.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
    flat = luma.reshape(len(block), -1)
    mean, deviation = flat.mean(axis=1), flat.std(axis=1)
    centerd = luma - mean[:, None, None]
    overlap = (centerd * centerd[:, :, ::-1]).mean(axis=(1, 2))
    symmetry = overlap / np.maximum(deviation**2, 1e-6)
    colors = block.mean(axis=(1, 2))
    return mean.astype(float), deviation.astype(float), symmetry.astype(float), colors, thumbnails


def _thumbnails(block: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, size, size, 3) -> (n, 16, 16, 3), each value the mean of the pixels that fall there."""
    edges = np.linspace(0, block.shape[1], THUMBNAIL + 1).astype(int)
    starts, widths = edges[:-1], np.maximum(np.diff(edges), 1)
    rows = np.add.reduceat(block.astype(np.float32), starts, axis=1) / widths[None, :, None, None]
    columns = np.add.reduceat(rows, starts, axis=2) / widths[None, None, :, None]
    return columns.astype(np.float32)


def _spread(values: Floats) -> Spread:
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return Spread(float(values.mean()), float(values.std()), float(low), float(middle), float(high))


def _equal(pictures: PreparedSet) -> list[list[int]]:
    """Groups of pictures with the same pixels."""
    groups: dict[bytes, list[int]] = {}
    for position, image in enumerate(image for block in pictures.blocks(BLOCK) for image in block):
        groups.setdefault(hashlib.blake2b(image.tobytes(), digest_size=16).digest(), []).append(position)
    return [group for group in groups.values() if len(group) > 1]


def _near(thumbnails: NDArray[np.float32], equal: list[list[int]]) -> list[tuple[int, int]]:
    """Pairs that differ by less than LIKE and are not equal.

    Only pairs are compared that agree on a quarter of which neighbors are brighter (a difference hash of 128
    bits in four bands), so that the time grows with the number of pictures and not with its square.
    """
    gray = thumbnails.mean(axis=3)[:, ::2, ::2]
    across, down = gray[:, :, 1:] > gray[:, :, :-1], gray[:, 1:] > gray[:, :-1]
    bits = np.concatenate([across.reshape(len(gray), -1), down.reshape(len(gray), -1)], axis=1)
    known = {position for group in equal for position in group[1:]}  # one of each group is enough
    found: set[tuple[int, int]] = set()
    for band in np.array_split(np.arange(bits.shape[1]), 4):
        groups: dict[bytes, list[int]] = {}
        for position, key in enumerate(np.packbits(bits[:, band], axis=1)):
            if position not in known:
                groups.setdefault(key.tobytes(), []).append(position)
        for group in groups.values():
            for index, first in enumerate(group[:-1]):
                others = np.array(group[index + 1 :])
                apart = np.sqrt(np.square(thumbnails[others] - thumbnails[first]).mean(axis=(1, 2, 3)))
                found.update((first, int(other)) for other in others[apart < LIKE])
    return sorted(found)


def _variety(thumbnails: NDArray[np.float32]) -> float:
    """Root mean square difference of random pairs."""
    if len(thumbnails) < 2:
        return 0.0
    words = np.random.Philox(key=np.array([0, 0], np.uint64)).random_raw(2 * PAIRS)
    first, step = words[:PAIRS] % len(thumbnails), 1 + words[PAIRS:] % (len(thumbnails) - 1)
    second = (first + step) % len(thumbnails)  # never the same picture
    squares = [np.square(thumbnails[a] - thumbnails[b]).mean() for a, b in zip(first, second, strict=True)]
    return float(np.sqrt(np.mean(squares)))


def _shares(pictures: PreparedSet) -> dict[str, float]:
    if pictures.attributes is None:
        return {}
    table = np.asarray(pictures.attributes)
    known = np.maximum((table != 0).sum(axis=0), 1)
    shares = (table > 0).sum(axis=0) / known
    return {name: float(share) for name, share in zip(pictures.manifest.attributes, shares, strict=True)}


def _skipped(folder: Path) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """How many files were skipped for each reason, and each of them."""
    try:
        with (folder / "skipped.csv").open(encoding="utf-8", newline="") as file:
            rows = [(row[0], row[1]) for row in list(csv.reader(file))[1:]]
    except FileNotFoundError:
        return {}, []
    except (OSError, ValueError, IndexError) as error:
        raise DataError(f"{folder / 'skipped.csv'} cannot be read: {error}. Prepare the set again.") from None
    return dict(Counter(reason for _, reason in rows).most_common()), rows


def orientation(landmarks: Path, names: list[str]) -> Orientation:
    """Which way the named faces look, by where the nose is between the eyes. Raises DataError."""
    table = _read_landmarks(landmarks)
    found = np.array([table[stem(name)] for name in names if stem(name) in table], float)
    if not len(found):
        raise DataError(f"None of the set's pictures is in {landmarks}; it is the table of other pictures.")
    left_eye, right_eye, nose = found[:, 0], found[:, 2], found[:, 4]
    between = np.maximum(np.abs(right_eye - left_eye), 1)
    shift = (nose - (left_eye + right_eye) / 2) / between
    left, right = float((shift < -TURNED).mean()), float((shift > TURNED).mean())
    return Orientation(left, 1 - left - right, right, len(found))


def _read_landmarks(path: Path) -> dict[str, list[int]]:
    """x and y of left eye, right eye, nose, and the corners of the mouth, by the stem of a picture's name."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = [line.replace(",", " ").split() for line in lines]
        return {
            stem(row[0]): [int(value) for value in row[1:11]]
            for row in rows
            if len(row) == 11 and "." in row[0]
        }
    except FileNotFoundError:
        raise DataError(f"There is no table of landmarks at {path}.") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no table of landmarks: {error}.") from None
