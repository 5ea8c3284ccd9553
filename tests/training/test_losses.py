"""Losses and penalties against their formulas."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from strangers.recipes.recipe import ObjectiveName, PenaltyKind
from strangers.training.losses import OBJECTIVES, PENALTIES, cross_entropy, gradient_penalty, r1_penalty

REAL, FAKE = [-2.0, 0.5, 3.0], [1.5, -0.5, 0.25]


def softplus(x: float) -> float:
    return math.log(1 + math.exp(x))


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


@pytest.mark.parametrize("label", [0.0, 0.9, 1.0])
def test_cross_entropy_is_goodfellows(label: float) -> None:
    logits = torch.tensor([-2.0, 0.5, 3.0])
    probabilities = [1 / (1 + math.exp(-value)) for value in logits.tolist()]
    expected = -sum(label * math.log(p) + (1 - label) * math.log(1 - p) for p in probabilities) / 3
    assert cross_entropy(logits, label).item() == pytest.approx(expected, rel=1e-6)


PAIRS = mean([softplus(f - r) for r, f in zip(REAL, FAKE, strict=True)])
EXPECTED = {
    "bce": (
        mean([softplus(-r) for r in REAL]),
        mean([softplus(f) for f in FAKE]),
        mean([softplus(-f) for f in FAKE]),
    ),
    "hinge": (mean([max(0, 1 - r) for r in REAL]), mean([max(0, 1 + f) for f in FAKE]), -mean(FAKE)),
    "wasserstein": (-mean(REAL), mean(FAKE), -mean(FAKE)),
    "relativistic": (PAIRS / 2, PAIRS / 2, mean([softplus(r - f) for r, f in zip(REAL, FAKE, strict=True)])),
}
"""The papers' formulas, written out: the discriminator's loss on real and on fake, and the generator's."""


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_is_its_formula(name: ObjectiveName) -> None:
    real, fake = torch.tensor(REAL), torch.tensor(FAKE)
    parts = OBJECTIVES[name].discriminator(real, fake, 1.0)
    losses = [*(part.item() for part in parts), OBJECTIVES[name].generator(fake, real, 1.0).item()]
    assert losses == pytest.approx(EXPECTED[name], rel=1e-6)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_losses_are_float32_scalars_that_push_the_right_way(name: ObjectiveName) -> None:
    objective = OBJECTIVES[name]
    real, fake = (torch.zeros(4, dtype=torch.bfloat16, requires_grad=True) for _ in range(2))
    parts = objective.discriminator(real, fake, 1.0)
    passing = objective.generator(fake, real, 1.0)
    for loss in (*parts, passing):
        assert loss.shape == ()
        assert loss.dtype == torch.float32
    whole = parts[0] + parts[1]
    for loss, logits, direction in ((whole, real, -1), (whole, fake, 1), (passing, fake, -1)):
        (gradient,) = torch.autograd.grad(loss, logits, retain_graph=True)
        assert (gradient.sign() == direction).all()


def test_only_the_relativistic_generator_looks_at_real_images() -> None:
    real, fake = torch.tensor(REAL, requires_grad=True), torch.tensor(FAKE)
    looks = {
        name: objective.generator(fake, real, 1.0).requires_grad for name, objective in OBJECTIVES.items()
    }
    assert looks == {name: objective.pairs for name, objective in OBJECTIVES.items()}


class Quadratic(nn.Module):
    """D(x) = a/2 |x|^2: its gradient is a x, so every penalty can be written down."""

    def __init__(self, a: float) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(a))

    def forward(self, images: Tensor) -> Tensor:
        return self.a / 2 * images.square().sum(dim=(1, 2, 3))


def images(seed: int) -> Tensor:
    return torch.randn(3, 3, 2, 2, generator=torch.Generator().manual_seed(seed))


def test_r1_and_r2_are_mescheders_and_can_be_differentiated_again() -> None:
    """Eq. 9: E |grad D|^2 / 2, here a^2 E|x|^2 / 2; its derivative by a is a E|x|^2."""
    discriminator, (real, fake) = Quadratic(1.5), (images(0), images(1))
    seen = [each.requires_grad_() for each in (real, fake)]
    logits = [discriminator(each) for each in seen]
    lengths = [each.detach().square().sum(dim=(1, 2, 3)).mean().item() for each in seen]
    expected: dict[PenaltyKind, float] = {"r1": lengths[0], "r1+r2": sum(lengths)}
    for kind, square in expected.items():
        penalty = PENALTIES[kind](discriminator, seen, logits, torch.rand(3))
        assert penalty.item() == pytest.approx(1.5**2 * square / 2, rel=1e-5)
        (derivative,) = torch.autograd.grad(penalty, discriminator.a, retain_graph=True)
        assert derivative.item() == pytest.approx(1.5 * square, rel=1e-5)


def test_the_gradient_penalty_is_gulrajanis_and_can_be_differentiated_again() -> None:
    """Eq. 3: E (|grad D(x)| - 1)^2 at x between real and fake, here (a |x| - 1)^2."""
    discriminator, (real, fake), mix = Quadratic(0.7), (images(0), images(1)), torch.tensor([0.0, 0.25, 1.0])
    penalty = gradient_penalty(discriminator, (real, fake), mix)
    between = mix[:, None, None, None] * real + (1 - mix[:, None, None, None]) * fake
    lengths = between.flatten(1).norm(dim=1)
    assert penalty.item() == pytest.approx((0.7 * lengths - 1).square().mean().item(), rel=1e-5)
    (derivative,) = torch.autograd.grad(penalty, discriminator.a)
    expected = (2 * (0.7 * lengths - 1) * lengths).mean().item()
    assert derivative.item() == pytest.approx(expected, rel=1e-5)


def test_a_slope_is_float32_in_any_precision() -> None:
    seen = images(0).bfloat16().requires_grad_()
    assert r1_penalty(seen.square().sum(dim=(1, 2, 3)), seen).dtype == torch.float32
