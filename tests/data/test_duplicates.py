"""Near duplicates are grouped in time and memory that grow linearly."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np

from strangers.data.duplicates import Thumbnails, near_duplicates


def thumbnails(count: int, seed: int) -> Thumbnails:
    """Return unrelated thumbnails, each with a gradient of its own everywhere."""
    slopes = np.random.default_rng(seed).choice([-4.0, 4.0], (count, 2, 8)).repeat(2, axis=2)[:, :, :15]
    across, down = (np.pad(slopes[:, axis].cumsum(axis=1), ((0, 0), (1, 0))) for axis in (0, 1))
    gray = 128 + across[:, None, :] + down[:, :, None]
    return np.repeat(gray[..., None], 3, axis=3).astype(np.uint8)


def film_of(frame: Thumbnails, count: int) -> Thumbnails:
    """Return copies of one thumbnail (1, 16, 16, 3) with a little noise."""
    noise = np.random.default_rng(1).integers(-2, 3, (count, 16, 16, 3))
    return (frame.astype(int) + noise).clip(0, 255).astype(np.uint8)


def test_pictures_that_are_alike_form_one_group() -> None:
    different = thumbnails(40, 3)
    film = film_of(different[7:8], 5)
    assert near_duplicates(np.concatenate([different, film]), []) == [[7, 40, 41, 42, 43, 44]]
    assert near_duplicates(different, []) == []


def test_pictures_that_are_equal_are_not_listed_again() -> None:
    different = thumbnails(4, 0)
    twice = np.concatenate([different, different[2:3]])
    assert near_duplicates(twice, [[2, 4]]) == []


def test_a_film_of_many_frames_takes_linear_time() -> None:
    seconds = []
    for frames in (2_000, 8_000):
        film = film_of(thumbnails(1, 0), frames)
        begin = time.process_time()
        (group,) = near_duplicates(film, [])
        seconds.append(time.process_time() - begin)
        assert len(group) == frames
    # Four times the pictures: 4 times the time if linear, 16 times if quadratic.
    assert seconds[1] < 9 * seconds[0] + 0.5


def test_what_is_kept_of_many_pictures_is_smaller_than_their_thumbnails() -> None:
    many = np.random.default_rng(0).integers(0, 256, (20_000, 16, 16, 3), np.uint8)
    tracemalloc.start()
    groups = near_duplicates(many, [[5, 9]])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert groups == []
    assert peak < 0.6 * many.nbytes
