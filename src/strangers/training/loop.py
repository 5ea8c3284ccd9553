"""The loop: photographs -> steps -> journal -> pictures -> checkpoints, until the end or a stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from strangers import __version__
from strangers.data.prepared import positions
from strangers.devices import keep_freed_memory
from strangers.errors import UsageError
from strangers.images import to_signed
from strangers.recipe import Recipe
from strangers.sampling import ModelHeader, model_of
from strangers.training import checkpoint
from strangers.training.journal import Journal
from strangers.training.pictures import save_animation, save_reals, save_samples
from strangers.training.plan import Plan, autocast, dry_run, dtype_name, duration, make_plan
from strangers.training.run import Run, open_run, read_run
from strangers.training.step import State, StepReport, new_state, set_learning_rates, training_step

__all__ = ["dry_run", "train"]

LINES = 50
"""Training steps between two lines of the journal, unless told otherwise."""


def train(
    data: str | Path,
    recipe: str | Recipe = "dcgan-64",
    out: str | Path = "runs/1",
    *,
    images: int | None = None,
    epochs: float | None = None,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    overrides: Mapping[str, str] | None = None,
    every: int = 20_000,
    log_every: int | None = None,
    keep: int = 3,
    tensorboard: bool = False,
    progress: bool = True,
) -> Run:
    """Train the recipe on the photographs, or go on with the training that `out` holds.

    data: a prepared set, or any source of photographs, which is then prepared into the cache.
    images or epochs: for how long; the recipe's own number of images if neither is given.
    seed: decides the first weights and everything drawn at random; from 0 to 2**63 - 1.
    every, log_every: images between two pictures with checkpoints, and between two lines of the log.
    keep: how many checkpoints stay.

    Ctrl-C or SIGTERM save a checkpoint and end with KeyboardInterrupt or SystemExit(143). Called again with
    the same arguments, the training goes on, and ends with the same bits on a CPU as one that never stopped.
    Raises UsageError for a wrong argument, DataError for the photographs, RunError for the folder.
    """
    _check_intervals(every, log_every, keep)
    path = Path(out)
    before = read_run(path)
    if before is not None and precision == "auto":
        precision = before.get("precision", precision)  # a run goes on as it began, on whatever machine
    plan = make_plan(
        data, recipe, images=images, epochs=epochs, seed=seed, device=device,
        precision=precision, overrides=overrides, progress=progress,
    )  # fmt: skip
    if plan.device.value.type == "cpu":
        keep_freed_memory()
    run = open_run(path, plan.recipe, plan.data, seed, dtype_name(plan.precision.value))
    journal = Journal(
        path,
        images_per_epoch=len(plan.data),
        images_per_step=plan.recipe.images_per_step,
        budget=plan.recipe.images,
        progress=progress,
        tensorboard=tensorboard,
    )
    with closing(journal):
        _go_on(run, plan, journal, every, log_every or LINES * plan.recipe.images_per_step, keep)
    return run


def _check_intervals(every: int, log_every: int | None, keep: int) -> None:
    if every < 1000:
        raise UsageError(
            f"Pictures and checkpoints are at least 1,000 images apart, not {every}; pictures are named so."
        )
    if log_every is not None and log_every < 1:
        raise UsageError(f"Lines of the log are at least 1 image apart, not {log_every}.")
    if keep < 1:
        raise UsageError(f"At least 1 checkpoint has to stay, not {keep}.")


def _begin(run: Run, plan: Plan, journal: Journal) -> State:
    """The state after the newest whole checkpoint, or an untrained one; and the first lines of the log."""
    state = new_state(plan.recipe, plan.seed, plan.device.value)
    past, complaints = checkpoint.restore(run.path, state)
    journal.resume(state.images_seen, past.seconds, past.journal)
    for complaint in complaints:
        journal.say(f"warning: {complaint} The one before it is used.")
    if state.images_seen:
        journal.say(f"Going on after {state.images_seen:,} images.")
    else:
        recipe, precision = plan.recipe, dtype_name(plan.precision.value)
        journal.say(f"{recipe.name} at {recipe.size} px on {len(plan.data):,} pictures, seed {plan.seed}.")
        journal.say(f"On {plan.device.value}: {plan.device.reason}")
        journal.say(f"In {precision}: {plan.precision.reason}")
    save_reals(run.path, plan.data)
    return state


def _go_on(run: Run, plan: Plan, journal: Journal, every: int, log_every: int, keep: int) -> None:
    """Train until the images are used up, or until a signal; then raise what the signal asks for."""
    state, budget = _begin(run, plan, journal), plan.recipe.images
    with journal.bar, _stop_on_signals() as stop, _own_random_state(plan.device.value):
        while state.images_seen < budget and stop.signal is None:
            before = state.images_seen
            report = _next_step(state, plan)
            journal.add(report, state.images_seen)
            ended = state.images_seen >= budget
            if ended or before // log_every != state.images_seen // log_every:
                journal.line(state.images_seen)
            if ended or before // every != state.images_seen // every:
                save_samples(run.path, model_of(state.average, _header(plan, state)))
                _save(run, plan, state, journal, keep)
        if stop.signal is not None:
            _save(run, plan, state, journal, keep)
    save_animation(run.path)
    if stop.signal is not None:
        journal.say(
            f"Stopped and saved after {state.images_seen:,} images; the same command goes on from here."
        )
        raise KeyboardInterrupt if stop.signal == signal.SIGINT else SystemExit(128 + stop.signal)
    journal.say(f"Trained on {state.images_seen:,} images in {duration(journal.seconds)}.")


def _save(run: Run, plan: Plan, state: State, journal: Journal, keep: int) -> None:
    """A checkpoint of now, from which a training goes on exactly."""
    now = checkpoint.Progress(journal.seconds, journal.state())
    checkpoint.save(run.path, state, _header(plan, state), now, keep=keep)


def _header(plan: Plan, state: State) -> ModelHeader:
    """What the averaged generator says of itself."""
    return ModelHeader(
        software=f"strangers {__version__}",
        recipe=plan.recipe,
        images_seen=state.images_seen,
        crop=plan.data.manifest.crop,
        size=plan.recipe.size,
        filter=plan.data.manifest.filter,
        data_hash=plan.data.manifest.hash,
    )


def _next_step(state: State, plan: Plan) -> StepReport:
    """The step after `state.images_seen`: its random numbers are a function of the seed and that number."""
    set_learning_rates(state, plan.recipe)
    count, seen = plan.recipe.images_per_step, state.images_seen
    torch.manual_seed(int(np.random.SeedSequence((plan.seed, seen)).generate_state(1, np.uint64)[0]))
    pixels = plan.data.batch(positions(len(plan.data), count, plan.seed, seen))
    real = to_signed(torch.from_numpy(pixels).to(plan.device.value))
    if plan.recipe.flip:
        real = _flip_half(real)
    with autocast(plan.device.value, plan.precision.value):
        return training_step(state, real, plan.recipe)


def _flip_half(images: Tensor) -> Tensor:
    """Mirror each of the images (n, 3, h, w) with probability one half."""
    mirrored = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    return torch.where(mirrored, images.flip(3), images)


def _own_random_state(device: torch.device) -> AbstractContextManager[None]:
    """While it lasts, torch's random state is ours; afterwards the caller's is as it was."""
    devices = [device] if device.type == "cuda" else []
    return torch.random.fork_rng(devices=devices)


@dataclass
class Stop:
    """Which signal asked the training to stop, if any."""

    signal: int | None = None


@contextmanager
def _stop_on_signals() -> Iterator[Stop]:
    """While it lasts, Ctrl-C and SIGTERM ask to stop after the step; a second one stops at once."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():  # only the main thread may handle signals
        yield stop
        return

    def ask(number: int, _frame: FrameType | None) -> None:
        stop.signal = number
        signal.signal(number, before[number])

    before: dict[int, Any] = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
