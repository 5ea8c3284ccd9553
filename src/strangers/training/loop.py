"""The loop: photographs -> steps -> journal -> pictures -> checkpoints, until the end or a stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from strangers.data.prepared import positions
from strangers.errors import StrangersError
from strangers.images import to_signed
from strangers.recipes.recipe import Recipe
from strangers.system.devices import keep_freed_memory
from strangers.system.machine import is_out_of_memory
from strangers.training.distributed import Processes, process_group
from strangers.training.log import RunLog
from strangers.training.options import TrainingOptions
from strangers.training.plan import Plan, autocast, dtype_name, duration, make_plan
from strangers.training.run import Run, lock_run, open_run, read_run
from strangers.training.session import TrainingSession, begin, roll_back, save_at_last, take_snapshot, tell
from strangers.training.snapshots import save_animation
from strangers.training.step import StepReport, apply_schedule, training_step

LINES = 50
"""Training steps between two lines of the journal, unless told otherwise."""


def train(
    data: str | Path,
    recipe: str | Recipe = "fast-64",
    out: str | Path = "runs/1",
    *,
    images: int | None = None,
    epochs: float | None = None,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    compiled: bool = False,
    overrides: Mapping[str, str] | None = None,
    every: int = 20_000,
    log_every: int | None = None,
    keep: int = 3,
    evaluate_every: int | None = None,
    evaluate_count: int = 2_000,
    patience: int | None = None,
    on_collapse: str = "warn",
    tensorboard: bool = False,
    progress: bool = True,
) -> Run:
    """Train the recipe on the photographs, or go on with the training that `out` holds.

    data: a prepared set, or any source of photographs, which is then prepared into the cache.
    images or epochs: for how long; the recipe's own number of images if neither is given.
    seed: decides the first weights and everything drawn at random; from 0 to 2**63 - 1.
    threads: on a CPU; all cores if None, shared by the processes of the machine.
    compiled: whether torch compiles the networks first; their results differ by rounding.
    every to on_collapse: see `TrainingOptions`.

    Started by torchrun, each process trains on its share of every batch; the first one writes the run.

    Ctrl-C or SIGTERM save a checkpoint and end with KeyboardInterrupt or SystemExit(143). Called again with
    the same arguments, the training goes on, and ends with the same bits on a CPU as one that never stopped.
    Raises UsageError for a wrong argument, DataError for the photographs, RunError for the folder and for a
    training that collapsed.
    """
    routine = TrainingOptions(every, log_every, keep, evaluate_every, evaluate_count, patience, on_collapse)
    routine.check()
    before = read_run(Path(out))
    if before is not None and precision == "auto":
        precision = before.get("precision", precision)  # a run goes on as it began, on whatever machine
    with process_group() as processes, ExitStack() as held:
        with processes.local_rank_zero_first():
            plan = make_plan(
                data, recipe, images=images, epochs=epochs, seed=seed, device=device, precision=precision,
                threads=threads, compiled=compiled, overrides=overrides, progress=progress,
                processes=processes,
            )  # fmt: skip
            routine.check_set(plan.data)
            if processes.is_first:
                held.enter_context(lock_run(Path(out)))
            run = _run(Path(out), plan, processes)
        if plan.device.value.type == "cpu":
            keep_freed_memory()
        journal = _journal(run, plan, processes, tensorboard, progress)
        with _arithmetic(plan), closing(journal):
            _go_on(begin(run, plan, routine, journal, processes))
    return run


def _run(path: Path, plan: Plan, processes: Processes) -> Run:
    """The run's folder, which the first process opens for all."""
    if not processes.is_first:
        return Run(path, plan.recipe)
    return open_run(path, plan.recipe, plan.data, plan.seed, dtype_name(plan.precision.value))


def _journal(run: Run, plan: Plan, processes: Processes, tensorboard: bool, progress: bool) -> RunLog:
    return RunLog(
        run.path if processes.is_first else None,
        images_per_epoch=len(plan.data),
        images_per_step=plan.recipe.images_per_step,
        budget=plan.recipe.images,
        progress=progress and processes.is_first,
        tensorboard=tensorboard and processes.is_first,
    )


@contextmanager
def _arithmetic(plan: Plan) -> Iterator[None]:
    """While it lasts, torch computes on the plan's threads; on a GPU in TF32 what stays in float32."""
    before = torch.get_num_threads(), torch.get_float32_matmul_precision()
    torch.set_num_threads(plan.threads.value)
    if plan.device.value.type == "cuda":
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.set_float32_matmul_precision(before[1])


