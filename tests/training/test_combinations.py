"""Every network trains with every objective, penalty, precision and augmentation, forward and resumed."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch

from strangers.networks import ARCHITECTURES
from strangers.networks.dcgan import DCGAN
from strangers.networks.dense import Dense, Stage
from strangers.networks.r3gan import R3GAN
from strangers.networks.resnet import ResNet
from strangers.networks.style import StyleGAN2
from strangers.recipes.recipe import OptimizerConfig, Penalty, Recipe
from strangers.recipes.settings import Adaptive, Augmentation
from strangers.sampling.model_file import ModelHeader
from strangers.training import checkpoint
from strangers.training.augmentation import AUGMENTATIONS
from strangers.training.losses import OBJECTIVES, PENALTIES
from strangers.training.plan import autocast
from strangers.training.state_file import Progress
from strangers.training.step import State, new_state, training_step

CPU = torch.device("cpu")

NETWORKS: dict[str, DCGAN | Dense | ResNet | R3GAN | StyleGAN2] = {
    "dcgan": DCGAN(generator_widths=(8, 8), discriminator_widths=(8, 8)),
    "dcgan-linear": DCGAN(
        stem="linear", generator_widths=(8, 8), discriminator_widths=(8, 8), generator_dropout=0.2,
        discriminator_norm="none",
    ),
    "dcgan-mapped": DCGAN(
        mapping_width=8, last_layer="convolution", generator_widths=(8, 8, 8), discriminator_widths=(8, 8)
    ),
    "dense": Dense(
        stem_width=8, stem_size=4, generator_stages=(Stage(width=8, stride=2), Stage(width=8, stride=2)),
        generator_kernel=4, generator_norm=True, last_kernel=3, discriminator_widths=(8, 8),
        discriminator_dropout=0.2,
    ),
    "resnet": ResNet(generator_widths=(8, 8, 8), discriminator_widths=(8, 8)),
    "resnet-plain": ResNet(
        generator_widths=(8, 8, 8), discriminator_widths=(8, 8), generator_norm="none",
        discriminator_norm="none",
    ),
    "r3gan": R3GAN(widths=(8, 8, 8), blocks=1, group_width=4),
    "r3gan-patch": R3GAN(widths=(8, 8), blocks=1, group_width=4, patch=2),
    "stylegan2": StyleGAN2(generator_widths=(8, 8, 8), style_size=8, discriminator_widths=(8, 8, 8)),
}  # fmt: skip
"""A small network of each family, and variants whose layers differ."""

COMBINATIONS = list(itertools.product(NETWORKS, OBJECTIVES, PENALTIES, ("fp32", "bf16")))


def test_every_architecture_is_tried() -> None:
    assert {network.architecture for network in NETWORKS.values()} == set(ARCHITECTURES)


@pytest.mark.parametrize(
    ("network", "objective", "penalty", "precision"), COMBINATIONS, ids=[" ".join(c) for c in COMBINATIONS]
)
def test_a_combination_trains_and_resumes(
    network: str, objective: str, penalty: str, precision: str, tmp_path: Path
) -> None:
    optimizer = OptimizerConfig(name="nadam" if network == "dense" else "adam")
    recipe = Recipe.model_validate(
        {
            "name": "test", "source": "test", "size": 16, "network": NETWORKS[network], "latent_size": 4,
            "objective": objective, "penalty": Penalty.model_validate({"kind": penalty}), "batch": 4,
            "generator_batch": 4, "generator_optimizer": optimizer, "discriminator_optimizer": optimizer,
        }
    )  # fmt: skip
    trains_and_resumes(recipe, precision, tmp_path)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_trains_and_resumes_with_adaptive_augmentation(
    network: str, precision: str, tmp_path: Path
) -> None:
    augmentation = Augmentation(names=tuple(AUGMENTATIONS), probability=Adaptive(images=8))
    recipe = Recipe(
        name="test", source="test", size=16, network=NETWORKS[network], latent_size=4, batch=4,
        penalty=Penalty(kind="r1"), augmentation=augmentation, discriminator_steps=2, generator_after=8,
    )  # fmt: skip
    trains_and_resumes(recipe, precision, tmp_path)


def trains_and_resumes(recipe: Recipe, precision: str, tmp_path: Path) -> None:
    """A step from a checkpoint changes the weights as a step without an interruption does."""
    dtype = torch.float32 if precision == "fp32" else torch.bfloat16
    straight, resumed = new_state(recipe, 0, CPU), new_state(recipe, 1, CPU)
    one_step(straight, recipe, dtype, seed=0)
    header = ModelHeader(
        software="test", recipe=recipe, images_seen=4, crop="square", size=16, filter="drawn", data_hash=""
    )
    file = checkpoint.serialize(straight.ema, header)
    checkpoint.save(tmp_path, straight, file, Progress(), keep=1)
    checkpoint.restore(tmp_path, resumed)
    for state in (straight, resumed):
        one_step(state, recipe, dtype, seed=1)
    assert torch.equal(straight.augmentation, resumed.augmentation)
    for name in ("generator", "discriminator", "ema"):
        weights = (getattr(state, name).state_dict() for state in (straight, resumed))
        assert all(torch.equal(*pair) for pair in zip(*(w.values() for w in weights), strict=True))


def one_step(state: State, recipe: Recipe, precision: torch.dtype, seed: int) -> None:
    torch.manual_seed(seed)
    real = torch.rand(recipe.images_per_step, 3, 16, 16) * 2 - 1
    with autocast(CPU, precision):
        report = training_step(state, real, recipe)
    assert all(value.isfinite() for value in report)
