"""One training step: what it changes, what it leaves, and that it learns."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import PenaltyKind, Recipe, with_overrides
from strangers.training import step
from strangers.training.losses import PENALTIES
from strangers.training.step import (
    State,
    apply_schedule,
    compile_networks,
    draw_latents,
    new_state,
    training_step,
    update_ema,
)

CPU = torch.device("cpu")
FEW = {"batch": "4", "generator_batch": "4"}


def real_images(recipe: Recipe) -> Tensor:
    torch.manual_seed(1)
    shape = (recipe.images_per_step, 3, recipe.size, recipe.size)
    return (torch.rand(shape) * 2 - 1).contiguous(memory_format=torch.channels_last)


def weights(state: State) -> dict[str, Tensor]:
    networks = {"generator": state.generator, "discriminator": state.discriminator, "average": state.ema}
    return {
        f"{name}.{key}": value.detach().clone()
        for name, network in networks.items()
        for key, value in network.named_parameters()
    }


TOO_WIDE = {
    *("sngan-64", "sngan-128", "wgan-gp-64", "r3gan-64", "r3gan-128"),
    *("dcgan-128", "dense-128"),
}
"""Recipes that are too slow for a test on a CPU; a narrower variant of each is tested."""


@pytest.mark.parametrize("name", sorted(RECIPES.keys() - TOO_WIDE))
def test_two_steps_change_every_weight_of_every_recipe(name: str) -> None:
    """Two, for in a residual block that begins at zero only the last layer learns from the first."""
    recipe = with_overrides(RECIPES[name], FEW)
    state = new_state(recipe, 0, CPU)
    before, warm = weights(state), recipe.generator_after
    state.images_seen = warm
    for _ in range(2):
        report = training_step(state, real_images(recipe), recipe)
        assert all(value.isfinite() for value in report)
        assert all(not value.requires_grad for value in report)
    assert state.images_seen == warm + 2 * recipe.images_per_step
    unchanged = [key for key, value in weights(state).items() if torch.equal(value, before[key])]
    # Where only the difference of two means counts, what is added to both has no say.
    assert unchanged == (["discriminator.7.bias"] if recipe.objective == "wasserstein" else [])


@pytest.mark.parametrize("name", ["dropout-64", "wgan-gp-64-small", "r3gan-64-small", "style-32"])
@pytest.mark.filterwarnings("ignore")  # while it compiles, torch warns of its own ways
def test_networks_of_every_kind_are_compiled_each_as_a_whole(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = partial(
        torch.compile, fullgraph=True, backend="aot_eager"
    )  # at once, and as strict as the other
    monkeypatch.setattr(torch, "compile", compiler)
    recipe = with_overrides(RECIPES[name], FEW | {"penalty.after": "0"})
    eager, compiled = (new_state(recipe, 0, CPU) for _ in range(2))
    compile_networks(compiled, recipe)
    torch.compiler.reset()
    reports = []
    for state in (eager, compiled):
        torch.manual_seed(3)
        reports.append(torch.stack(training_step(state, real_images(recipe), recipe)))
    torch.testing.assert_close(*reports, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("augmented", [False, True])
def test_a_step_is_a_function_of_its_state_and_seed(small_recipe: Recipe, augmented: bool) -> None:
    names = '["color", "translation", "cutout"]' if augmented else "[]"
    recipe, results = with_overrides(small_recipe, {"augmentation.names": names}), []
    for _ in range(2):
        state = new_state(recipe, 0, CPU)
        torch.manual_seed(5)
        training_step(state, real_images(recipe), recipe)
        results.append(weights(state))
    assert all(torch.equal(results[0][key], value) for key, value in results[1].items())


@pytest.mark.parametrize("kind", ["r1", "r1+r2", "gradient"])
def test_the_discriminator_pays_the_penalty_times_its_weight(
    small_recipe: Recipe, kind: PenaltyKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the loss without it, on the same images, and the generator pays nothing."""
    paid: dict[str, list[float]] = {"0": [], "75000": []}
    for weight, losses in paid.items():
        changes = {"penalty.kind": kind, "penalty.weight": weight, "network.discriminator_norm": "none"}
        recipe = with_overrides(small_recipe, changes)
        monkeypatch.setattr(step, "update", lambda *words, losses=losses: losses.append(words[2].item()))
        state, real = new_state(recipe, 0, CPU), real_images(recipe)
        torch.manual_seed(5)
        training_step(state, real, recipe)
    torch.manual_seed(5)
    state = new_state(recipe, 0, CPU)
    fake = state.generator(draw_latents(recipe, len(real), CPU)).detach()
    seen = [images.clone().requires_grad_() for images in (real, fake)]
    logits = [state.discriminator(images) for images in seen]
    expected = 75_000 * PENALTIES[kind](state.discriminator, seen, logits, torch.rand(len(real))).item()
    assert expected > 0
    assert paid["75000"][0] - paid["0"][0] == pytest.approx(expected, rel=1e-3)
    assert paid["75000"][1] == paid["0"][1]


