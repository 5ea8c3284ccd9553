"""The training clock on a given time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from strangers.training.clock import MAX_GAP_SECONDS, TICK_SECONDS, TrainingClock


class Time:
    """A time that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def clock(time: Time, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrainingClock]:
    monkeypatch.setattr(TrainingClock, "_tick", lambda self: None)
    clock = TrainingClock(time)
    yield clock
    clock.close()


def test_short_steps_count_in_full(time: Time, clock: TrainingClock) -> None:
    for _ in range(10):
        time.now += MAX_GAP_SECONDS / 2
        elapsed = clock.seconds()
    assert elapsed == 5 * MAX_GAP_SECONDS


def test_a_pause_does_not_count(time: Time, clock: TrainingClock) -> None:
    time.now += 1
    clock.seconds()
    time.now += 3600
    assert clock.seconds() == 1 + TICK_SECONDS
    time.now += 2
    assert clock.seconds() == 3 + TICK_SECONDS


def test_a_closed_clock_has_no_background_thread() -> None:
    clock = TrainingClock()
    clock.close()
    assert not clock._thread.is_alive()
    assert 0 <= clock.seconds() < MAX_GAP_SECONDS
