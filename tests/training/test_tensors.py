"""All tensors of a training can be saved, loaded again bit for bit, and checked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import Recipe, with_overrides
from strangers.training.step import State, new_state
from strangers.training.tensors import is_finite, load_tensors, tensors_of

CPU = torch.device("cpu")


def stepped(recipe: Recipe, seed: int) -> State:
    """Return a state whose optimizers have moments."""
    state = new_state(recipe, seed, CPU)
    for network, optimizer in (
        (state.generator, state.generator_optimizer),
        (state.discriminator, state.discriminator_optimizer),
    ):
        for weights in network.parameters():
            weights.grad = torch.full_like(weights, 0.1)
        optimizer.step()
    return state


@pytest.mark.parametrize("optimizer", ["adam", "nadam"])
def test_loaded_tensors_equal_the_saved_ones(small_recipe: Recipe, optimizer: str) -> None:
    changes = {f"{who}_optimizer.name": optimizer for who in ("generator", "discriminator")}
    recipe = with_overrides(small_recipe, changes)
    saved = tensors_of(stepped(recipe, 0))
    other = new_state(recipe, 1, CPU)
    load_tensors(saved, other)
    loaded = tensors_of(other)
    assert loaded.keys() == saved.keys()
    assert all(torch.equal(loaded[name], value) for name, value in saved.items())
    prefixes = {name.partition(".")[0] for name in saved}
    networks = {"generator", "discriminator", "generator_optimizer", "discriminator_optimizer"}
    assert prefixes == networks | {"augmentation"}


def test_tensors_of_another_recipe_are_refused(small_recipe: Recipe) -> None:
    with pytest.raises((RuntimeError, KeyError)):
        load_tensors(tensors_of(new_state(small_recipe, 0, CPU)), new_state(RECIPES["fast-32"], 0, CPU))


def weight(state: State) -> torch.Tensor:
    return next(state.generator.parameters())


def average(state: State) -> torch.Tensor:
    return next(state.ema.parameters())


def moment(state: State) -> torch.Tensor:
    moments = next(iter(state.discriminator_optimizer.state.values()))
    return torch.as_tensor(moments["exp_avg"])


@pytest.mark.parametrize("place", [weight, average, moment])
def test_one_value_that_is_not_finite_is_found(
    small_recipe: Recipe, place: Callable[[State], torch.Tensor]
) -> None:
    state = stepped(small_recipe, 0)
    assert is_finite(state)
    values = place(state).detach()
    values[(0,) * values.ndim] = torch.nan
    assert not is_finite(state)
