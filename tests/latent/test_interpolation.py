"""Walks: they pass by their stops, evenly, and never leave the region that the generator knows."""

from __future__ import annotations

import numpy as np
import pytest

from strangers.errors import UsageError
from strangers.latent.interpolation import slerp, walk
from strangers.sampling.latents import latents

STOPS = latents([1, 5, 9], 64, "normal")


def test_an_arc_keeps_the_length_and_the_speed() -> None:
    start, end = (point[None] / np.linalg.norm(point) for point in STOPS[:2].astype(np.float64))
    share = np.linspace(0, 1, 11)[:, None]
    arc = slerp(start.repeat(11, 0), end.repeat(11, 0), share)
    assert np.allclose(np.linalg.norm(arc, axis=1), 1)
    assert np.allclose(arc[[0, -1]], [start[0], end[0]])
    turns = np.arccos((arc[1:] * arc[:-1]).sum(1))
    assert np.allclose(turns, turns[0])


def test_a_walk_begins_and_ends_at_its_stops_and_stays_as_far_out() -> None:
    z = walk(STOPS, 61, "normal")
    assert z.dtype == np.float32
    assert np.allclose(z[[0, 30, 60]], STOPS, atol=1e-5)
    lengths = np.linalg.norm(STOPS, axis=1)
    assert np.linalg.norm(z, axis=1).min() > lengths.min() - 1e-4
    assert np.linalg.norm(z, axis=1).max() < lengths.max() + 1e-4


def test_a_loop_ends_one_step_before_its_beginning() -> None:
    z = walk(STOPS, 30, "normal", loop=True)
    assert np.allclose(z[[0, 10, 20]], STOPS, atol=1e-5)
    steps = np.linalg.norm(np.diff(np.concatenate([z, z[:1]]), axis=0), axis=1)
    assert steps.max() < 2 * steps.min()


def test_uniform_latents_are_joined_by_straight_lines() -> None:
    stops = latents([1, 5], 64, "uniform")
    z = walk(stops, 5, "uniform")
    assert np.allclose(z[2], stops.mean(0), atol=1e-6)
    assert np.abs(z).max() <= 1


def test_the_same_seed_twice_is_a_rest() -> None:
    assert np.allclose(walk(STOPS[[0, 0]], 4, "normal"), STOPS[0], atol=1e-5)


@pytest.mark.parametrize(("stops", "frames"), [(1, 10), (2, 1)])
def test_a_walk_of_one_is_none(stops: int, frames: int) -> None:
    with pytest.raises(UsageError, match="at least two"):
        walk(STOPS[:stops], frames, "normal")
