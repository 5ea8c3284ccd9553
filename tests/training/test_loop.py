"""Training as a user meets it: it learns, stops, resumes exactly, and refuses wrong calls."""

from __future__ import annotations

import json
import re
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from strangers.data.prepared import PreparedSet
from strangers.errors import RunError, UsageError
from strangers.images import read_provenance
from strangers.recipes.recipe import Recipe, with_overrides
from strangers.training import loop
from strangers.training.log import read_log
from strangers.training.loop import train
from strangers.training.session import TrainingSession
from strangers.training.step import StepReport


def files(run: Path) -> dict[str, bytes]:
    """Everything in a run that must not depend on interruptions: weights, optimizers and pictures."""
    kept = [*run.glob("checkpoints/*/*.safetensors"), *run.glob("samples/*.png"), run / "reals.png"]
    return {str(path.relative_to(run)): path.read_bytes() for path in kept}


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP")
def test_a_closed_terminal_saves_like_sigterm_and_nohup_is_respected(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path
) -> None:
    hang_up = signal.SIGHUP
    before = signal.signal(hang_up, signal.SIG_DFL)
    try:
        for handler, ends_at in ((signal.SIG_DFL, "000000128"), (signal.SIG_IGN, "000000256")):
            signal.signal(hang_up, handler)
            run = tmp_path / ends_at
            with pytest.MonkeyPatch.context() as patch, suppress(SystemExit):
                patch.setattr(loop, "next_step", hanging_up_after(64))
                train(drawn_set.path, small_recipe, run, images=256, progress=False)
            assert (run / "latest").read_text() == ends_at
            assert signal.getsignal(hang_up) == handler
    finally:
        signal.signal(hang_up, before)


def hanging_up_after(images: int) -> Callable[[TrainingSession], StepReport]:
    """Return a step during which SIGHUP comes once that number of images was seen."""
    next_step = loop.next_step

    def step(session: TrainingSession) -> StepReport:
        if session.state.images_seen == images:
            signal.raise_signal(signal.SIGHUP)
        return next_step(session)

    return step


def test_training_brings_pixels_nearer_to_the_data(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path
) -> None:
    """Frechet distance of the 4x4 pixel means of faces and data: after training at most half of before."""
    distances = {}
    data = statistics(np.asarray(drawn_set.images))
    faster = {f"{who}_optimizer.learning_rate": "0.015" for who in ("generator", "discriminator")}
    recipe = with_overrides(small_recipe, faster | {"ema_halflife_images": "300"})
    for images in (64, 4000):
        run = train(drawn_set.path, recipe, tmp_path / str(images), images=images, progress=False)
        distances[images] = frechet(data, statistics(run.model.sample(range(500))))
    assert distances[4000] < distances[64] / 2


