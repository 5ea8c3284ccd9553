"""Helpers of all tests: small recipes and models, command lines, and processes that end with their test."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from strangers.recipes.recipe import Recipe


@contextmanager
def default_hang_up() -> Iterator[None]:
    """Let SIGHUP end processes that start in the block, also where the tests run under nohup."""
    number = getattr(signal, "SIGHUP", None)
    if number is None:
        yield
        return
    before = signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(number, before)


@contextmanager
def started(words: Sequence[str], *, seconds: float = 300, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Start a process with text streams; kill it and its children when the block ends, or after `seconds`.

    A test that fails in the middle therefore ends, and so does one whose process hangs.
    """
    with default_hang_up():
        process = subprocess.Popen(words, text=True, start_new_session=True, **options)
    late = threading.Timer(seconds, _end, [process])
    late.start()
    try:
        with process:
            try:
                yield process
            finally:
                _end(process)
    finally:
        late.cancel()


def _end(process: subprocess.Popen[str]) -> None:
    """Terminate it, since torchrun ends workers that are in sessions of their own; then kill what is left."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
    if os.name != "posix":
        process.kill()
        return
    with suppress(ProcessLookupError):  # the group exists as long as one process of it does
        os.killpg(process.pid, signal.SIGKILL)


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
        if weights.ndim == 4 and not weights.any():  # a layer that begins at zero does not affect a picture
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


def wait_until(true: Callable[[], object], seconds: float = 120) -> None:
    """Return as soon as it is true; fail if that takes longer than on any machine."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.01)


class Outcome(NamedTuple):
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


Strangers = Callable[..., Outcome]


def train_words(data: object, out: object, *more: object) -> list[str]:
    """The words of a small training."""
    words = ["train", data, "--recipe", "dcgan-32", "--images", "128", "--out", out]
    return [str(word) for word in (*words, *(part for change in SMALL for part in ("--set", change)), *more)]


BROWSERS = ("chromium-headless-shell", "chromium")
"""Programs that can run the tests of pages. The first takes about half the processor time."""

BROWSER_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--in-process-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
)  # fmt: skip
"""Arguments of chromium: as root, without a GPU and its process, without background requests."""


def parse(words: Sequence[str]) -> None:
    """Parse a command line of `strangers` without running it. Raises click's exceptions."""
    import typer
    from typer.core import TyperGroup

    from strangers.cli import app

    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    context = group.make_context("strangers", list(words))
    name, command, rest = group.resolve_command(context, list(words))
    assert command is not None
    command.make_context(name, rest, parent=context)
