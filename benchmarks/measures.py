"""The measurements: each function does one piece of work in our way and in the plain way, in turns."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import ceilings
import numpy as np
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
from strangers.training.options import DEFAULT_RECIPE, TrainingOptions
from strangers.training.plan import autocast, dtype_name, make_plan
from strangers.training.run import open_run
from strangers.training.session import TrainingSession, start_session
from strangers.training.snapshots import save_final, take_snapshot
from strangers.training.step import new_state, training_step
from strangers.training.threads import ThreadSchedule

CPU = torch.device("cpu")

EPOCH = 512
"""Photographs in an epoch, and in a prepared set: few enough to wait for."""

SNAPSHOT_STEPS = 16
"""Steps before each measured checkpoint."""

FACES = 256
"""Faces per request: four batches."""

Result = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """Settings that all measurements share.

    Attributes:
        files: JPEGs of 178x218.
        precision: of training steps.
        repeats: measurements of each side, of which the median counts.
        folder: an empty folder.
        limits: FLOP or photographs per second that this machine can do, by name.
    """

    files: list[bytes]
    precision: torch.dtype
    repeats: int
    folder: Path
    limits: Callable[[str], float]

    @cached_property
    def photographs(self) -> Path:
        """A folder of EPOCH photographs, the files again and again."""
        folder = self.folder / "photographs"
        folder.mkdir()
        for number in range(EPOCH):
            (folder / f"{number:06d}.jpg").write_bytes(self.files[number % len(self.files)])
        return folder

    @cached_property
    def data(self) -> Path:
        """These photographs as a prepared set."""
        return prepare(str(self.photographs), self.folder / "data", size=64, progress=False).path

    @cached_property
    def model(self) -> Path:
        """The file of an untrained `dcgan-64`."""
        path, recipe = self.folder / "model.safetensors", RECIPES["dcgan-64"]
        save_model(path, new_state(recipe, 0, CPU).ema, header_of(recipe))
        return path

    def limited(self, result: Result, each: float, limit: str) -> Result:
        """Return the result with its fraction of a limit; each thing takes `each` units of the limit."""
        return result | {"fraction_of_limit": result["ours"] * each / self.limits(limit), "limit": limit}


MEASURES: dict[str, Callable[[Bench], Result]] = {
    "prepare_64": lambda bench: bench.limited(prepare_64(bench), 1, "decoding_one_core"),
    "prepare_command_64": lambda bench: prepare_command_64(bench),
    "step_64": lambda bench: step(bench, RECIPES["dcgan-64"]),
    "epoch_64": lambda bench: epoch_64(bench, RECIPES["dcgan-64"]),
    "step_32": lambda bench: step(bench, RECIPES["dcgan-32"]),
    "sample_batch_64": lambda bench: sample(bench, FACES),
    "sample_one_64": lambda bench: sample(bench, 1),
    "checkpoints_64": lambda bench: checkpoints_64(bench),
    "load": lambda bench: load(bench),
    "start": lambda bench: start(bench.repeats),
}
"""All measurements by name, in the order of a run."""


def prepare_64(bench: Bench) -> Result:
    """Measure photographs per second on one core, from a JPEG's bytes to 64x64 pixels."""
    crop = CROPS["c178"]
    job = Photographs([File("", data) for data in bench.files])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # one core, as in a worker of `prepare`
    result = compare(
        lambda: job.run(64, crop),
        lambda: [plain.prepared_face(data, 64) for data in bench.files],
        len(bench.files),
        "images/s per core",
        bench.repeats,
    )
    torch.set_num_threads(threads)
    return result


def prepare_command_64(bench: Bench) -> Result:
    """Measure photographs per second of the whole command with one worker, from a folder to a set.

    Plain decodes each file of a folder into an array, and saves it; it checks and describes nothing.
    """

    photographs, out = bench.photographs, bench.folder / "set"

    def ours() -> None:
        prepare(str(photographs), out, size=64, workers=1, force=True, progress=False)

    def theirs() -> None:
        paths = sorted(photographs.glob("*.jpg"))
        np.save(out.with_suffix(".npy"), [plain.prepared_face(path.read_bytes(), 64) for path in paths])

    return compare(ours, theirs, EPOCH, "images/s", bench.repeats)


def step(bench: Bench, recipe: Recipe) -> Result:
    """Measure images per second of the training step."""
    real = torch.rand(recipe.batch, 3, recipe.size, recipe.size) * 2 - 1
    real_channels_last = real.contiguous(memory_format=torch.channels_last)
    state, their_step = new_state(recipe, 0, CPU), plain.training_step(recipe)

    def ours() -> None:
        with autocast(CPU, bench.precision):
            training_step(state, real_channels_last, recipe)

    result = compare(ours, lambda: their_step(real), recipe.batch, "images/s", bench.repeats)
    return bench.limited(result, flops_of_step(recipe), f"product_{dtype_name(bench.precision)}")


def flops_of_step(recipe: Recipe) -> float:
    """Return FLOP per image of a training step."""
    few = recipe.replace(batch=8)
    state, real = new_state(few, 0, CPU), torch.zeros(few.batch, 3, few.size, few.size)
    return ceilings.flops(lambda: training_step(state, real, few)) / few.batch