def _go_on(session: TrainingSession) -> None:
    """Train until it is over, or until a signal; then raise what the signal asks for."""
    plan, routine, journal, processes = session.plan, session.routine, session.journal, session.processes
    log_every = routine.log_every or LINES * plan.recipe.images_per_step
    with journal.bar, _stop_on_signals() as stop, _own_random_state(plan.device.value):
        while not session.is_over and not stop.agreed(processes):
            before = session.state.images_seen
            report, seen = _step(session), session.state.images_seen
            journal.add(report, seen)
            ended = seen >= plan.recipe.images
            line, pictures, evaluation = (
                interval is not None and before // interval != seen // interval
                for interval in (log_every, routine.every, routine.evaluate_every)
            )
            if line or ended:
                tell(session, session.guard.after_line(journal.line(seen), seen))
            if (pictures or evaluation or ended) and not session.is_lost:
                if processes.is_first:
                    take_snapshot(session, evaluate=evaluation)
                session.guard, session.record = processes.broadcast((session.guard, session.record))
            if session.is_lost:
                roll_back(session)
        if processes.is_first and (stop.signal is not None or session.unsaved):
            save_at_last(session)
    if processes.is_first:
        save_animation(session.run.path)
    _end(session, stop)


def _end(session: TrainingSession, stop: Stop) -> None:
    """Say how it ended; raise what a signal asks for."""
    journal, images_seen = session.journal, session.state.images_seen
    if stop.signal is not None:
        journal.say(f"Stopped and saved after {images_seen:,} images; the same command goes on from here.")
        raise KeyboardInterrupt if stop.signal == signal.SIGINT else SystemExit(128 + stop.signal)
    if session.patience_is_over:
        journal.say(f"Stopped: the last {session.record.since} evaluations brought nothing better.")
    journal.say(f"Trained on {images_seen:,} images in {duration(journal.seconds)}.")
    if session.record.best_at is not None:
        journal.say(f"{session.run.path / 'best'} is the model after {session.record.best_at:,} images.")


def _step(session: TrainingSession) -> StepReport:
    """The next step. Raises StrangersError, with what to lower, where there is not enough memory for it."""
    try:
        return next_step(session)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        recipe = session.plan.recipe
        raise StrangersError(
            f"There is not enough memory for steps of {recipe.images_per_step} pictures of {recipe.size} px: "
            f"train in another folder with --set batch=N below {recipe.batch}, or with a smaller recipe."
        ) from None


def next_step(session: TrainingSession) -> StepReport:
    """The step after `state.images_seen`: its random numbers are a function of the seed and that number.

    And of how often the run was taken back, if it was: what failed is not repeated.
    """
    plan, state, guard, processes = session.plan, session.state, session.guard, session.processes
    apply_schedule(state, plan.recipe)
    for optimizer in (state.generator_optimizer, state.discriminator_optimizer):
        for group in optimizer.param_groups:
            group["lr"] *= guard.learning_rate_multiplier
    count, seen = plan.recipe.images_per_step, state.images_seen
    entropy = (plan.seed, seen, guard.rollbacks) if guard.rollbacks else (plan.seed, seen)
    for_draws, for_masks = np.random.SeedSequence(entropy).generate_state(2, np.uint64)
    draws = session.draws.manual_seed(int(for_draws))
    torch.manual_seed((int(for_masks) + processes.rank) % 2**64)  # dropout's masks differ between processes

    def of_each_batch(values: Tensor) -> Tensor:
        """Of the values of each of the step's batches, this process's share."""
        return torch.cat([processes.shard(batch) for batch in values.chunk(plan.recipe.discriminator_steps)])

    mine = of_each_batch(torch.arange(count)).numpy()
    now, next_time = (positions(len(plan.data), count, plan.seed, at)[mine] for at in (seen, seen + count))
    real = to_signed(session.feed.batch(now, next_time))
    if plan.recipe.flip:
        mirrored = torch.rand(count, 1, 1, 1, device=real.device, generator=draws) < 0.5
        real = torch.where(of_each_batch(mirrored), real.flip(3), real)
    with autocast(plan.device.value, plan.precision.value):
        return training_step(state, real, plan.recipe, draws, processes)


def _own_random_state(device: torch.device) -> AbstractContextManager[None]:
    """While it lasts, torch's random state is ours; afterwards the caller's is as it was."""
    devices = [device] if device.type == "cuda" else []
    return torch.random.fork_rng(devices=devices)


@dataclass
class Stop:
    """Which signal asked the training to stop, if any."""

    signal: int | None = None

    def agreed(self, processes: Processes) -> bool:
        """Whether any of the processes was asked to stop: then all of them stop after the same step."""
        agreed = processes.all_reduce_max(self.signal or 0)
        if agreed:  # else a signal may have come meanwhile, and counts after the next step
            self.signal = agreed
        return agreed != 0


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
