"""Recipes for a few pictures, from a trained model: `strangers train SET --from MODEL`."""

from __future__ import annotations

from strangers.networks.dcgan import DCGAN
from strangers.recipes.recipe import Adaptive, Augmentation, OptimizerConfig, Penalty, Recipe


def _few(network: DCGAN) -> Recipe:
    return Recipe(
        name=f"few-{network.size}",
        source="ours: dcgan-r1 from a trained model, with adaptive augmentation (Karras et al. 2020)",
        size=network.size,
        network=network,
        penalty=Penalty(kind="r1", weight=0.1, every=4),
        # The pictures are known by heart within minutes, so the probability follows fast.
        augmentation=Augmentation(
            names=("color", "translation", "cutout"), probability=Adaptive(images=5_000)
        ),
        discriminator_optimizer=OptimizerConfig(learning_rate=2e-4),
        # A trained generator falls apart under the rates of its own training.
        generator_optimizer=OptimizerConfig(learning_rate=5e-5),
        batch=16,
        # A new discriminator has to know the generator's faces before it may teach.
        generator_after=1_000,
        ema_halflife_images=2_000,
        flip=True,
        images=40_000,
    )


FEW_PICTURE_RECIPES = (
    # The networks of celeba-64 and celeba-128.
    _few(DCGAN(mapping_width=512, last_layer="convolution", generator_widths=(512, 256, 128, 64, 32))),
    _few(
        DCGAN(
            mapping_width=512,
            generator_widths=(512, 256, 128, 64, 32),
            discriminator_widths=(32, 64, 128, 256, 512),
        )
    ),
)
