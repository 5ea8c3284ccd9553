"""Interpolation: it passes through its keyframes evenly and stays within the prior."""

from __future__ import annotations

import numpy as np
import pytest

from strangers.errors import UsageError
from strangers.latent.interpolation import interpolate, slerp
from strangers.sampling.latents import latents

KEYFRAMES = latents([1, 5, 9], 64, "normal")


def test_slerp_keeps_length_and_speed() -> None:
    start, end = (point[None] / np.linalg.norm(point) for point in KEYFRAMES[:2].astype(np.float64))
    share = np.linspace(0, 1, 11)[:, None]
    arc = slerp(start.repeat(11, 0), end.repeat(11, 0), share)
    assert np.allclose(np.linalg.norm(arc, axis=1), 1)
    assert np.allclose(arc[[0, -1]], [start[0], end[0]])
    turns = np.arccos((arc[1:] * arc[:-1]).sum(1))
    assert np.allclose(turns, turns[0])


def test_an_interpolation_passes_its_keyframes_and_keeps_their_length() -> None:
    z = interpolate(KEYFRAMES, 61, "normal")
    assert z.dtype == np.float32
    assert np.allclose(z[[0, 30, 60]], KEYFRAMES, atol=1e-5)
    lengths = np.linalg.norm(KEYFRAMES, axis=1)
    assert np.linalg.norm(z, axis=1).min() > lengths.min() - 1e-4
    assert np.linalg.norm(z, axis=1).max() < lengths.max() + 1e-4


def test_a_loop_ends_one_frame_before_its_beginning() -> None:
    z = interpolate(KEYFRAMES, 30, "normal", loop=True)
    assert np.allclose(z[[0, 10, 20]], KEYFRAMES, atol=1e-5)
    steps = np.linalg.norm(np.diff(np.concatenate([z, z[:1]]), axis=0), axis=1)
    assert steps.max() < 2 * steps.min()


def test_uniform_latents_are_interpolated_linearly() -> None:
    keyframes = latents([1, 5], 64, "uniform")
    z = interpolate(keyframes, 5, "uniform")
    assert np.allclose(z[2], keyframes.mean(0), atol=1e-6)
    assert np.abs(z).max() <= 1


def test_equal_keyframes_give_equal_frames() -> None:
    assert np.allclose(interpolate(KEYFRAMES[[0, 0]], 4, "normal"), KEYFRAMES[0], atol=1e-5)


@pytest.mark.parametrize(("keyframes", "frames"), [(1, 10), (2, 1)])
def test_too_few_keyframes_or_frames_are_refused(keyframes: int, frames: int) -> None:
    with pytest.raises(UsageError, match="at least two"):
        interpolate(KEYFRAMES[:keyframes], frames, "normal")
