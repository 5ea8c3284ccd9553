"""RECIPES: the named presets, data only.

A value that differs from the field's default is the source's, or has its reason above it.
"""

from __future__ import annotations

from typing import Any

from strangers.errors import UsageError, did_you_mean
from strangers.networks.dcgan import DCGAN
from strangers.networks.r3gan import R3GAN
from strangers.networks.resnet import ResNet
from strangers.recipes.few_pictures import FEW_PICTURE_RECIPES
from strangers.recipes.recipe import Augmentation, OptimizerConfig, Penalty, Ramp, Recipe, Schedule
from strangers.recipes.reproductions import SYSTEMS
from strangers.recipes.style_based import STYLE_RECIPES

RADFORD = "Radford, Metz and Chintala 2016, in the widths of the PyTorch DCGAN tutorial"
MIYATO = "Miyato et al. 2018, as run in the mimicry benchmark (Lee and Town 2020)"
GULRAJANI = "Gulrajani et al. 2017, with the networks of sngan-64"
HUANG = "Huang et al. 2024 (R3GAN)"


def _like(recipe: Recipe, **changes: Any) -> Recipe:
    """Return the recipe with some values changed, validated again."""
    return Recipe(**(dict(recipe) | changes))


SNGAN_64 = Recipe(
    name="sngan-64",
    source=MIYATO,
    size=64,
    network=ResNet(),
    latent_size=128,
    objective="hinge",
    discriminator_optimizer=OptimizerConfig(beta1=0.0, beta2=0.9),
    generator_optimizer=OptimizerConfig(beta1=0.0, beta2=0.9),
    schedule=Schedule(kind="linear", images=32_000_000, factor=0.0),
    batch=64,
    discriminator_steps=5,
    flip=True,
    images=32_000_000,  # 100,000 generator updates
)

SNGAN_128 = _like(
    SNGAN_64,
    name="sngan-128",
    size=128,
    network=ResNet(
        generator_widths=(1024, 1024, 512, 256, 128, 64),
        discriminator_widths=(64, 128, 256, 512, 1024, 1024),
        whole_blocks=1,
    ),
    schedule=Schedule(),
    discriminator_steps=2,
    images=12_800_000,  # 100,000 generator updates
)

WGAN_GP_64 = _like(
    SNGAN_64,
    name="wgan-gp-64",
    source=GULRAJANI,
    # A norm over the batch would couple images whose gradients are penalized separately.
    network=ResNet(discriminator_norm="none"),
    objective="wasserstein",
    penalty=Penalty(kind="gradient", weight=10.0),
    discriminator_optimizer=OptimizerConfig(learning_rate=1e-4, beta1=0.0, beta2=0.9),
    generator_optimizer=OptimizerConfig(learning_rate=1e-4, beta1=0.0, beta2=0.9),
    schedule=Schedule(),
)


def _dcgan_r1(name: str, network: DCGAN, *, gamma: float, batch: int, images: int) -> Recipe:
    """Return DCGAN with R1, larger rates and a cosine schedule: minutes on a GPU, and the bundled models."""
    optimizer = OptimizerConfig(learning_rate=4e-4)
    return Recipe(
        name=name,
        source="ours: Radford et al. 2016 with R1 (Mescheder et al. 2018)",
        size=network.size,
        network=network,
        penalty=Penalty(kind="r1", weight=gamma, every=4),
        discriminator_optimizer=optimizer,
        generator_optimizer=optimizer,
        schedule=Schedule(kind="cosine", images=images, factor=0.05),
        batch=batch,
        ema_halflife_images=40_000,
        flip=True,
        images=images,
    )


def _r3gan(
    name: str,
    source: str,
    network: R3GAN,
    *,
    gamma: float,
    batch: int = 256,
    halflife: int = 500_000,
    settled: int = 20_000_000,
    images: int = 30_000_000,
) -> Recipe:
    """Return R3GAN's recipe at one size; its ramps reach their final values after `settled` images."""
    optimizer = OptimizerConfig(beta1=0.0, beta2=Ramp(start=0.9, end=0.99, images=settled))
    return Recipe(
        name=name,
        source=source,
        size=network.size,
        network=network,
        latent_size=64,
        objective="relativistic",
        penalty=Penalty(kind="r1+r2", weight=Ramp(start=gamma, end=gamma / 10, images=settled)),
        augmentation=Augmentation(
            names=("color", "translation", "cutout"), probability=Ramp(start=0.0, end=0.3, images=settled)
        ),
        discriminator_optimizer=optimizer,
        generator_optimizer=optimizer,
        schedule=Schedule(kind="cosine", images=settled, factor=0.25),  # 2e-4 to 5e-5
        batch=batch,
        ema_halflife_images=halflife,
        flip=True,
        images=images,
    )


