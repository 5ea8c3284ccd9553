"""What every room's tests share: the command line as a user types it, and a machine of their own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from .hub import hub as hub

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from strangers.recipes.recipe import Recipe

os.environ["OMP_NUM_THREADS"] = "1"  # pytest-xdist's workers share the cores; before torch is imported
os.environ["HF_HUB_OFFLINE"] = "1"

SMALL = (
    "network.generator_widths=[16,16,8]",
    "network.discriminator_widths=[8,16,16]",
    "batch=32",
    "generator_batch=32",
)
"""Changes that make dcgan-32 train in a moment."""


def tiny() -> Recipe:
    """dcgan-32 with few channels."""
    from strangers.recipes.presets import RECIPES
    from strangers.recipes.recipe import with_overrides

    return with_overrides(
        RECIPES["dcgan-32"],
        {"network.generator_widths": "[16, 16, 8]", "network.discriminator_widths": "[8, 16, 16]"},
    )


def write_model(path: Path, recipe: Recipe | None = None, **changes: Any) -> Path:
    """A model file of an untrained generator whose pictures are not all gray."""
    import torch

    from strangers.recipes.recipe import build_networks
    from strangers.sampling.model_file import ModelHeader, save_model

    recipe = recipe or tiny()
    torch.manual_seed(0)
    generator, _ = build_networks(recipe)
    for weights in generator.parameters():
        if weights.ndim == 4 and not weights.any():  # a layer that begins at zero has no say in a picture yet
            torch.nn.init.normal_(weights, std=0.02)
        weights.data *= 3
    with torch.no_grad():
        generator(torch.randn(16, recipe.latent_size))  # gives batch norm its statistics
    header = ModelHeader(
        software="strangers 0", recipe=recipe, images_seen=1_000, size=recipe.size,
        crop="c178", filter="bicubic", data_hash="0" * 64,
    )  # fmt: skip
    save_model(path, generator.eval(), header.model_copy(update=changes))
    return path


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("robustness")
    group.addoption("--robustness", action="store_true", help="run the full robustness tests")
    group.addoption(
        "--robustness-seconds", type=int, default=600, help="how long a training and a page are watched"
    )
    group.addoption("--robustness-table", metavar="FILE", help="write there what was tried, and how often")


class Outcome(NamedTuple):
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str


Strangers = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets that tests prepare go to a cache of this session, not to the user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def strangers(capsys: pytest.CaptureFixture[str]) -> Strangers:
    """Runs `strangers` with the words given, in this process."""
    from strangers.cli import main

    def run(*words: object) -> Outcome:
        code = main([str(word) for word in words])
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that `strangers train` made: small, short, and hardly a face in it."""
    from strangers.cli import main

    out = tmp_path_factory.mktemp("runs") / "small"
    data = out.with_name("drawn")
    assert main(["prepare", "synthetic:96", "--size", "32", "--out", str(data)]) == 0
    assert main(train_words(data, out)) == 0
    return out


def train_words(data: object, out: object, *more: object) -> list[str]:
    """The words of a small training."""
    words = ["train", data, "--recipe", "dcgan-32", "--images", "128", "--out", out]
    return [str(word) for word in (*words, *(part for change in SMALL for part in ("--set", change)), *more)]


BROWSER = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip
"""What keeps it quiet: as root, without a GPU, asking nobody for anything."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, as the system has it; of one module, for while Playwright lives its thread has a loop."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is of the extra dev")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium on this machine: `make browser` installs it where it may")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(BROWSER), timeout=120_000)
        yield browser
        browser.close()
