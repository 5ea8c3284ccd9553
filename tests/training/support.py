"""A training that is interrupted at a chosen moment."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strangers.recipes.recipe import Recipe
from strangers.training import loop
from strangers.training.session import TrainingSession
from strangers.training.step import StepReport


class KilledError(Exception):
    """Stands for the end of a process that has no time to save anything."""


def train_until(
    moment: Callable[[TrainingSession], bool],
    ending: str,
    data: Path,
    recipe: Recipe,
    run: Path,
    **settings: Any,
) -> None:
    """Train until that moment, and then be "killed", or "stopped" as on Ctrl-C."""
    next_step = loop.next_step

    def step(session: TrainingSession) -> StepReport:
        if moment(session) and ending == "killed":
            raise KilledError
        if moment(session):
            signal.raise_signal(signal.SIGINT)
        return next_step(session)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "next_step", step)
        with pytest.raises((KilledError, KeyboardInterrupt)):
            loop.train(data, recipe, run, **settings)
