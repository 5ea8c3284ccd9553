"""The recorded numbers of threads."""

from __future__ import annotations

from typing import Any

import pytest

from strangers.errors import RunError
from strangers.training.threads import ThreadSchedule, parse_schedule


def test_a_schedule_holds_from_image_to_image() -> None:
    schedule = ThreadSchedule(((0, 2), (1000, 1)))
    assert [schedule.at(images) for images in (0, 999, 1000, 5000)] == [2, 2, 1, 1]


def test_a_change_drops_later_ones_and_repeats_nothing() -> None:
    schedule = ThreadSchedule(((0, 2), (1000, 1), (2000, 4)))
    assert schedule.changed(1500, 2).entries == ((0, 2), (1000, 1), (1500, 2))
    assert schedule.changed(1500, 1).entries == ((0, 2), (1000, 1))
    assert schedule.changed(1000, 2).entries == ((0, 2),)
    assert schedule.changed(0, 3).entries == ((0, 3),)


def test_the_record_is_read_back() -> None:
    entries = ((0, 2), (1000, 1))
    assert parse_schedule([list(entry) for entry in entries]).entries == entries


@pytest.mark.parametrize(
    "odd", [[], [[5, 1]], [[0, 0]], [[0, 1], [0, 2]], [[0]], "two", [["a", 1]], [[0, 10**30]]]
)
def test_an_invalid_record_is_reported(odd: Any) -> None:
    with pytest.raises(RunError, match=r"threads of run\.json"):
        parse_schedule(odd)
