"""Memorization: detection of generated faces that copy training pictures.

A copy is much nearer to one training picture than to the next nearest ones. The usual ratio of these
distances is measured on real pictures that are not copies: a held-out set, or the training pictures, each
compared with the others. Near duplicates within the training set would make that ratio meaningless, so only
one picture of each group of them is compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from strangers.config import Count, Finite
from strangers.data.duplicates import NEAR_DUPLICATE_RMS
from strangers.data.prepared import PreparedSet
from strangers.evaluation.attributes import Attributes
from strangers.evaluation.neighbor_search import Search, compare, distinct_pictures
from strangers.images import Pixels

CONTROL_QUANTILE = 0.01
"""Quantile of the control's ratios that is the threshold."""

MAX_COPY_FRACTION = 0.05
"""The verdict is "memorizes" where more faces than this are copies or below the threshold."""

MIN_CONTROLS = 100
"""Held-out pictures without which they are no control: the fewest that have a 1% quantile."""

MIN_DISTINCT = 40
"""Distinct training pictures without which there is no verdict. The lowest ratio of fewer than 100 is their
threshold: of other faces, 2.4% are below that of 40 on average, and more than 5% in one set of eight."""

NEAR_COPY_RATIO = 0.5
"""A control below this fraction of the median ratio is a near copy, such as another crop, and no control."""

MAX_NEAR_COPIES = 0.2
"""Fraction of such controls above which the set is no basis for a threshold."""

SHOWN_PAIRS = 10

Verdict = Literal["memorizes", "doubtful", "original"]


@dataclass(frozen=True)
class NearestPair:
    """A generated face and its nearest training picture.

    Attributes:
        face: position among the generated faces.
        picture: position in the prepared set.
        distance: root mean square difference of 32x32 pixels, in levels of 255, mirror images included.
        ratio: distance divided by the mean distance of the ten next nearest pictures; 0 for a copy, about 1
            otherwise. None for a set without that many distinct pictures.
    """

    face: Count
    picture: Count
    distance: Finite
    ratio: Finite | None


@dataclass(frozen=True)
class SpaceResult:
    """Nearest neighbor ratios of the faces in one space; see `NearestPair`.

    Attributes:
        space: "pixels" of 32x32 pictures, or "face" features of the attribute network.
        threshold: 1% quantile of the control's ratios; their lowest if they are fewer than 100.
        fraction: generated faces at or below the threshold, as a fraction of all.
        interval: 95% confidence interval of `fraction` (Wilson 1927).
        median, control_median: of the ratios of generated and control faces.
    """

    space: str
    threshold: Finite
    fraction: Finite
    interval: tuple[Finite, Finite]
    median: Finite
    control_median: Finite


