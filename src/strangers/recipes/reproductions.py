"""SYSTEMS: the recipes of five public systems; docs/reference/recipes.md lists the corrections in each."""

from __future__ import annotations

from strangers.networks.dcgan import DCGAN
from strangers.networks.dense import Dense, Stage
from strangers.recipes.recipe import OptimizerConfig, Recipe, Schedule

SYSTEMS = (
    Recipe(
        name="dense-128",
        source="PhotorealisticAI (Keras)",
        size=128,
        network=Dense(
            stem_width=128,
            stem_size=32,
            generator_stages=(
                Stage(width=128, stride=2),
                Stage(width=128, stride=1),
                Stage(width=64, stride=2),
                Stage(width=64, stride=1),
            ),
            generator_kernel=4,
            generator_norm=False,
            last_kernel=8,
            discriminator_widths=(128, 128, 256, 256, 512),
            last_dropout=0.4,
        ),
        # A discriminator update sees 32 real and 32 generated images, a generator update 64.
        batch=32,
        generator_batch=64,
        images=1_000_000,  # 20 epochs of 50,000
    ),
    Recipe(
        name="compact-32",
        source="Generating-Faces-with-DCGAN (PyTorch)",
        size=32,
        network=DCGAN(
            stem="linear",
            stem_size=2,
            generator_widths=(256, 128, 64, 32),
            discriminator_widths=(32, 64, 128, 256),
            discriminator_norm="none",
        ),
        latent="uniform",
        # One-sided label smoothing (Salimans et al. 2016, section 3.4), for the generator's target too.
        real_label=0.9,
        generator_label=0.9,
        images=4_050_000,  # 20 epochs of CelebA
    ),
    Recipe(
        name="two-step-32",
        source="Face Creation using GANs (Keras)",
        size=32,
        crop="squash",  # 178x218 squashed into a square
        network=Dense(
            stem_width=256,
            stem_size=8,
            generator_stages=(
                Stage(width=512, stride=1),
                Stage(width=256, stride=2),
                Stage(width=128, stride=1),
                Stage(width=128, stride=2),
                Stage(width=64, stride=1),
            ),
            generator_kernel=3,
            generator_norm=True,
            last_kernel=3,
            leak=0.3,  # Keras's default
            discriminator_widths=(64, 128, 128, 64),
            discriminator_dropout=0.2,
            discriminator_initialization="he",
        ),
        # Half the generator's rate, but two steps to its one.
        discriminator_optimizer=OptimizerConfig(learning_rate=1e-4),
        discriminator_steps=2,
        images=1_820_000,  # 9 epochs of CelebA
    ),
    Recipe(
        name="dropout-64",
        source="Face Generation using DCGAN (PyTorch)",
        size=64,
        crop="squash",
        network=DCGAN(
            generator_widths=(1024, 512, 256, 128),
            generator_dropout=0.25,
            discriminator_norm="all",
        ),
        schedule=Schedule(kind="step", images=1_420_000, factor=0.1),  # 10 epochs of 70% of CelebA
        flip=True,
        images=1_420_000,
    ),
    Recipe(
        name="nadam-128",
        source="Faces of Non-Existent Strangers (Keras); what it leaves out is ours",
        size=128,
        network=Dense(
            stem_width=256,
            stem_size=8,
            generator_stages=(
                Stage(width=128, stride=2),
                Stage(width=64, stride=2),
                Stage(width=64, stride=2),
                Stage(width=32, stride=2),
            ),
            generator_kernel=4,
            generator_norm=True,  # ours: the generator starts slowly without it
            last_kernel=3,
            discriminator_widths=(32, 64, 128, 256),  # ours
        ),
        discriminator_optimizer=OptimizerConfig(name="nadam"),
        generator_optimizer=OptimizerConfig(name="nadam"),
        schedule=Schedule(kind="inverse", images=2_040_000),  # ours: half the rate at the end
        batch=64,  # ours: memory at 128 px
        images=2_040_000,  # 10 epochs of 204,000
    ),
)
"""The reproductions. Each keeps its system's networks, latent, optimizers, labels and schedule."""
