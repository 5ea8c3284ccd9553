"""A small set and a small recipe, with which a training takes seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet
from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import Recipe, with_overrides


@pytest.fixture(scope="session")
def small_changes() -> dict[str, str]:
    """Changes that make dcgan-32 small."""
    return {
        "network.generator_widths": "[32, 16, 8]",
        "network.discriminator_widths": "[8, 16, 32]",
        "batch": "64",
        "generator_batch": "64",
    }


@pytest.fixture(scope="session")
def small_recipe(small_changes: dict[str, str]) -> Recipe:
    return with_overrides(RECIPES["dcgan-32"], small_changes)


@pytest.fixture(scope="session")
def drawn_set(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    """500 drawn faces of 32 px."""
    out: Path = tmp_path_factory.mktemp("sets") / "drawn-32"
    return prepare("synthetic:500", out, size=32, workers=1, progress=False)


@pytest.fixture(scope="session")
def quick_recipe(small_recipe: Recipe) -> Recipe:
    """Makes faces that differ after 4,000 images."""
    faster = {f"{who}_optimizer.learning_rate": "1e-3" for who in ("generator", "discriminator")}
    return with_overrides(small_recipe, faster | {"ema_halflife_images": "500"})
