"""The measured speed of training steps."""

from __future__ import annotations

import pytest
import torch

from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import Recipe
from strangers.training import speed
from strangers.training.speed import fastest_threads, thread_speeds, training_speed

CPU = torch.device("cpu")


def test_the_speed_is_measured_without_touching_the_random_state() -> None:
    before = torch.get_rng_state()
    measured = training_speed(RECIPES["compact-32"], CPU, torch.float32, 0.01)
    assert 1 < measured < 1e6
    assert torch.equal(torch.get_rng_state(), before)


def test_threads_are_compared_and_put_back(small_recipe: Recipe) -> None:
    before, state = torch.get_num_threads(), torch.get_rng_state()
    speeds = thread_speeds(small_recipe, CPU, torch.float32, 2, seconds=0.01)
    assert list(speeds) == [1, 2]
    assert min(speeds.values()) > 0
    assert torch.get_num_threads() == before
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(("speeds", "threads"), [({1: 90.0, 4: 3.0}, 1), ({1: 90.0, 4: 300.0}, 4)])
def test_the_faster_number_of_threads_is_chosen(
    speeds: dict[int, float], threads: int, small_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "thread_speeds", lambda *_: speeds)
    choice = fastest_threads(small_recipe, CPU, torch.float32, 4)
    assert choice.value == threads
    assert "Measured 90 images/s on 1 thread and" in choice.reason


def test_one_thread_is_compared_with_nothing(small_recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Virtual machines of one core with two hyperthreads have one thread of torch and two usable cores."""
    monkeypatch.setattr(speed, "COMPARED_SECONDS", 0.01)
    choice = fastest_threads(small_recipe, CPU, torch.float32, 1)
    assert choice.value == 1
    assert "images/s on 1 thread" in choice.reason


def test_very_slow_steps_are_not_compared(small_recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "MAX_STEP_SECONDS", 0.0)
    assert thread_speeds(small_recipe, CPU, torch.float32, 2) == {}
    assert fastest_threads(small_recipe, CPU, torch.float32, 2).value == 2
