"""Losses against their formulas."""

from __future__ import annotations

import math

import pytest
import torch

from strangers.training.losses import OBJECTIVES, cross_entropy


@pytest.mark.parametrize("label", [0.0, 0.9, 1.0])
def test_cross_entropy_is_goodfellows(label: float) -> None:
    logits = torch.tensor([-2.0, 0.5, 3.0])
    probabilities = [1 / (1 + math.exp(-value)) for value in logits.tolist()]
    expected = -sum(label * math.log(p) + (1 - label) * math.log(1 - p) for p in probabilities) / 3
    assert cross_entropy(logits, label).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_losses_are_float32_scalars_that_push_the_right_way(name: str) -> None:
    objective = OBJECTIVES[name]
    logits = torch.zeros(4, dtype=torch.bfloat16, requires_grad=True)
    for loss, direction in (
        (objective.real(logits, 1.0), -1),
        (objective.fake(logits), 1),
        (objective.generator(logits, 1.0), -1),
    ):
        assert loss.shape == ()
        assert loss.dtype == torch.float32
        (gradient,) = torch.autograd.grad(loss, logits)
        assert (gradient.sign() == direction).all()
