"""Equal and nearly equal pictures of a set."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from strangers.data.prepared import PreparedSet

Thumbnails = NDArray[np.float32]
"""Pictures averaged down to (n, 16, 16, 3), in levels of 255."""

READ_BATCH = 1024
"""Pictures in memory at once."""

NEAR_DUPLICATE_RMS = 6.0
"""Two pictures are near duplicates if the root mean square difference of their thumbnails is below this.

In levels of 255.
"""

MAX_LEADERS = 32
"""Pictures of one hash bucket that the others are compared with, so that the time grows linearly."""


def equal_pictures(pictures: PreparedSet) -> list[list[int]]:
    """Return groups of pictures with the same pixels."""
    groups: dict[bytes, list[int]] = {}
    for position, image in enumerate(image for batch in pictures.blocks(READ_BATCH) for image in batch):
        groups.setdefault(hashlib.blake2b(image.tobytes(), digest_size=16).digest(), []).append(position)
    return [group for group in groups.values() if len(group) > 1]


def near_duplicates(thumbnails: Thumbnails, equal: list[list[int]]) -> list[list[int]]:
    """Return groups of pictures that are nearly equal to another of their group, and equal to none.

    Pictures are compared only if they agree on a quarter of a difference hash (which of two neighboring
    pixels is brighter, 128 bits in four bands), and in each such bucket only with its leaders. Time and
    memory grow linearly with the number of pictures, however many of them are alike.
    """
    gray = thumbnails.mean(axis=3)[:, ::2, ::2]
    across, down = gray[:, :, 1:] > gray[:, :, :-1], gray[:, 1:] > gray[:, :-1]
    bits = np.concatenate([across.reshape(len(gray), -1), down.reshape(len(gray), -1)], axis=1)
    # One picture of each group of equal ones is enough.
    copies = {position for group in equal for position in group[1:]}
    groups = _Groups(len(thumbnails))
    for band in np.array_split(np.arange(bits.shape[1]), 4):
        buckets: dict[bytes, list[int]] = {}
        for position, key in enumerate(np.packbits(bits[:, band], axis=1)):
            if position not in copies:
                buckets.setdefault(key.tobytes(), []).append(position)
        for bucket in buckets.values():
            for leader, follower in _followers(thumbnails, bucket):
                groups.join(leader, follower)
    return groups.found()


def _followers(thumbnails: Thumbnails, bucket: list[int]) -> Iterator[tuple[int, int]]:
    """Yield (leader, follower): pictures of the bucket that are near the first of their kind in it."""
    remaining = np.array(bucket)
    for _ in range(MAX_LEADERS):
        if len(remaining) < 2:
            return
        leader, others = int(remaining[0]), remaining[1:]
        near = np.concatenate(
            [
                np.square(thumbnails[others[start : start + READ_BATCH]] - thumbnails[leader]).mean((1, 2, 3))
                for start in range(0, len(others), READ_BATCH)
            ]
        ) < np.square(NEAR_DUPLICATE_RMS)
        yield from ((leader, int(other)) for other in others[near])
        remaining = others[~near]


class _Groups:
    """Disjoint groups of positions (union-find)."""

    def __init__(self, count: int) -> None:
        self._parents = list(range(count))

    def _root(self, position: int) -> int:
        while self._parents[position] != position:
            self._parents[position] = self._parents[self._parents[position]]
            position = self._parents[position]
        return position

    def join(self, one: int, other: int) -> None:
        """Unite the groups of two positions under their first position."""
        first, second = sorted((self._root(one), self._root(other)))
        self._parents[second] = first

    def found(self) -> list[list[int]]:
        """Return the groups of two positions or more, in order."""
        groups: dict[int, list[int]] = {}
        for position in range(len(self._parents)):
            groups.setdefault(self._root(position), []).append(position)
        return [group for group in groups.values() if len(group) > 1]
