"""The decisions before the first step."""

from __future__ import annotations

import pytest

from strangers.training.plan import duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (42, "42 seconds"),
        (100, "2 minutes"),
        (420, "7 minutes"),
        (12_600, "3.5 hours"),
        (181_440, "2.1 days"),
    ],
)
def test_durations_are_written_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
