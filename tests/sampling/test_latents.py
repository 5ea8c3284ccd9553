"""Latents of seeds: the test vectors of docs/reference/latents.md, and independence of batch and order."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangers.errors import UsageError
from strangers.sampling.latents import Distribution, format_seeds, latents, parse_seeds, philox

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "latents.md").read_text(encoding="utf-8")
DISTRIBUTIONS: tuple[Distribution, ...] = ("normal", "uniform")

seeds_of_any_kind = st.lists(st.integers(0, 2**64 - 1), max_size=8)


def words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


def run_philox(counter: list[int], key: list[int]) -> list[int]:
    made = philox(np.array(counter, dtype=np.uint64), np.array(key, dtype=np.uint64))
    return [int(word) for word in made]


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ("00000000 " * 4, "00000000 " * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff " * 4, "ffffffff " * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            "243f6a88 85a308d3 13198a2e 03707344",
            "a4093822 299f31d0",
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_gives_the_words_of_random123(counter: str, key: str, expected: str) -> None:
    assert run_philox(words(counter), words(key)) == words(expected)
    row = " | ".join(f"`{text.strip()}`" for text in (counter, key, expected))
    assert row in PAGE


def test_the_page_prints_the_words_of_its_seeds() -> None:
    rows = re.findall(r"^\| (\d+) \| `([0-9a-f ]+)` \|$", PAGE, re.MULTILINE)
    assert [int(seed) for seed, _ in rows] == [0, 1, 17, 2**32 + 17, 2**64 - 1]
    for text, printed in rows:
        key = [int(text) % 2**32, int(text) // 2**32]
        made = [word for block in (0, 1) for word in run_philox([block, 0, 0, 0], key)]
        assert made == words(printed)


def test_the_page_prints_the_latents_of_its_seeds() -> None:
    rows = re.findall(r"^\| (\d+) \| (normal|uniform) \| `([-0-9.e ]+)` \|$", PAGE, re.MULTILINE)
    assert len(rows) == 10
    for seed, distribution, printed in rows:
        expected = printed.split()
        (made,) = latents([int(seed)], len(expected), distribution)
        assert [f"{number:.9g}" for number in made.astype(float)] == expected


@given(seeds=seeds_of_any_kind, size=st.integers(1, 12))
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_latent_depends_on_its_seed_alone(distribution: Distribution, seeds: list[int], size: int) -> None:
    together = latents(seeds, size, distribution)
    assert together.shape == (len(seeds), size)
    assert together.dtype == np.float32
    for seed, row in zip(seeds, together, strict=True):
        assert np.array_equal(latents([seed], size, distribution)[0], row)
        assert np.array_equal(latents([seed], size + 5, distribution)[0, :size], row)


def test_normal_latents_are_normal() -> None:
    z = latents(range(20_000), 10, "normal").astype(np.float64)
    assert np.abs(z.mean(axis=0)).max() < 4.5 / np.sqrt(20_000)
    assert np.abs(np.cov(z.T) - np.eye(10)).max() < 0.04
    kurtosis = (z**4).mean() / (z**2).mean() ** 2
    assert abs(kurtosis - 3) < 0.06
    below = [(z < limit).mean() for limit in (-1.959964, 0.0, 1.959964)]
    assert below == pytest.approx([0.025, 0.5, 0.975], abs=0.004)


def test_uniform_latents_are_uniform() -> None:
    z = latents(range(20_000), 10, "uniform")
    counts, _ = np.histogram(z, bins=20, range=(-1, 1))
    assert counts.sum() == z.size
    assert np.abs(counts - 10_000).max() < 450  # 4.5 standard deviations
    assert np.abs(np.corrcoef(z.T.astype(np.float64)) - np.eye(10)).max() < 0.04


def test_neighboring_seeds_and_words_have_nothing_in_common() -> None:
    z = latents([0, 1, 2**32, 2**32 + 1], 1000, "normal").astype(np.float64)
    assert np.abs(np.corrcoef(z) - np.eye(4)).max() < 0.15


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_number_that_is_no_seed_is_refused(seed: int) -> None:
    with pytest.raises(UsageError, match=f"Invalid seed {seed}: "):
        latents([0, seed], 4, "normal")


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("7", [7]),
        ("0-3,70", [0, 1, 2, 3, 70]),
        (" 5 - 6 , 5", [5, 6, 5]),
        ("4-4", [4]),
        ("18446744073709551614-18446744073709551615", [2**64 - 2, 2**64 - 1]),
    ],
)
def test_seeds_are_read_in_their_order(text: str, seeds: list[int]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "'' is neither a seed (7) nor a range (0-63 or 0..63)"),
        ("a", "'a' is neither"),
        ("1,,2", "'' is neither"),
        ("-3", "'-3' is neither"),
        ("3-", "'3-' is neither"),
        ("1-2-3", "'1-2-3' is neither"),
        ("1.5", "'1.5' is neither"),
        ("1_0", "'1_0' is neither"),
        ("٣", "is neither"),
        ("9" * 5000, "is neither"),
        ("9-3", "range '9-3' is reversed"),
        ("18446744073709551616", "Invalid seed 18446744073709551616"),
        ("0-18446744073709551615", "more than 10,000,000 seeds"),
    ],
)
def test_invalid_seeds_are_an_error_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=re.escape(why)):
        parse_seeds(text)


def test_ranges_count_together() -> None:
    assert len(parse_seeds("0-4,0-4", limit=10)) == 10
    with pytest.raises(UsageError, match="more than 10 seeds"):
        parse_seeds("0-4,0-4,7", limit=10)


@given(st.lists(st.integers(0, 12) | st.integers(2**64 - 3, 2**64 - 1), min_size=1))
def test_seeds_are_written_as_they_are_read(seeds: list[int]) -> None:
    assert parse_seeds(format_seeds(seeds)) == seeds


def test_runs_of_seeds_are_written_short() -> None:
    assert format_seeds([*range(64), 70, 72, 71]) == "0-63,70,72,71"
