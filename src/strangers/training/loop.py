"""The training loop: photographs -> steps -> log -> snapshots, until the end or a signal."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from strangers.data.prepared import positions
from strangers.errors import StrangersError
from strangers.images import to_signed
from strangers.system.devices import keep_freed_memory
from strangers.system.machine import is_out_of_memory
from strangers.training.adaptive_threads import (
    adapt_threads,
    first_schedule,
    follow_schedule,
    resume_threads,
)
from strangers.training.callbacks import default_callbacks
from strangers.training.distributed import Processes, process_group
from strangers.training.log import RunLog
from strangers.training.options import TrainingOptions, keyword_options
from strangers.training.plan import Plan, autocast, duration, make_plan
from strangers.training.run import (
    Interrupted,
    Run,
    Terminated,
    as_recorded,
    lock_run,
    number_run,
    open_run,
    read_run,
)
from strangers.training.session import TrainingSession, log_warnings, roll_back, start_session
from strangers.training.signals import Stop, stop_on_signals
from strangers.training.snapshots import animate, save_final, take_snapshot
from strangers.training.step import StepRandom, StepReport, apply_schedule, training_step
from strangers.training.threads import ThreadSchedule

LINES = 100
"""Lines of the log of a training, without --log-every; more if its snapshots are more frequent."""


@keyword_options(TrainingOptions)
def train(data: str | Path, options: TrainingOptions) -> Run:
    """Train a recipe on photographs, or resume the run in `out`.

    data: a prepared set, or any source of photographs, which is then prepared into the cache.

    Under torchrun, each process trains on its shard of every batch, and rank 0 writes the run.

    Ctrl-C, SIGTERM and SIGHUP save a checkpoint and raise KeyboardInterrupt, SystemExit(143) or
    SystemExit(129). The same call resumes the training; on a CPU the result is bit-identical to an
    uninterrupted one.
    Raises UsageError for a wrong argument, DataError for the photographs, RunError for the folder and for a
    training that collapsed.
    """
    out = None if options.out is None else Path(options.out)
    known = None if out is None else read_run(out)
    options = as_recorded(options, known)
    with process_group() as processes, ExitStack() as held:
        with processes.local_rank_zero_first():
            plan = make_plan(data, options, processes)
            if out is None:
                out = number_run(plan.recipe.name) if processes.is_first else Path()
            if processes.is_first:
                held.enter_context(lock_run(out))
            if plan.few:
                options = options.for_few_pictures()
            shown = default_callbacks(progress=options.progress)
            options = replace(options, callbacks=(*shown, *options.callbacks))
            plan, schedule = first_schedule(plan, options, known, processes)
            run, repaired = _open(out, plan, schedule, processes)
        run = replace(run, path=processes.broadcast(run.path))
        if plan.device.value.type == "cpu":
            keep_freed_memory()
        log = _new_log(run, plan, options, processes)
        with _arithmetic(plan, schedule), closing(log):
            for message in repaired:
                log.info(f"warning: {message}")
            session = start_session(run, plan, options, log, schedule, processes)
            resume_threads(session)
            _follow(session)
    return run


def _follow(session: TrainingSession) -> None:
    """Train, with the callbacks told of the start and of the end."""
    for each in session.callbacks:
        each.on_start(session.run)
    try:
        _train(session)
    finally:
        for each in session.callbacks:
            each.on_end(session.state.images_seen)


def _open(path: Path, plan: Plan, schedule: ThreadSchedule, processes: Processes) -> tuple[Run, list[str]]:
    """Open the run's folder, in rank 0 for all."""
    if not processes.is_first:
        return Run(path, plan.recipe), []
    return open_run(path, plan, schedule)


def _new_log(run: Run, plan: Plan, options: TrainingOptions, processes: Processes) -> RunLog:
    return RunLog(
        run.path if processes.is_first else None,
        images_per_epoch=len(plan.data),
        images_per_step=plan.recipe.images_per_step,
        budget=plan.recipe.images,
        progress=options.progress and processes.is_first,
        tensorboard=options.tensorboard and processes.is_first,
    )


@contextmanager
def _arithmetic(plan: Plan, schedule: ThreadSchedule) -> Iterator[None]:
    """Let torch use the schedule's first threads and, on a GPU, TF32 for float32 products in the block."""
    before = torch.get_num_threads(), torch.get_float32_matmul_precision()
    torch.set_num_threads(schedule.at(0))
    if plan.device.value.type == "cuda":
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.set_float32_matmul_precision(before[1])


