"""Walks: the latents on the way from one face to the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from strangers.errors import UsageError
from strangers.sampling.latents import Distribution

NEARLY_ONE_LINE = 1e-6
"""The sine of an angle below which two latents lie on one line, where no arc is the shortest."""


def walk(
    stops: NDArray[np.float32], frames: int, distribution: Distribution, *, loop: bool = False
) -> NDArray[np.float32]:
    """The latents (frames, latent_size) of a walk along `stops` (k, latent_size), evenly in time.

    Between normal latents it follows the arc (`slerp`), since nearly all of them lie near one sphere, and a
    straight line would cut through its middle, where the generator has seen none. Uniform latents fill a
    cube, which contains the straight line between any two of them, but not the arc.
    loop: walk back to the first stop, in whose place the next round begins; otherwise end at the last.
    Raises UsageError for fewer than two stops or frames.
    """
    if len(stops) < 2 or frames < 2:
        raise UsageError("A walk needs at least two seeds and two frames; name more.")
    way = np.concatenate([stops, stops[:1]]) if loop else stops
    positions = np.linspace(0, len(way) - 1, frames, endpoint=not loop)
    starts = np.minimum(positions.astype(int), len(way) - 2)
    share = (positions - starts)[:, None]
    between = slerp if distribution == "normal" else _lerp
    return between(way[starts].astype(np.float64), way[starts + 1].astype(np.float64), share).astype(
        np.float32
    )


def slerp(
    start: NDArray[np.float64], end: NDArray[np.float64], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The points (n, d) that lie `share` (n, 1), in [0, 1], of the way on the arc from `start` to `end`.

    Shoemake 1985, "Animating rotation with quaternion curves", section 3.3: at constant angular speed. What
    it says of unit vectors holds here of the directions; lengths go evenly from one end's to the other's.
    """
    near, far = (np.linalg.norm(point, axis=1, keepdims=True) for point in (start, end))
    first, last = start / np.maximum(near, 1e-12), end / np.maximum(far, 1e-12)
    angle = np.arccos(np.clip((first * last).sum(axis=1, keepdims=True), -1, 1))
    sine = np.sin(angle)
    on_a_line = sine < NEARLY_ONE_LINE
    safe = np.where(on_a_line, 1, sine)
    direction = (np.sin((1 - share) * angle) * first + np.sin(share * angle) * last) / safe
    on_arc = direction * _lerp(near, far, share)
    return np.where(on_a_line, _lerp(start, end, share), on_arc)


def _lerp(
    start: NDArray[np.float64], end: NDArray[np.float64], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    mixed: NDArray[np.float64] = (1 - share) * start + share * end
    return mixed
