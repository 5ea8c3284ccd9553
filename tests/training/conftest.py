"""A small set and a small recipe, with which a training takes seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from strangers.data.prepare import prepare
from strangers.data.prepared import HELD_OUT, PreparedSet, open_prepared
from strangers.data.writer import Writer
from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import Recipe, with_overrides

from ..stand_ins import stand_in


@pytest.fixture(autouse=True)
def quick_pictures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out matplotlib and the attribute network, which take longer than a small training.

    Tests marked `whole` have both.
    """
    if request.node.get_closest_marker("whole") is None:
        stand_in(monkeypatch.setattr)


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


@pytest.fixture(scope="session")
def divided_set(drawn_set: PreparedSet, tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    """The same faces, of which the last 260 are held out."""
    out: Path = tmp_path_factory.mktemp("sets") / "divided-32"
    parts = (out, "train", slice(240)), (out / HELD_OUT, HELD_OUT, slice(240, 500))
    for folder, split, rows in parts:
        folder.mkdir()
        with Writer(folder, 32) as writer:
            writer.add(drawn_set.names[rows], drawn_set.images[rows], [""] * len(drawn_set.names[rows]))
            known = None if drawn_set.attributes is None else drawn_set.attributes[rows]
            changes = {
                "count": writer.count,
                "hash": writer.hash(),
                "split": split,
                "hold_out": "0.52 by picture",
            }
            writer.finish(drawn_set.manifest.model_copy(update=changes), known)
    return open_prepared(out)