def _train(session: TrainingSession) -> None:
    """Train to the end, or until a signal, whose exception is then raised."""
    plan, log, processes = session.plan, session.log, session.processes
    with log.bar, stop_on_signals() as stop, _own_random_state(plan.device.value):
        while not session.is_over and not stop.agreed(processes):
            before = session.state.images_seen
            follow_schedule(session)
            report = _step(session)
            seen = session.state.images_seen
            log.add(report, seen)
            for each in session.callbacks:
                each.on_step(seen, report)
            line, snapshot, evaluation = _due(session, before, seen)
            if line:
                means = log.write_means(seen)
                for each in session.callbacks:
                    each.on_line(seen, means | {"images_per_second": log.speed})
                log_warnings(session, session.health.after_line(means, seen))
                adapt_threads(session)
            if snapshot and not session.is_lost:
                with log.untimed():
                    if processes.is_first:
                        take_snapshot(session, evaluate=evaluation)
                    session.health, session.best = processes.broadcast((session.health, session.best))
            if session.is_lost:
                roll_back(session)
        if processes.is_first and (stop.signal is not None or session.unsaved):
            save_final(session)
    if processes.is_first:
        animate(session)
    _finish(session, stop)


def _due(session: TrainingSession, before: int, seen: int) -> tuple[bool, bool, bool]:
    """Return whether a log line, a snapshot and an evaluation are due after a step to `seen` images."""
    options, recipe = session.options, session.plan.recipe
    log_every = options.log_every or max(1, min(recipe.images // LINES, options.every))
    line, snapshot, evaluation = (
        interval is not None and before // interval != seen // interval
        for interval in (log_every, options.every, options.evaluate_every)
    )
    ended = seen >= recipe.images
    return line or ended, snapshot or evaluation or ended, evaluation


def _finish(session: TrainingSession, stop: Stop) -> None:
    """Log how the training ended; raise the exception of a signal."""
    log, images_seen = session.log, session.state.images_seen
    if stop.signal is not None:
        run = session.run.path
        log.info(f"Stopped and saved after {images_seen:,} images; a training in {run} resumes from here.")
        raise Interrupted(run) if stop.signal == signal.SIGINT else Terminated(run, 128 + stop.signal)
    if session.patience_is_over:
        log.info(f"Stopped: the last {session.best.evaluations_since} evaluations brought no improvement.")
    log.info(f"Trained on {images_seen:,} images in {duration(log.seconds)}.")
    if session.best.images_seen is not None:
        log.info(f"{session.run.path / 'best'} is the model after {session.best.images_seen:,} images.")


def _step(session: TrainingSession) -> StepReport:
    """Run the next step. Raises StrangersError with advice if memory runs out."""
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
    """Run the step after `state.images_seen`.

    Its random numbers are a function of the seed, the images seen and, after a rollback, the number of
    rollbacks, so that a failure is not repeated.
    """
    plan, state, health, processes = session.plan, session.state, session.health, session.processes
    apply_schedule(state, plan.recipe)
    for optimizer in (state.generator_optimizer, state.discriminator_optimizer):
        for group in optimizer.param_groups:
            group["lr"] *= health.learning_rate_multiplier
    seen = state.images_seen
    entropy = (plan.seed, seen, health.rollbacks) if health.rollbacks else (plan.seed, seen)
    seed, mask_seed = np.random.SeedSequence(entropy).generate_state(2, np.uint64)
    generator = session.rng.manual_seed(int(seed))
    torch.manual_seed((int(mask_seed) + processes.rank) % 2**64)  # dropout masks differ between processes
    real = _next_images(session)
    rng = StepRandom(plan.recipe, real.device, generator, processes)
    with autocast(plan.device.value, plan.precision.value):
        return training_step(state, real, plan.recipe, rng)


def _next_images(session: TrainingSession) -> Tensor:
    """Read this process's photographs of the next step, (n, 3, size, size) in [-1, 1], mirrored at random."""
    plan, seen, count = session.plan, session.state.images_seen, session.plan.recipe.images_per_step
    own = _shard_batches(torch.arange(count), session).numpy()
    here, following = (positions(len(plan.data), count, plan.seed, at)[own] for at in (seen, seen + count))
    real = to_signed(session.loader.batch(here, following))
    if plan.recipe.flip:
        mirrored = torch.rand(count, 1, 1, 1, device=real.device, generator=session.rng) < 0.5
        real = torch.where(_shard_batches(mirrored, session), real.flip(3), real)
    return real


def _shard_batches(values: Tensor, session: TrainingSession) -> Tensor:
    """Return this process's shards of the step's batches, given values (n, ...) for all of their images."""
    batches = values.chunk(session.plan.recipe.discriminator_steps)
    return torch.cat([session.processes.shard(batch) for batch in batches])


def _own_random_state(device: torch.device) -> AbstractContextManager[None]:
    """Restore the caller's random state of torch after the block."""
    devices = [device] if device.type == "cuda" else []
    return torch.random.fork_rng(devices=devices)
