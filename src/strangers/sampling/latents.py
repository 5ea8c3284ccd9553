"""Latents from seeds, reproducible in any language: docs/reference/latents.md is the specification.

Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.2: Philox4x32-10.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from strangers.errors import UsageError

Distribution = Literal["normal", "uniform"]

SEEDS = 2**64
"""Number of seeds: a seed is an integer in [0, SEEDS)."""

MAX_SEEDS = 10_000_000
"""Maximum number of seeds in one list; more are a typing error."""

ROUNDS = 10
MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
KEY_STEPS = (np.uint64(0x9E3779B9), np.uint64(0xBB67AE85))
WORD = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


def latents(seeds: Sequence[int], size: int, distribution: Distribution) -> NDArray[np.float32]:
    """Return the latents of `seeds`, (n, size): N(0, 1) if `distribution` is "normal", else U(-1, 1).

    Each latent depends on its seed only, and a shorter latent is a prefix of a longer one.
    Raises UsageError for a seed outside [0, 2**64).
    """
    keys = np.array([_checked(seed) for seed in seeds], dtype=np.uint64)
    blocks = np.arange(-(-size // 4), dtype=np.uint64)
    counter = np.zeros((len(keys), len(blocks), 4), dtype=np.uint64)
    counter[..., 0] = blocks
    words = philox(counter, np.stack([keys & WORD, keys >> HALF], axis=-1)[:, None, :])
    words = words.reshape(len(keys), 4 * len(blocks))
    uniform = (words.astype(np.float64) + 0.5) * 2.0**-32  # in (0, 1)
    numbers = 2 * uniform - 1 if distribution == "uniform" else _box_muller(uniform)
    return numbers[:, :size].astype(np.float32)


def philox(counter: NDArray[np.uint64], key: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Compute Philox4x32-10: counter (..., 4) and key (..., 2) -> (..., 4), 32-bit words stored as uint64."""
    c0, c1, c2, c3 = np.moveaxis(counter, -1, 0)
    k0, k1 = np.moveaxis(key, -1, 0)
    for _ in range(ROUNDS):
        product0, product1 = MULTIPLIERS[0] * c0, MULTIPLIERS[1] * c2
        c0, c2 = (product1 >> HALF) ^ c1 ^ k0, (product0 >> HALF) ^ c3 ^ k1
        c1, c3 = product1 & WORD, product0 & WORD
        k0, k1 = (k0 + KEY_STEPS[0]) & WORD, (k1 + KEY_STEPS[1]) & WORD
    return np.stack([c0, c1, c2, c3], axis=-1)


def parse_seeds(text: str, limit: int = MAX_SEEDS) -> list[int]:
    """Parse a list of seeds such as "0-63,70" or "0..63" and keep its order; a range includes its end.

    Raises UsageError for any other text, and for more than `limit` seeds.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = (end.strip() for end in part.partition(".." if ".." in part else "-"))
        if not _is_number(first) or (dash and not _is_number(last)):
            raise UsageError(
                f"Invalid seeds {text!r}: {part.strip()!r} is neither a seed (7) nor a range (0-63 or 0..63)."
            )
        start, stop = _checked(int(first)), _checked(int(last if dash else first)) + 1
        if start >= stop:
            raise UsageError(f"Invalid seeds {text!r}: the range {part.strip()!r} is reversed.")
        if len(seeds) + (stop - start) > limit:
            raise UsageError(f"{text!r} has more than {limit:,} seeds; use fewer at a time.")
        seeds.extend(range(start, stop))
    return seeds


def format_seeds(seeds: Iterable[int]) -> str:
    """Return the shortest text that `parse_seeds` parses to these seeds: [0, 1, 2, 7] is "0-2,7"."""
    runs: list[tuple[int, int]] = []
    for seed in seeds:
        if runs and seed == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], seed)
        else:
            runs.append((seed, seed))
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def _box_muller(uniform: NDArray[np.float64]) -> NDArray[np.float64]:
    """Transform uniform numbers (n, 2m) to independent N(0, 1) numbers, in pairs (Box and Muller 1958)."""
    radius = np.sqrt(-2 * np.log(uniform[:, 0::2]))
    angle = 2 * np.pi * uniform[:, 1::2]
    normal = np.empty_like(uniform)
    normal[:, 0::2] = radius * np.cos(angle)
    normal[:, 1::2] = radius * np.sin(angle)
    return normal


def _checked(seed: int) -> int:
    number = operator.index(seed)
    if not 0 <= number < SEEDS:
        raise UsageError(f"Invalid seed {number}: a seed is an integer from 0 to 2**64 - 1.")
    return number


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 20  # 2**64 has 20 digits
