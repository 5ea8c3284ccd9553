"""The measurements: each function does one piece of work in our way and in the plain way, in turns."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ceilings
import plain
import torch

from strangers.data.containers import File
from strangers.data.crops import CROPS
from strangers.data.jobs import Photographs
from strangers.data.prepare import prepare
from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import Recipe
from strangers.sampling import load as loading
from strangers.sampling import model as sampling
from strangers.sampling.model_file import ModelHeader, save_model
from strangers.training.log import RunLog
from strangers.training.loop import next_step
from strangers.training.options import TrainingOptions
from strangers.training.plan import autocast, dtype_name, make_plan
from strangers.training.run import open_run
from strangers.training.session import start_session
from strangers.training.step import new_state, training_step
from strangers.training.threads import ThreadSchedule

CPU = torch.device("cpu")

EPOCH = 1024
"""Photographs in an epoch: few enough to wait for."""

FACES = 256
"""Faces per request: four batches."""

Result = dict[str, Any]


def all_of(
    files: list[bytes], precision: torch.dtype, repeats: int, folder: Path, limits: dict[str, float]
) -> Iterator[tuple[str, Result]]:
    """Yield every measurement, with its fraction of the machine's limit."""
    recipe = RECIPES["dcgan-64"]
    networks = new_state(recipe, 0, CPU)
    z = torch.zeros(FACES, recipe.latent_size)
    with torch.no_grad():
        per_face = ceilings.flops(lambda: networks.generator(z)) / FACES
    model = folder / "model.safetensors"
    save_model(model, networks.ema, header_of(recipe))

    yield "prepare_64", fraction_of(prepare_64(files, repeats), 1, limits, "decoding_one_core")
    for name in ("dcgan-64", "dcgan-32"):
        result, per_image = step(RECIPES[name], precision, repeats)
        limit = f"product_{dtype_name(precision)}"
        yield f"step_{RECIPES[name].size}", fraction_of(result, per_image, limits, limit)
        if name == "dcgan-64":
            result = epoch_64(recipe, files, folder, precision, min(repeats, 3))
            yield "epoch_64", fraction_of(result, per_image, limits, limit)
    for name, count in (("sample_batch_64", FACES), ("sample_one_64", 1)):
        yield name, fraction_of(sample(recipe, model, count, repeats), per_face, limits, "product_fp32")
    yield "load", load(recipe, model, repeats)
    yield "start", start(repeats)


def prepare_64(files: list[bytes], repeats: int) -> Result:
    """Measure photographs per second on one core, from a JPEG's bytes to 64x64 pixels."""
    crop = CROPS["c178"]
    job = Photographs([File("", data) for data in files])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # one core, as in a worker of `prepare`
    result = compare(
        lambda: job.run(64, crop),
        lambda: [plain.prepared_face(data, 64) for data in files],
        len(files),
        "images/s per core",
        repeats,
    )
    torch.set_num_threads(threads)
    return result


def step(recipe: Recipe, precision: torch.dtype, repeats: int) -> tuple[Result, float]:
    """Measure images per second of the training step, in the given precision, and FLOP per image."""
    real = torch.rand(recipe.batch, 3, recipe.size, recipe.size) * 2 - 1
    real_channels_last = real.contiguous(memory_format=torch.channels_last)
    state, their_step = new_state(recipe, 0, CPU), plain.training_step(recipe)

    def ours() -> None:
        with autocast(CPU, precision):
            training_step(state, real_channels_last, recipe)

    per_image = ceilings.flops(ours) / recipe.batch
    return compare(ours, lambda: their_step(real), recipe.batch, "images/s", repeats), per_image


def epoch_64(
    recipe: Recipe, files: list[bytes], folder: Path, precision: torch.dtype, repeats: int
) -> Result:
    """Measure images per second from photographs to trained networks; ours were prepared before."""
    photographs = folder / "photographs"
    photographs.mkdir()
    for number in range(EPOCH):
        (photographs / f"{number:06d}.jpg").write_bytes(files[number % len(files)])
    prepare(str(photographs), folder / "set", size=recipe.size, progress=False)
    options = TrainingOptions(recipe, device="cpu", precision=dtype_name(precision), progress=False)
    plan = make_plan(folder / "set", options)
    log = RunLog(
        None, images_per_epoch=EPOCH, images_per_step=recipe.batch, budget=recipe.images, progress=False
    )
    schedule = ThreadSchedule(((0, plan.threads.value),))
    run, _ = open_run(folder / "run", plan, schedule)
    session = start_session(run, plan, options, log, schedule)

    def ours() -> None:
        for _ in range(EPOCH // recipe.batch):
            log.add(next_step(session), session.state.images_seen)

    return compare(ours, plain.epoch(recipe, files, EPOCH), EPOCH, "images/s", repeats)


def sample(recipe: Recipe, model: Path, count: int, repeats: int) -> Result:
    """Measure faces per second from seeds to pixels, `count` per request."""
    ours, theirs = loading.load(model, "cpu"), plain.sampler(recipe, sampling.DRAW_BATCH)
    goes = 1 if count > 1 else 20

    def repeated(draw: Callable[[], object]) -> Callable[[], object]:
        return lambda: [draw() for _ in range(goes)]

    draw_ours, draw_plain = repeated(lambda: ours.sample(range(count))), repeated(lambda: theirs(count))
    return compare(draw_ours, draw_plain, goes * count, "faces/s", repeats)


def load(recipe: Recipe, model: Path, repeats: int) -> Result:
    """Measure model files read per second, with checks and hash."""
    pickle = model.with_name("model.pth")
    plain.save(pickle, recipe)
    return compare(
        lambda: loading.load(model, "cpu"), lambda: plain.load(pickle, recipe), 1, "models/s", repeats
    )


def start(repeats: int) -> Result:
    """Measure runs of `strangers --help` per second, beside a Python that imports torch."""

    def run(*words: str) -> None:
        subprocess.run([sys.executable, *words], check=True, capture_output=True)

    return compare(
        lambda: run("-m", "strangers", "--help"), lambda: run("-c", "import torch"), 1, "starts/s", repeats
    )


def compare(
    ours: Callable[[], object], theirs: Callable[[], object], count: int, unit: str, repeats: int
) -> Result:
    """Run both in turns, discarding the first of each; a call does `count` things. Return rates."""
    speeds: dict[str, list[float]] = {"ours": [], "plain": []}
    for repeat in range(repeats + 1):
        for name, work in (("ours", ours), ("plain", theirs)):
            started = time.perf_counter()
            work()
            if repeat:
                speeds[name].append(count / (time.perf_counter() - started))
    medians = {name: statistics.median(values) for name, values in speeds.items()}
    spread = (max(speeds["ours"]) - min(speeds["ours"])) / medians["ours"]
    return {**medians, "unit": unit, "ratio": medians["ours"] / medians["plain"], "spread": spread}


def fraction_of(result: Result, each: float, limits: dict[str, float], limit: str) -> Result:
    """Return the result with its fraction of a limit; each thing takes `each` units of the limit."""
    return result | {"fraction_of_limit": result["ours"] * each / limits[limit], "limit": limit}


def header_of(recipe: Recipe) -> ModelHeader:
    """Return the header of a model file of the recipe's untrained generator."""
    return ModelHeader(
        software="benchmark", recipe=recipe, images_seen=0, size=recipe.size, crop="c178",
        filter="bicubic", data_hash="0" * 64,
    )  # fmt: skip
