"""Interpolation between latents."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from strangers.errors import UsageError
from strangers.sampling.latents import Distribution

MIN_SINE = 1e-6
"""Below this sine of their angle, two latents are collinear and are interpolated linearly."""


def interpolate(
    keyframes: NDArray[np.float32], frames: int, distribution: Distribution, *, loop: bool = False
) -> NDArray[np.float32]:
    """Interpolate between `keyframes` (k, latent_size), evenly in time, and return (frames, latent_size).

    Normal latents are interpolated spherically (`slerp`): they concentrate near a sphere, and a straight line
    would cross its interior, where the generator has seen none. Uniform latents fill a cube, which contains
    straight lines but not arcs, so they are interpolated linearly.
    loop: return to the first keyframe, ending one frame before it.
    Raises UsageError for fewer than two keyframes or frames.
    """
    if len(keyframes) < 2 or frames < 2:
        raise UsageError("An interpolation needs at least two faces and two frames.")
    path = np.concatenate([keyframes, keyframes[:1]]) if loop else keyframes
    positions = np.linspace(0, len(path) - 1, frames, endpoint=not loop)
    starts = np.minimum(positions.astype(int), len(path) - 2)
    t = (positions - starts)[:, None]
    between = slerp if distribution == "normal" else _lerp
    z = between(path[starts].astype(np.float64), path[starts + 1].astype(np.float64), t)
    return z.astype(np.float32)


def slerp(
    start: NDArray[np.float64], end: NDArray[np.float64], t: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Interpolate spherically from `start` to `end`, both (n, d), at `t` (n, 1) in [0, 1].

    Shoemake 1985, "Animating rotation with quaternion curves", section 3.3: constant angular speed.
    Directions follow the arc between the unit vectors; lengths are interpolated linearly.
    """
    near, far = (np.linalg.norm(point, axis=1, keepdims=True) for point in (start, end))
    first, last = start / np.maximum(near, 1e-12), end / np.maximum(far, 1e-12)
    angle = np.arccos(np.clip((first * last).sum(axis=1, keepdims=True), -1, 1))
    sine = np.sin(angle)
    collinear = sine < MIN_SINE
    divisor = np.where(collinear, 1, sine)
    direction = (np.sin((1 - t) * angle) * first + np.sin(t * angle) * last) / divisor
    on_arc = direction * _lerp(near, far, t)
    return np.where(collinear, _lerp(start, end, t), on_arc)


def _lerp(
    start: NDArray[np.float64], end: NDArray[np.float64], t: NDArray[np.float64]
) -> NDArray[np.float64]:
    mixed: NDArray[np.float64] = (1 - t) * start + t * end
    return mixed
