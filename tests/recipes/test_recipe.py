"""A recipe is one frozen value: exact parameters, the same in memory and in JSON, refused if it cannot be."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from strangers.errors import UsageError
from strangers.recipes.presets import RECIPES, recipe_named
from strangers.recipes.recipe import (
    OptimizerConfig,
    Ramp,
    Recipe,
    Schedule,
    build_networks,
    flatten,
    parameter_counts,
    parse_recipe,
    with_overrides,
)

PARAMETERS = {
    "dcgan-32": (1_068_928, 663_296),
    "dcgan-64": (3_576_704, 2_765_568),
    "dcgan-128": (12_786_560, 11_164_416),
    "dcgan-64-r1": (3_576_704, 2_765_568),
    "dcgan-128-r1": (3_608_000, 2_796_928),
    "dense-128": (13_971_843, 2_224_769),
    "compact-32": (793_536, 690_689),
    "two-step-32": (4_535_683, 297_281),
    "dropout-64": (12_658_432, 2_765_696),
    "nadam-128": (2_410_691, 404_801),
    "fast-32": (370_624, 167_808),
    "fast-64": (1_100_224, 694_656),
    "ttur-64": (3_576_704, 2_765_568),
    "sngan-64": (12_220_675, 10_141_441),
    "sngan-64-small": (1_162_051, 635_329),
    "sngan-128": (32_150_787, 29_017_857),
    "sngan-128-small": (2_409_027, 1_815_489),
    "wgan-gp-64": (12_220_675, 10_141_441),
    "wgan-gp-64-small": (1_162_051, 635_329),
    "r3gan-64": (25_899_267, 25_851_648),
    "r3gan-64-small": (690_444, 674_336),
    "r3gan-128": (22_910_019, 22_861_824),
    "r3gan-128-small": (1_101_068, 1_084_960),
}
"""Trainable parameters of generator and discriminator: the source systems' own where they can be known."""


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_has_its_sources_parameter_counts(name: str) -> None:
    assert tuple(parameter_counts(RECIPES[name]).values()) == PARAMETERS[name]


WIDE = 10_000_000
"""Parameters of a generator whose arithmetic would take a CPU longer than a test may."""


@pytest.mark.parametrize("name", [name for name, (wide, _) in PARAMETERS.items() if wide >= WIDE])
def test_shapes_of_wide_networks(name: str) -> None:
    recipe = RECIPES[name]
    with torch.device("meta"):
        images = recipe.network.generator(recipe.latent_size)(torch.empty(2, recipe.latent_size))
    assert images.shape == (2, 3, recipe.size, recipe.size)


@pytest.mark.parametrize("name", [name for name, (wide, _) in PARAMETERS.items() if wide < WIDE])
def test_shapes_ranges_and_gradients(name: str) -> None:
    recipe = RECIPES[name]
    torch.manual_seed(0)
    generator, discriminator = build_networks(recipe)
    images = generator(torch.randn(2, recipe.latent_size))
    assert images.shape == (2, 3, recipe.size, recipe.size)
    assert images.abs().max() <= 1
    logits = discriminator(images)
    assert logits.shape == (2,)
    logits.sum().backward()
    for network in (generator, discriminator):
        for weights_name, weights in network.named_parameters():
            assert weights.grad is not None, weights_name
            assert weights.grad.isfinite().all(), weights_name
    first = next(generator.parameters()).grad
    assert first is not None
    assert first.abs().sum() > 0


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_the_same_after_json(name: str) -> None:
    assert parse_recipe(RECIPES[name].model_dump_json()) == RECIPES[name]


def test_a_recipe_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        RECIPES["dcgan-64"].batch = 1


@pytest.mark.parametrize(
    ("name", "layer", "mean", "deviation"),
    [
        ("dcgan-64", "1.weight", 0, 0.02),
        ("dcgan-64", "2.weight", 1, 0.02),
        ("dropout-64", "2.weight", 1, 0.02),
    ],
)
def test_initialization_of_dcgan(name: str, layer: str, mean: float, deviation: float) -> None:
    """Radford et al. 2016, section 4: weights N(0, 0.02); batch norm's scale is about 1, never about 0."""
    torch.manual_seed(0)
    weights = dict(build_networks(RECIPES[name])[0].named_parameters())[layer].detach()
    assert weights.mean() == pytest.approx(mean, abs=0.005)
    assert weights.std() == pytest.approx(deviation, rel=0.15)


def test_initialization_of_dense() -> None:
    """Uniform within the bounds of Glorot (sum of fans) and of He (fan in)."""
    torch.manual_seed(0)
    generator, discriminator = build_networks(RECIPES["two-step-32"])
    dense = next(generator.parameters()).detach()
    assert dense.abs().max() == pytest.approx((6 / (100 + 8 * 8 * 256)) ** 0.5, rel=0.01)
    convolution = [p for p in discriminator.parameters() if p.ndim == 4][1].detach()
    assert convolution.abs().max() == pytest.approx((6 / (64 * 9)) ** 0.5, rel=0.01)


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
def test_a_wrong_override_is_told(field: str, value: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        with_overrides(RECIPES["dcgan-64"], {field: value})


def test_an_unknown_recipe_is_told_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"no recipe 'dcgan-63'.*dcgan-64"):
        recipe_named("dcgan-63")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"objective": "hinge", "real_label": "0.9"}, "'hinge' has no labels"),
        ({"objective": "relativistic", "batch": "64"}, "generator_batch of 64"),
    ],
)
def test_values_that_do_not_agree_are_told(changes: dict[str, str], words: str) -> None:
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
def test_a_value_without_end_is_told(value: str) -> None:
    with pytest.raises(UsageError, match="not valid at 'batch'"):
        with_overrides(RECIPES["dcgan-32"], {"batch": value})


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("r3gan-64", "network.blocks"),
        ("sngan-64", "network.whole_blocks"),
    ],
)
def test_no_network_is_built_without_end(name: str, field: str) -> None:
    with pytest.raises(UsageError, match=f"not valid at '{field}'|less than or equal"):
        with_overrides(RECIPES[name], {field: "1000000000"})