_ALL = (
    Recipe(
        name="dcgan-32",
        source=RADFORD + ", one block fewer",
        size=32,
        network=DCGAN(generator_widths=(256, 128, 64), discriminator_widths=(64, 128, 256)),
        flip=True,
    ),
    Recipe(
        name="dcgan-64",
        source=RADFORD,
        size=64,
        network=DCGAN(),
        flip=True,  # doubles the photographs at no cost
    ),
    Recipe(
        name="dcgan-128",
        source=RADFORD + ", one block more",
        size=128,
        network=DCGAN(
            generator_widths=(1024, 512, 256, 128, 64),
            discriminator_widths=(64, 128, 256, 512, 1024),
        ),
        flip=True,
    ),
    _dcgan_r1("dcgan-64-r1", DCGAN(), gamma=0.05, batch=128, images=3_000_000),
    _dcgan_r1(
        "dcgan-128-r1",
        # Half of dcgan-128's widths.
        DCGAN(generator_widths=(512, 256, 128, 64, 32), discriminator_widths=(32, 64, 128, 256, 512)),
        gamma=0.2,
        batch=64,
        images=1_500_000,
    ),
    *FEW_PICTURE_RECIPES,
    *STYLE_RECIPES,
    *SYSTEMS,
    Recipe(
        name="fast-32",
        source="ours: what the ablations show to be worth its time on a CPU",
        size=32,
        # Half of dcgan-32's widths, small batches and larger rates: many cheap updates.
        network=DCGAN(generator_widths=(128, 64, 32), discriminator_widths=(32, 64, 128)),
        discriminator_optimizer=OptimizerConfig(learning_rate=5e-4),
        generator_optimizer=OptimizerConfig(learning_rate=5e-4),
        # Without R1 the faces get worse after 700,000 images; trainings as short as the demo's need none.
        penalty=Penalty(kind="r1", weight=0.02, every=4, after=30_000),
        batch=16,
        flip=True,
        images=1_000_000,  # 55 minutes on one busy CPU core
    ),
    Recipe(
        name="fast-64",
        source="ours: what the ablations show to be worth its time on a CPU",
        size=64,
        # Half of dcgan-64's widths, for twice the images per hour.
        network=DCGAN(generator_widths=(256, 128, 64, 32), discriminator_widths=(32, 64, 128, 256)),
        # Small batches give eight times the updates for the same images; larger rates still train stably.
        discriminator_optimizer=OptimizerConfig(learning_rate=5e-4),
        generator_optimizer=OptimizerConfig(learning_rate=5e-4),
        # Small rates improve the last images.
        schedule=Schedule(kind="cosine", images=460_000, factor=0.05),
        # Later, the discriminator would win.
        penalty=Penalty(kind="r1", weight=0.1, every=4, after=210_000),
        batch=16,
        flip=True,
        images=420_000,  # 90 minutes on one busy CPU core
    ),
    Recipe(
        name="ttur-64",
        source="Heusel et al. 2017 (TTUR), on DCGAN",
        size=64,
        network=DCGAN(),
        # Two time scales: the generator is the faster one, since a fast discriminator would win.
        discriminator_optimizer=OptimizerConfig(learning_rate=1e-5),
        generator_optimizer=OptimizerConfig(learning_rate=5e-4),
        batch=64,
        flip=True,
    ),
    SNGAN_64,
    _like(
        SNGAN_64,
        name="sngan-64-small",
        source=MIYATO + ", a quarter as wide",
        network=ResNet(
            generator_widths=(256, 128, 64, 32, 16),
            discriminator_widths=(16, 32, 64, 128, 256),
        ),
    ),
    SNGAN_128,
    _like(
        SNGAN_128,
        name="sngan-128-small",
        source=MIYATO + ", a quarter as wide",
        network=ResNet(
            generator_widths=(256, 256, 128, 64, 32, 16),
            discriminator_widths=(16, 32, 64, 128, 256, 256),
            whole_blocks=1,
        ),
    ),
    WGAN_GP_64,
    _like(
        WGAN_GP_64,
        name="wgan-gp-64-small",
        source=GULRAJANI + ", a quarter as wide",
        network=ResNet(
            generator_widths=(256, 128, 64, 32, 16),
            discriminator_widths=(16, 32, 64, 128, 256),
            discriminator_norm="none",
        ),
    ),
    _r3gan("r3gan-64", HUANG, R3GAN(widths=(768,) * 5), gamma=2.0),
    _r3gan(
        "r3gan-128",
        HUANG + "; values that it leaves out at 128 are ours",
        R3GAN(widths=(768, 768, 768, 768, 384, 192)),
        gamma=20.0,  # ours: between 2 at 64 and 150 at 256
    ),
    _r3gan(
        "r3gan-64-small",
        HUANG + ", narrower and shorter",
        R3GAN(widths=(256, 128, 64, 32), blocks=1, group_width=32, patch=2),  # 0.2% of the arithmetic
        gamma=2.0,
        batch=32,
        halflife=20_000,
        settled=1_000_000,
        images=2_000_000,
    ),
    _r3gan(
        "r3gan-128-small",
        HUANG + ", narrower and shorter",
        R3GAN(widths=(256, 256, 128, 64, 32), blocks=1, group_width=32, patch=2),
        gamma=20.0,
        batch=32,
        halflife=20_000,
        settled=1_000_000,
        images=2_000_000,
    ),
)

RECIPES = {recipe.name: recipe for recipe in _ALL}
"""All presets by name."""


def recipe_named(name: str) -> Recipe:
    """Return the preset of that name. Raises UsageError that names the nearest."""
    try:
        return RECIPES[name]
    except KeyError:
        advice = did_you_mean(name, RECIPES, listing="`strangers recipes` lists all.")
        raise UsageError(f"There is no recipe {name!r}. {advice}") from None
