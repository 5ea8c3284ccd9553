"""What a plan says before anything is trained."""

from __future__ import annotations

import pytest
import torch

from strangers.recipes.presets import RECIPES
from strangers.training.dry_run import training_speed
from strangers.training.plan import duration


def test_the_speed_is_of_real_training_steps() -> None:
    before = torch.get_rng_state()
    speed = training_speed(RECIPES["compact-32"], torch.device("cpu"), torch.float32, 0.01)
    assert 1 < speed < 1e6
    assert torch.equal(torch.get_rng_state(), before)


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
def test_durations_are_said_as_people_do(seconds: float, words: str) -> None:
    assert duration(seconds) == words