def new_session(recipe: Recipe, data: Path, run: Path, precision: torch.dtype) -> TrainingSession:
    """Start a training on a prepared set, without a line on the console."""
    options = TrainingOptions(recipe, device="cpu", precision=dtype_name(precision), progress=False)
    plan = make_plan(data, options)
    schedule = ThreadSchedule(((0, plan.threads.value),))
    run.mkdir()
    opened, _ = open_run(run, plan, schedule)
    log = RunLog(
        run, images_per_epoch=EPOCH, images_per_step=recipe.batch, budget=recipe.images, progress=False
    )
    return start_session(opened, plan, options, log, schedule)


def epoch_64(bench: Bench, recipe: Recipe) -> Result:
    """Measure images per second from photographs to trained networks; ours were prepared before."""
    session = new_session(recipe, bench.data, bench.folder / "epoch", bench.precision)

    def ours() -> None:
        for _ in range(EPOCH // recipe.batch):
            session.log.add(next_step(session), session.state.images_seen)

    theirs = plain.epoch(recipe, bench.files, EPOCH)
    result = compare(ours, theirs, EPOCH, "images/s", min(bench.repeats, 3))
    return bench.limited(result, flops_of_step(recipe), f"product_{dtype_name(bench.precision)}")


def checkpoints_64(bench: Bench) -> Result:
    """Measure the fractions of a training, at the default interval, that checkpoints and snapshots take.

    A snapshot is a checkpoint with all that comes with it: checks, faces, grid and curves.
    """
    recipe = RECIPES[DEFAULT_RECIPE]
    session = new_session(recipe, bench.data, bench.folder / "checkpoints", bench.precision)
    every = session.options.every
    seconds: dict[str, list[float]] = {"image": [], "checkpoint": [], "snapshot": []}
    for _ in range(bench.repeats + 1):
        started = time.perf_counter()
        for _ in range(SNAPSHOT_STEPS):
            session.log.add(next_step(session), session.state.images_seen)
        seconds["image"].append((time.perf_counter() - started) / (SNAPSHOT_STEPS * recipe.batch))
        for name, work in (("checkpoint", save_final), ("snapshot", snapshot)):
            session.log.add(next_step(session), session.state.images_seen)  # a checkpoint of its own
            started = time.perf_counter()
            work(session)
            seconds[name].append(time.perf_counter() - started)
    medians = {f"{name}_seconds": statistics.median(values[1:]) for name, values in seconds.items()}
    training = every * medians["image_seconds"]
    shares = {
        f"{name}_share": medians[f"{name}_seconds"] / (training + medians["snapshot_seconds"])
        for name in ("checkpoint", "snapshot")
    }
    return {**medians, "images_between": every, **shares}


def snapshot(session: TrainingSession) -> None:
    take_snapshot(session, evaluate=False)


def sample(bench: Bench, count: int) -> Result:
    """Measure faces per second from seeds to pixels, `count` per request."""
    recipe = RECIPES["dcgan-64"]
    ours, theirs = loading.load(bench.model, "cpu"), plain.sampler(recipe, sampling.DRAW_BATCH)
    goes = 1 if count > 1 else 20

    def repeated(draw: Callable[[], object]) -> Callable[[], object]:
        return lambda: [draw() for _ in range(goes)]

    draw_ours, draw_plain = repeated(lambda: ours.sample(range(count))), repeated(lambda: theirs(count))
    result = compare(draw_ours, draw_plain, goes * count, "faces/s", bench.repeats)
    z = torch.zeros(1, recipe.latent_size)
    with torch.no_grad():
        return bench.limited(result, ceilings.flops(lambda: ours.generator(z)), "product_fp32")


def load(bench: Bench) -> Result:
    """Measure model files read per second, with checks and hash."""
    recipe, pickle = RECIPES["dcgan-64"], bench.model.with_name("model.pth")
    plain.save(pickle, recipe)
    return compare(
        lambda: loading.load(bench.model, "cpu"), lambda: plain.load(pickle, recipe), 1, "models/s",
        bench.repeats,
    )  # fmt: skip


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
    """Run both in turns, discarding the first of each; a call does `count` things.

    Return rates by wall time, and ratios by wall time and by processor time; the latter hold on a busy
    machine too, except where a worker still runs, as that of a DataLoader.
    """
    wall: dict[str, list[float]] = {"ours": [], "plain": []}
    processor: dict[str, list[float]] = {"ours": [], "plain": []}
    for repeat in range(repeats + 1):
        for name, work in (("ours", ours), ("plain", theirs)):
            started, spent = time.perf_counter(), sum(os.times()[:4])
            work()
            if repeat:
                wall[name].append(count / (time.perf_counter() - started))
                processor[name].append(sum(os.times()[:4]) - spent)
    medians = {name: statistics.median(values) for name, values in wall.items()}
    spent_by = {name: statistics.median(values) for name, values in processor.items()}
    return {
        **medians,
        "unit": unit,
        "ratio": medians["ours"] / medians["plain"],
        "processor_ratio": spent_by["plain"] / spent_by["ours"],
        "spread": (max(wall["ours"]) - min(wall["ours"])) / medians["ours"],
    }


def header_of(recipe: Recipe) -> ModelHeader:
    """Return the header of a model file of the recipe's untrained generator."""
    return ModelHeader(
        software="benchmark", recipe=recipe, images_seen=0, size=recipe.size, crop="c178",
        filter="bicubic", data_hash="0" * 64,
    )  # fmt: skip