def statistics(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of pictures (n, 32, 32, 3) after averaging to 4x4."""
    small = pixels.reshape(len(pixels), 4, 8, 4, 8, 3).mean((2, 4)).reshape(len(pixels), -1) / 255
    return small.mean(0), np.cov(small, rowvar=False)


def frechet(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> float:
    """Frechet distance of two Gaussians (Dowson and Landau 1982), by eigenvalues."""
    roots = np.sqrt(np.clip(np.linalg.eigvals(a[1] @ b[1]).real, 0, None))
    return float(((a[0] - b[0]) ** 2).sum() + np.trace(a[1]) + np.trace(b[1]) - 2 * roots.sum())


def assert_first_faces(path: Path, strip: Image.Image) -> None:
    """Compare the last column of the strip with the first row of the grid."""
    with Image.open(path) as picture:
        for face in range(8):
            place = (face * 34, 0, face * 34 + 32, 32)
            drawn = strip.crop((2 * 34, face * 34, 2 * 34 + 32, face * 34 + 32))
            assert picture.crop(place).tobytes() == drawn.tobytes()


@pytest.mark.whole
def test_a_run_leaves_the_documented_files(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    run = train(
        drawn_set.path, small_recipe, out, images=3000, every=1000, keep=2, tensorboard=True, progress=False
    )
    assert sorted(path.name for path in (out / "samples").iterdir()) == [
        "000001k.png",
        "000002k.png",
        "000003k.png",
    ]
    assert len(list((out / "checkpoints").iterdir())) == 2
    assert (out / "latest").read_text() == "000003008"
    with Image.open(out / "progress.webp") as animation:
        assert getattr(animation, "n_frames", 1) == 3
    with Image.open(out / "progress.png") as strip:
        assert strip.size == (3 * 34 - 2, 8 * 34 - 2)
        assert_first_faces(out / "samples" / "000003k.png", strip)
    for picture in ("reals.png", "curves.png"):
        with Image.open(out / picture) as image:
            assert image.width > 100
    log = read_log(out)
    assert log[-1]["images_seen"] == 3008
    assert log[-1]["epoch"] == 7
    assert list(out.glob("tensorboard/events*"))
    described = json.loads((out / "run.json").read_text())
    assert (described["seed"], described["data_hash"]) == (0, drawn_set.manifest.hash)
    assert run.model.header.images_seen == 3008
    assert run.model.sample([7]).shape == (1, 32, 32, 3)
    assert read_provenance(out / "samples/000003k.png") == run.model.provenance(range(64))


def test_the_console_lines_have_their_form(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path
) -> None:
    train(drawn_set.path, small_recipe, tmp_path / "run", images=1280, log_every=640, progress=False)
    lines = [line for line in (tmp_path / "run/console.log").read_text().splitlines() if line.startswith("[")]
    number = r"\d+\.\d{4}"
    form = (
        rf"\[E0[123] \| B00\d\d\] D\(real\): loss={number}, acc={number} \| D\(fake\): loss={number}, "
        rf"acc={number} \| G: loss={number}, fools D={number} \| [\d.]+ img/s"
    )
    assert len(lines) == 2
    assert all(re.fullmatch(form, line) for line in lines)


def weights_of(run: Path) -> dict[str, Tensor]:
    return load_file(run / "checkpoints" / (run / "latest").read_text().strip() / "model.safetensors")


@pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="torch compiles with it")
@pytest.mark.filterwarnings("ignore")  # while it compiles, torch warns of its own ways
def test_a_compiled_training_is_the_same_to_rounding_and_resumes_to_the_bit(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path
) -> None:
    for name, budgets, compiled in (
        ("eager", [192], False), ("compiled", [192], True), ("in two", [128, 192], True),
    ):  # fmt: skip
        for images in budgets:
            train(
                drawn_set.path, small_recipe, tmp_path / name,
                images=images, compiled=compiled, device="cpu", precision="fp32", progress=False,
            )  # fmt: skip
    eager, compiled_once, in_two = (weights_of(tmp_path / name) for name in ("eager", "compiled", "in two"))
    for name, value in compiled_once.items():
        assert torch.equal(in_two[name], value)
        torch.testing.assert_close(value, eager[name], rtol=1e-3, atol=1e-4)
    assert "Compiling both networks with torch" in (tmp_path / "compiled" / "console.log").read_text()


def test_a_finished_run_is_left_as_it_is(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path
) -> None:
    for _ in range(2):
        train(drawn_set.path, small_recipe, tmp_path / "run", images=1000, progress=False)
        now = files(tmp_path / "run")
    train(drawn_set.path, small_recipe, tmp_path / "run", images=1000, progress=False)
    assert files(tmp_path / "run") == now


def test_a_longer_budget_resumes_the_run(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path
) -> None:
    train(drawn_set.path, small_recipe, tmp_path / "run", images=1000, progress=False)
    run = train(drawn_set.path, small_recipe, tmp_path / "run", images=2000, progress=False)
    assert run.model.header.images_seen == 2048
    straight = train(drawn_set.path, small_recipe, tmp_path / "straight", images=2000, progress=False)
    assert np.array_equal(run.model.sample(range(8)), straight.model.sample(range(8)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 1}, "seed = 0, not 1"),
        ({"overrides": {"batch": "32"}}, "batch = 64, not 32"),
        ({"precision": "bf16"}, "precision = fp32, not bf16"),
        ({"overrides": {"generator_optimizer.beta1": "0.4"}}, "generator_optimizer.beta1 = 0.5, not 0.4"),
    ],
)
def test_another_run_in_the_same_folder_is_refused(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    train(drawn_set.path, small_recipe, tmp_path / "run", images=64, progress=False, precision="fp32")
    before = files(tmp_path / "run")
    with pytest.raises(RunError, match=words):
        train(drawn_set.path, small_recipe, tmp_path / "run", images=64, progress=False, **changes)
    assert files(tmp_path / "run") == before


def test_a_folder_of_other_files_is_left_alone(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path
) -> None:
    (tmp_path / "thesis.tex").write_text("words")
    with pytest.raises(RunError, match="is not a run"):
        train(drawn_set.path, small_recipe, tmp_path, images=64, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"images": 10, "epochs": 1}, "at most one of --images and --epochs"),
        ({"images": 0}, "at least 1 image"),
        ({"seed": -1}, "--seed must be a whole number"),
        ({"every": 10}, "--every must be at least 1000 images"),
        ({"log_every": 0}, "--log-every must be at least 1 image"),
        ({"keep": 0}, "--keep must be at least 1 checkpoint"),
        ({"device": "tpu"}, "tpu"),
        ({"precision": "fp16"}, "fp16"),
        ({"recipe": "dcgan-64"}, "--size 64"),
    ],
)
def test_a_wrong_call_leaves_no_folder(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path, settings: dict[str, Any], words: str
) -> None:
    arguments: dict[str, Any] = {
        "recipe": small_recipe,
        "out": tmp_path / "run",
        "progress": False,
        **settings,
    }
    with pytest.raises(UsageError, match=words):
        train(drawn_set.path, **arguments)
    assert not (tmp_path / "run").exists()