@dataclass(frozen=True)
class Memorization:
    """The result of a memorization check.

    Attributes:
        verdict: "memorizes" if the interval of the copies, or of one space, lies above 5%; "original" if
            those of all spaces lie below 5%; else "doubtful". None without enough distinct pictures.
        reason: why there is no verdict, or empty.
        faces: number of generated faces.
        copies: number of them within 6 of 255 levels of a training picture or its mirror image.
        pictures: number of training pictures.
        distinct_pictures: number of them without near duplicates and mirror images.
        controls: number of control pictures.
        control_set: "held-out" pictures or the "training" pictures themselves.
        spaces: one result per space; empty without a threshold.
        pairs: the ten nearest pairs in pixels.
    """

    verdict: Verdict | None
    reason: str
    faces: Count
    copies: Count
    pictures: Count
    distinct_pictures: Count
    controls: Count
    control_set: Literal["held-out", "training"]
    spaces: tuple[SpaceResult, ...]
    pairs: tuple[NearestPair, ...]

    def __str__(self) -> str:
        """State the verdict with its evidence."""
        copies = f"{self.copies:,} of {self.faces:,} faces copy a training picture"
        if self.verdict is None:
            return f"no verdict: {self.reason}; {copies}"
        worst = max(self.spaces, key=lambda space: space.fraction, default=None)
        if worst is None or _exceeds(self.copies, self.faces):
            return f"{self.verdict}: {copies} to within {NEAR_DUPLICATE_RMS:g} of 255 levels"
        nearest, verb = f"{CONTROL_QUANTILE:.0%} of", "are"
        if self.controls < MIN_CONTROLS:
            nearest, verb = f"of {self.controls}", "is"
        return (
            f"{self.verdict}: {worst.fraction:.1%} of {self.faces:,} faces are as near to a training "
            f"picture as the nearest {nearest} distinct real pictures {verb} to theirs ({worst.space})"
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
    those of the next nearest distinct pictures, because blurred faces are near to everything (as in Carlini
    et al. 2023, section 5.1).
    pictures: the training set.
    held_out: control pictures of the same size; None uses the training pictures.
    """
    distinct = distinct_pictures(pictures)
    search = compare(faces, pictures, distinct, face_features, held_out, advance)
    copies = int((search.distances < NEAR_DUPLICATE_RMS).sum())
    controls, reason = _controls(search, held_out is not None)
    if distinct.sum() < MIN_DISTINCT:
        reason = f"the training set has {_pictures(int(distinct.sum()))}, and {MIN_DISTINCT} are needed"
    spaces = () if reason else tuple(_space_result(search, space, controls) for space in search.faces)
    memorizes = _exceeds(copies, len(faces))
    return Memorization(
        verdict="memorizes" if memorizes else None if reason else _verdict(spaces),
        reason="" if memorizes else reason,
        faces=len(faces),
        copies=copies,
        pictures=len(pictures),
        distinct_pictures=int(distinct.sum()),
        controls=int(controls.sum()),
        control_set="training" if held_out is None else "held-out",
        spaces=spaces,
        pairs=_pairs(search),
    )


def _controls(search: Search, held_out: bool) -> tuple[NDArray[np.bool_], str]:
    """Select the controls that are copies of no training picture, or give the reason why they are too few."""
    count = len(next(iter(search.controls.values())))
    near_copies = np.zeros(count, bool)
    for ratios in search.controls.values():
        if np.isfinite(ratios).any():
            usual = np.nanmedian(ratios)
            # Where most are near copies, their median is not the usual ratio, which is about 1.
            near_copies |= ratios < NEAR_COPY_RATIO * (usual if usual > NEAR_COPY_RATIO else 1)
    usable = ~near_copies & np.isfinite(search.controls["pixels"])
    source, needed = ("the held-out set", MIN_CONTROLS) if held_out else ("the training set", MIN_DISTINCT)
    if near_copies.mean() > MAX_NEAR_COPIES:
        return usable, f"{near_copies.mean():.0%} of {source} are near copies of training pictures"
    if usable.sum() < needed:
        return usable, f"{source} has {_pictures(int(usable.sum()))}, and {needed} are needed"
    return usable, ""


def _space_result(search: Search, space: str, usable: NDArray[np.bool_]) -> SpaceResult:
    faces, controls = search.faces[space], search.controls[space][usable]
    threshold = float(np.quantile(controls, CONTROL_QUANTILE, method="lower"))
    near = int((faces <= threshold).sum())
    return SpaceResult(
        space=space,
        threshold=threshold,
        fraction=near / len(faces),
        interval=wilson(near, len(faces)),
        median=float(np.median(faces)),
        control_median=float(np.median(controls)),
    )


def _pairs(search: Search) -> tuple[NearestPair, ...]:
    """The nearest pairs by ratio, or by distance without ratios."""
    ratios = search.faces["pixels"]
    known = bool(np.isfinite(ratios).all())
    order = np.argsort(ratios if known else search.distances, kind="stable")[:SHOWN_PAIRS]
    return tuple(
        NearestPair(
            face=int(face),
            picture=int(search.nearest[face]),
            distance=float(search.distances[face]),
            ratio=float(ratios[face]) if known else None,
        )
        for face in order
    )


def _pictures(count: int) -> str:
    return f"{count:,} distinct {'picture' if count == 1 else 'pictures'}"


def _exceeds(hits: int, count: int) -> bool:
    """Decide, with 95% confidence, that more than 5% of the faces are hits."""
    return wilson(hits, count)[0] > MAX_COPY_FRACTION


def _verdict(spaces: tuple[SpaceResult, ...]) -> Verdict:
    if any(space.interval[0] > MAX_COPY_FRACTION for space in spaces):
        return "memorizes"
    if all(space.interval[1] < MAX_COPY_FRACTION for space in spaces):
        return "original"
    return "doubtful"


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Return the 95% confidence interval of a fraction with `hits` among `count` (Wilson 1927)."""
    z = 1.959964
    fraction, spread = hits / count, z * z / count
    center = (fraction + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(fraction * (1 - fraction) / count + spread / (4 * count))
    low = 0.0 if hits == 0 else center - half  # exact, despite rounding
    return low, 1.0 if hits == count else center + half
