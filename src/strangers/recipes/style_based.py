"""Recipes for style-based generators that a CPU can train: `style-32` and `style-64`."""

from __future__ import annotations

from strangers.networks.style import StyleGAN2
from strangers.recipes.recipe import Adaptive, Augmentation, OptimizerConfig, Penalty, Recipe

BATCH = 16


def _style(network: StyleGAN2) -> Recipe:
    # Karras et al. 2020 (arXiv 1912.04958), appendix B, without lazy regularization's correction by 16/17.
    optimizer = OptimizerConfig(learning_rate=2e-3, beta1=0.0, beta2=0.99)
    return Recipe(
        name=f"style-{network.size}",
        source="Karras et al. 2020 (StyleGAN2), narrow, with adaptive augmentation (arXiv 2006.06676)",
        size=network.size,
        network=network,
        latent_size=128,
        # Gamma is 0.0002 times the pixels divided by the batch (arXiv 2006.06676, appendix C).
        penalty=Penalty(kind="r1", weight=0.0002 * network.size**2 / BATCH, every=16),
        augmentation=Augmentation(names=("color", "translation", "cutout"), probability=Adaptive()),
        discriminator_optimizer=optimizer,
        generator_optimizer=optimizer,
        batch=BATCH,
        flip=True,
        images=500_000,
    )


# The paper's mapping network has 8 layers, 512 units each and a hundredth of the rate. In one fiftieth of the
# images it would stay as it began, so it has a tenth.
STYLE_RECIPES = (
    _style(
        StyleGAN2(
            generator_widths=(128, 64, 32, 16),
            style_size=256,
            mapping_rate=0.1,
            discriminator_widths=(8, 32, 64, 96),
        )
    ),
    _style(
        StyleGAN2(
            generator_widths=(192, 128, 64, 32, 16),
            mapping_rate=0.1,
            discriminator_widths=(16, 32, 64, 96, 128),
        )
    ),
)
"""The maps of the largest size, where a CPU spends most of its time, are the narrowest."""
