"""A recipe is one frozen value: exact parameters, the same in memory and in JSON, refused if it cannot be."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

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
    with pytest.raises(UsageError, match=r"\.replace\(batch=\.\.\.\)"):
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
        ("network.width", "64", "no field 'network.width'. Did you mean mapping_width"),
        ("lr", "1e-4", "Did you mean generator_optimizer.learning_rate or discriminator_opt"),
        ("batch_size", "64", "Did you mean batch?"),
        ("learning_rate", "64", "Did you mean generator_optimizer.learning_rate"),
        ("gamma", "1", "Did you mean penalty.weight?"),
        ("beta2", "0.9", "Did you mean discriminator_optimizer.beta2 or generator_optimizer.beta2?"),
        ("colour", "0.9", "`strangers recipes NAME` lists its fields."),
        ("batch.size", "64", "no field 'batch.size'"),
        ("batch", "many", "batch must be a whole number (got 'many')"),
        ("batch", "1", "batch must be at least 2 (got 1)"),
        ("batch", "9" * 400, "batch must be at most 1e+06 (got 999"),
        ("size", "100", "it makes 8, 16, 32, 64, 128"),
        ("objective", "hinged", "no objective 'hinged'. Did you mean hinge?"),
        ("latent", "cauchy", "latent must be 'normal' or 'uniform'"),
        ("latent", "unifrom", "Did you mean uniform?"),
        ("augmentation.names", '["blur"]', "'color', 'translation' or 'cutout'"),
        ("penalty.kind", "r2", "penalty.kind must be"),
        ("penalty.weight", '{"start": 1}', "penalty.weight.end is missing"),
        ("network.generator_widths", "[]", "network.generator_widths must have at least 1"),
        ("network.generator_widths", "[0, 0, 0, 0]", "network.generator_widths.0 must be at least 1"),
        ("network.architecture", "dcgn", "Did you mean dcgan?"),
    ],
)
def test_a_wrong_override_is_an_error_that_names_the_field(field: str, value: str, words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)) as caught:
        with_overrides(RECIPES["dcgan-64"], {field: value})
    assert "pydantic" not in str(caught.value).lower()
    assert "Input should" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"objective": "hinge", "real_label": "0.9"}, "'hinge' has no labels"),
        ({"objective": "relativistic", "generator_batch": "64"}, "leave out generator_batch"),
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
    with pytest.raises(UsageError, match="batch must be a whole number"):
        with_overrides(RECIPES["dcgan-32"], {"batch": value})


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("r3gan-64", "network.blocks"),
        ("sngan-64", "network.whole_blocks"),
    ],
)
def test_a_number_of_blocks_is_bounded(name: str, field: str) -> None:
    with pytest.raises(UsageError, match=f"{field} must be at most"):
        with_overrides(RECIPES[name], {field: "1000000000"})


def test_a_change_of_batch_moves_both_batches() -> None:
    recipe = RECIPES["dcgan-64"]
    for changed in (
        with_overrides(recipe, {"batch": "64"}),
        recipe.replace(batch=64),
        recipe.model_copy(update={"batch": 64}),
        recipe.replace(batch=64, generator_batch=64),
    ):
        assert (changed.batch, changed.generator_batch) == (64, None)
    assert recipe.replace(generator_batch=64).generator_batch == 64


def test_python_changes_take_python_values() -> None:
    recipe = RECIPES["dcgan-64"].replace(
        batch=64,
        flip=False,
        network={"generator_dropout": 0.1},
        generator_optimizer=OptimizerConfig(beta1=0.4),
    )
    assert (recipe.batch, recipe.flip, recipe.generator_optimizer.beta1) == (64, False, 0.4)
    assert recipe.network.model_dump()["generator_dropout"] == 0.1
    assert recipe.network.model_dump()["stem_size"] == 4
    widths = {"network.generator_widths": (8, 8, 8, 8), "images": np.int64(7), "flip": "false"}
    changed = with_overrides(recipe, widths)
    assert (changed.network.model_dump()["generator_widths"], changed.images, changed.flip) == (
        (8, 8, 8, 8), 7, False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bacth": 32}, "A recipe has no field 'bacth'. Did you mean batch?"),
        ({"penalty": {"wieght": 1}}, "'penalty.wieght'. Did you mean weight?"),
        ({"network": {"architecture": "resnet", "width": 1}}, "ResNet has no field 'width'"),
        (
            {"network": {"architecture": "gnome"}},
            "there is no architecture 'gnome'. Choose from dcgan, dense",
        ),
        ({"batch": object()}, "A value of batch cannot be part of a recipe"),
        ({"batch": "64"}, "batch must be a whole number (got '64')"),
    ],
    ids=["bacth", "wieght", "width", "gnome", "object", "text"],
)
def test_no_python_typo_is_silent(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        RECIPES["dcgan-64"].replace(**changes)
    with pytest.raises(UsageError, match=re.escape(words)):
        RECIPES["dcgan-64"].model_copy(update=changes)


def test_constructors_have_no_silent_typos() -> None:
    with pytest.raises(
        UsageError, match=r"OptimizerConfig has no field 'lr'. Choose from name, learning_rate"
    ):
        OptimizerConfig(lr=1e-3)  # type: ignore[call-arg]
    with pytest.raises(
        UsageError, match=r"The recipe is not valid: Recipe has no field 'bacth'. Did you mean ba"
    ):
        Recipe(**(dict(RECIPES["dcgan-64"]) | {"bacth": 32}))
    with pytest.raises(UsageError, match=r"Penalty has no field 'weigth'. Did you mean weight"):
        Recipe(**(dict(RECIPES["dcgan-64"]) | {"penalty": {"weigth": 32}}))


@pytest.mark.parametrize("name", RECIPES)
def test_a_size_derives_the_widths(name: str) -> None:
    recipe = RECIPES[name]
    for size in (2 * recipe.size, recipe.size):
        other = recipe.replace(size=size)
        assert other.size == other.network.size == size
    assert other == recipe


def test_derived_widths_are_those_of_the_presets() -> None:
    assert RECIPES["fast-64"].replace(size=32).network == RECIPES["fast-32"].network
    assert RECIPES["dcgan-64"].replace(size=32).network == RECIPES["dcgan-32"].network
    assert RECIPES["dcgan-64"].replace(size=128).network == RECIPES["dcgan-128"].network


def test_a_network_that_does_not_fit_is_told_what_would() -> None:
    with pytest.raises(
        UsageError, match=r"128 px, but size is 64: set size=128, or network\.generator_widths="
    ) as it:
        RECIPES["dcgan-64"].replace(network={"generator_widths": [512, 256, 128, 64, 32]})
    advice = re.findall(r"(network\.\w+)=(\[[^]]*\])", str(it.value))
    assert with_overrides(RECIPES["dcgan-64"], dict(advice)).size == 64
