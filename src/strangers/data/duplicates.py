"""Equal and nearly equal pictures of a set."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from strangers.data.prepared import PreparedSet

Thumbnails = NDArray[np.uint8]
"""Pictures averaged down to (n, 16, 16, 3): 154 MB for 200,000, more than all else that is kept of them."""

READ_BATCH = 1024
"""Pictures in memory at once."""

NEAR_DUPLICATE_RMS = 6.0
"""Two pictures are near duplicates if the root mean square difference of their thumbnails is below this.

In levels of 255.
"""

BANDS = 4
"""Parts of a picture's difference hash; near duplicates agree in one."""

MAX_LEADERS = 32
"""Pictures of one hash bucket that the others are compared with, so that the time grows linearly."""


def equal_pictures(pictures: PreparedSet) -> list[list[int]]:
    """Return groups of pictures with the same pixels."""
    digests = np.empty((len(pictures), 2), np.uint64)
    for position, image in enumerate(image for batch in pictures.blocks(READ_BATCH) for image in batch):
        digests[position] = np.frombuffer(hashlib.blake2b(image, digest_size=16).digest(), np.uint64)
    order = np.lexsort((digests[:, 1], digests[:, 0]))
    return sorted(group.tolist() for group in _runs(digests, order))


def near_duplicates(thumbnails: Thumbnails, equal: list[list[int]]) -> list[list[int]]:
    """Return groups of pictures that are nearly equal to another of their group, and equal to none.

    Pictures are compared only if they agree on a quarter of a difference hash (which of two neighboring
    pixels is brighter, 112 bits in four bands), and in each such bucket only with its leaders. Time and
    memory grow linearly with the number of pictures, however many of them are alike.
    """
    hashes = np.concatenate(
        [_hashes(thumbnails[i : i + READ_BATCH]) for i in range(0, len(thumbnails), READ_BATCH)]
    )
    # One picture of each group of equal ones is enough.
    distinct = np.ones(len(thumbnails), bool)
    distinct[[position for group in equal for position in group[1:]]] = False
    positions = np.flatnonzero(distinct)
    groups = _Groups()
    for keys in hashes.T:
        for bucket in _runs(keys[:, None], positions[np.argsort(keys[positions], kind="stable")]):
            for leader, follower in _followers(thumbnails, bucket):
                groups.join(leader, follower)
    return groups.found()


def _hashes(thumbnails: Thumbnails) -> NDArray[np.uint32]:
    """Return the difference hash of each picture, (n, BANDS)."""
    gray = thumbnails[:, ::2, ::2].sum(axis=3, dtype=np.int32)
    across, down = gray[:, :, 1:] > gray[:, :, :-1], gray[:, 1:] > gray[:, :-1]
    bits = np.concatenate([across.reshape(len(gray), -1), down.reshape(len(gray), -1)], axis=1)
    bands = np.packbits(bits.reshape(len(gray), BANDS, -1), axis=2)
    return np.ascontiguousarray(bands).view(np.uint32)[:, :, 0]


def _runs(keys: NDArray[np.unsignedinteger], order: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield the runs of two positions or more, in an order that sorts by key, that have equal keys (n, k)."""
    if not len(order):
        return
    changes = np.flatnonzero((keys[order[1:]] != keys[order[:-1]]).any(axis=1)) + 1
    starts, ends = np.append(0, changes), np.append(changes, len(order))
    long = ends - starts > 1
    for start, end in zip(starts[long].tolist(), ends[long].tolist(), strict=True):
        yield order[start:end]


def _followers(thumbnails: Thumbnails, bucket: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield (leader, follower): pictures of the bucket that are near the first of their kind in it."""
    remaining = bucket
    for _ in range(MAX_LEADERS):
        if len(remaining) < 2:
            return
        leader, others = int(remaining[0]), remaining[1:]
        near = np.concatenate(
            [
                mean_squares(thumbnails[others[start : start + READ_BATCH]], thumbnails[leader])
                for start in range(0, len(others), READ_BATCH)
            ]
        ) < np.square(NEAR_DUPLICATE_RMS)
        yield from ((leader, int(other)) for other in others[near])
        remaining = others[~near]


def mean_squares(some: Thumbnails, others: Thumbnails) -> NDArray[np.float32]:
    """Return the mean square differences of thumbnails, float32 (n,), in levels of 255."""
    squares: NDArray[np.float32] = np.square(some.astype(np.float32) - others).mean(axis=(1, 2, 3))
    return squares


class _Groups:
    """Disjoint groups of positions (union-find); positions that were not joined take no memory."""

    def __init__(self) -> None:
        self._parents: dict[int, int] = {}

    def _root(self, position: int) -> int:
        while (parent := self._parents.setdefault(position, position)) != position:
            self._parents[position] = self._parents[parent]
            position = parent
        return position

    def join(self, one: int, other: int) -> None:
        """Unite the groups of two positions under their first position."""
        first, second = sorted((self._root(one), self._root(other)))
        self._parents[second] = first

    def found(self) -> list[list[int]]:
        """Return the groups, in order."""
        groups: dict[int, list[int]] = {}
        for position in sorted(self._parents):
            groups.setdefault(self._root(position), []).append(position)
        return [group for group in groups.values() if len(group) > 1]