def test_untrained_networks_are_a_function_of_the_seed(small_recipe: Recipe) -> None:
    first, same, other = (weights(new_state(small_recipe, seed, CPU)) for seed in (0, 0, 1))
    assert all(torch.equal(first[key], value) for key, value in same.items())
    assert not torch.equal(first["generator.1.weight"], other["generator.1.weight"])


def test_making_networks_leaves_the_random_state_alone(small_recipe: Recipe) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    new_state(small_recipe, 0, CPU)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_generators_update_leaves_the_discriminator_trainable(small_recipe: Recipe) -> None:
    state = new_state(small_recipe, 0, CPU)
    training_step(state, real_images(small_recipe), small_recipe)
    assert all(parameter.requires_grad for parameter in state.discriminator.parameters())


def test_the_average_has_its_half_life(small_recipe: Recipe) -> None:
    """An average of constant distance to what it follows halves that distance in a half-life."""
    state = new_state(small_recipe, 0, CPU)
    for parameter in state.ema.parameters():
        parameter.fill_(1.0)
    for parameter in state.generator.parameters():
        parameter.data.fill_(0.0)
    halflife, batch = 640, 64
    for _ in range(halflife // batch):
        update_ema(state.ema, state.generator, 0.5 ** (batch / halflife))
    for parameter in state.ema.parameters():
        torch.testing.assert_close(parameter, torch.full_like(parameter, 0.5))


def test_learning_rates_follow_the_schedule() -> None:
    recipe = with_overrides(RECIPES["dropout-64"], {"schedule.images": "1000"})
    state = new_state(recipe, 0, CPU)
    state.images_seen = 2500
    apply_schedule(state, recipe)
    for optimizer in (state.generator_optimizer, state.discriminator_optimizer):
        assert optimizer.param_groups[0]["lr"] == pytest.approx(2e-6)


@pytest.mark.parametrize(("name", "mean", "variance"), [("dcgan-64", 0, 1), ("compact-32", 0, 1 / 3)])
def test_latents_have_their_distribution(name: str, mean: float, variance: float) -> None:
    torch.manual_seed(0)
    z = draw_latents(RECIPES[name], 2000, CPU)
    assert z.shape == (2000, 100)
    assert z.mean().item() == pytest.approx(mean, abs=0.01)
    assert z.var().item() == pytest.approx(variance, rel=0.02)


def test_a_discriminator_without_training_data_signal_cannot_win(small_recipe: Recipe) -> None:
    """The reported accuracies are shares: between 0 and 1, of the right side of zero."""
    state = new_state(small_recipe, 0, CPU)
    report = training_step(state, real_images(small_recipe), small_recipe)
    for value in (report.real_accuracy, report.fake_accuracy, report.generator_accuracy):
        assert 0 <= value.item() <= 1
        assert (value * small_recipe.batch).item() == pytest.approx(
            round((value * small_recipe.batch).item())
        )


def test_the_losses_are_those_of_the_plain_algorithm(small_recipe: Recipe) -> None:
    """Goodfellow et al. 2014, algorithm 1, as tutorials write it: three losses, three backward passes."""
    state, plain = new_state(small_recipe, 0, CPU), new_state(small_recipe, 0, CPU)
    for seed in range(4):
        real = real_images(small_recipe)
        torch.manual_seed(seed)
        report = training_step(state, real, small_recipe)
        torch.manual_seed(seed)
        expected = plain_step(plain, real.contiguous(), draw_latents(small_recipe, len(real), CPU))
        actual = torch.stack((report.real_loss, report.fake_loss, report.generator_loss))
        torch.testing.assert_close(actual, expected, rtol=1e-3, atol=1e-4)


def plain_step(state: State, real: Tensor, z: Tensor) -> Tensor:
    generator, discriminator = state.generator, state.discriminator
    ones, zeros = torch.ones(len(real)), torch.zeros(len(real))
    discriminator.zero_grad()
    real_loss = binary_cross_entropy_with_logits(discriminator(real), ones)
    real_loss.backward()  # type: ignore[no-untyped-call]
    fake = generator(z)
    fake_loss = binary_cross_entropy_with_logits(discriminator(fake.detach()), zeros)
    fake_loss.backward()  # type: ignore[no-untyped-call]
    state.discriminator_optimizer.step()
    generator.zero_grad()
    generator_loss = binary_cross_entropy_with_logits(discriminator(fake), ones)
    generator_loss.backward()  # type: ignore[no-untyped-call]
    state.generator_optimizer.step()
    return torch.stack((real_loss, fake_loss, generator_loss)).detach()
