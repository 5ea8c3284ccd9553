"""A recipe is one frozen value: exact parameters, the same in memory and in JSON, refused if it cannot be."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from strangers.errors import UsageError
from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import (
    OptimizerConfig,
    Ramp,
    Recipe,
    Schedule,
    flatten,
    parse_recipe,
    with_overrides,
)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_the_same_after_json(name: str) -> None:
    assert parse_recipe(RECIPES[name].model_dump_json()) == RECIPES[name]


def test_a_recipe_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        RECIPES["dcgan-64"].batch = 1


def test_overrides() -> None:
    recipe = with_overrides(
        RECIPES["dcgan-64"], {"batch": "64", "generator_optimizer.learning_rate": "1e-4", "latent": "uniform"}
    )
    assert (recipe.batch, recipe.generator_optimizer.learning_rate, recipe.latent) == (64, 1e-4, "uniform")
    assert recipe.model_copy(update={"batch": 128}) != RECIPES["dcgan-64"]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("bach", "64", "no field 'bach'"),
        ("network.width", "64", "no field 'network.width'"),
        ("batch.size", "64", "no field 'batch.size'"),
        ("batch", "many", "'batch'"),
        ("batch", "1", "'batch'"),
        ("size", "32", "64 px, but size is 32"),
        ("objective", "hinged", "bce"),
        ("latent", "cauchy", "'latent'"),
        ("augmentation.names", '["blur"]', "'color', 'translation' or 'cutout'"),
        ("penalty.kind", "r2", "'penalty.kind'"),
        ("penalty.weight", '{"start": 1}', "'penalty.weight"),
        ("network.generator_widths", "[]", "'network.generator_widths'"),
        ("network.generator_widths", "[0, 0, 0, 0]", "'network.generator_widths"),
    ],
)
def test_a_wrong_override_is_an_error_that_names_the_field(field: str, value: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        with_overrides(RECIPES["dcgan-64"], {field: value})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"objective": "hinge", "real_label": "0.9"}, "'hinge' has no labels"),
        ({"objective": "relativistic", "batch": "64"}, "generator_batch of 64"),
    ],
)
def test_values_that_do_not_agree_are_an_error(changes: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        with_overrides(RECIPES["dcgan-64"], changes)


def test_inner_values_have_dotted_names() -> None:
    fields = {"flip": True, "network": {"widths": [8, 4], "stem": {"size": 4}}}
    assert list(flatten(fields)) == [("flip", True), ("network.widths", [8, 4]), ("network.stem.size", 4)]


def test_schedules() -> None:
    step = Schedule(kind="step", images=100, factor=0.1)
    assert [step.multiplier(images) for images in (0, 99, 100, 250)] == pytest.approx([1, 1, 0.1, 0.01])
    inverse = Schedule(kind="inverse", images=100)
    assert [inverse.multiplier(images) for images in (0, 100, 300)] == [1, 0.5, 0.25]
    assert Schedule().multiplier(10**9) == 1
    linear = Schedule(kind="linear", images=100, factor=0.0)
    assert [linear.multiplier(images) for images in (0, 25, 100, 300)] == [1, 0.75, 0, 0]
    cosine = Schedule(kind="cosine", images=100, factor=0.25)
    assert [cosine.multiplier(images) for images in (0, 50, 100, 300)] == pytest.approx(
        [1, 0.625, 0.25, 0.25]
    )


def test_a_number_of_a_recipe_may_move() -> None:
    """From its start to its end along half a cosine, and no further."""
    ramp = Ramp(start=2.0, end=0.2, images=1000)
    assert [ramp.value(images) for images in (0, 250, 500, 1000, 5000)] == pytest.approx(
        [2.0, 1.1 + 0.9 * 0.5**0.5, 1.1, 0.2, 0.2]
    )
    assert OptimizerConfig(beta2=ramp.model_copy(update={"end": 0.5})).betas(10**9) == (0.5, 0.5)


def test_a_lazy_penalty_is_dearer_and_rarer() -> None:
    changes = {"batch": "10", "penalty.kind": "r1", "penalty.weight": "0.5", "penalty.every": "4"}
    recipe = with_overrides(RECIPES["dcgan-64"], changes)
    assert [recipe.penalty_weight(images) for images in range(0, 90, 10)] == [2, 0, 0, 0, 2, 0, 0, 0, 2]
    later = with_overrides(recipe, {"penalty.after": "30"})
    assert [later.penalty_weight(images) for images in range(0, 90, 10)] == [0, 0, 0, 0, 2, 0, 0, 0, 2]
    assert with_overrides(recipe, {"penalty.kind": "none"}).penalty_weight(0) == 0


def test_a_recipe_knows_its_step() -> None:
    assert isinstance(RECIPES["two-step-32"], Recipe)
    assert RECIPES["two-step-32"].images_per_step == 256
    assert RECIPES["dense-128"].images_per_step == 32


@pytest.mark.parametrize("value", ["[" * 100_000, "9" * 5_000])
def test_a_huge_value_is_an_error(value: str) -> None:
    with pytest.raises(UsageError, match="not valid at 'batch'"):
        with_overrides(RECIPES["dcgan-32"], {"batch": value})


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("r3gan-64", "network.blocks"),
        ("sngan-64", "network.whole_blocks"),
    ],
)
def test_a_number_of_blocks_is_bounded(name: str, field: str) -> None:
    with pytest.raises(UsageError, match=f"not valid at '{field}'|less than or equal"):
        with_overrides(RECIPES[name], {field: "1000000000"})
