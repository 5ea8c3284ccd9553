"""TrainingOptions: checked when they are made."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from strangers.errors import UsageError
from strangers.training.options import MIN_FACES, TrainingOptions


def test_options_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        TrainingOptions().seed = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    "options",
    [
        {"images": 1, "epochs": 1.0},
        {"seed": 2**63},
        {"every": 999},
        {"evaluate_every": 999},
        {"log_every": 0},
        {"keep": 0},
        {"evaluate_count": MIN_FACES - 1},
        {"patience": 1},
        {"evaluate_every": 1000, "patience": 0},
        {"on_collapse": "ignore"},
    ],
    ids=lambda options: " ".join(options),
)
def test_a_value_out_of_range_names_its_option(options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=f"--{list(options)[-1].replace('_', '-')}"):
        TrainingOptions(**options)  # type: ignore[arg-type]


def test_patience_needs_an_interval_unless_few_pictures_are_measured_anyway() -> None:
    options = TrainingOptions(from_model="celeba-64", patience=3)
    assert options.for_few_pictures().patience == 3
    with pytest.raises(UsageError, match="--evaluate-every"):
        options.check_data(1_000_000)


def test_a_set_needs_as_many_pictures_as_an_evaluation_has_features() -> None:
    TrainingOptions().check_data(1)
    TrainingOptions(evaluate_every=1000).check_data(MIN_FACES)
    with pytest.raises(UsageError, match="at least 257 pictures"):
        TrainingOptions(evaluate_every=1000).check_data(MIN_FACES - 1)
