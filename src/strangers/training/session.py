"""TrainingSession: a run while it is trained; how it starts, takes snapshots, is saved and rolled back."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn

from strangers._version import __version__
from strangers.errors import RunError
from strangers.sampling.model import Model
from strangers.sampling.model_file import ModelHeader
from strangers.training import checkpoint
from strangers.training.distributed import SINGLE_PROCESS, Processes
from strangers.training.evaluator import BestMetric, Evaluator, make_evaluator
from strangers.training.health import MAX_ROLLBACKS, HealthMonitor, HealthWarning
from strangers.training.loader import DeviceLoader
from strangers.training.log import METRIC, RunLog
from strangers.training.options import TrainingOptions
from strangers.training.plan import Plan, dtype_name
from strangers.training.run import Run
from strangers.training.snapshots import SEEDS, remove_samples, save_reals, save_samples
from strangers.training.step import State, compile_networks, new_state
from strangers.training.tensors import is_finite, load_tensors, tensors_of


@dataclass
class TrainingSession:
    """A run while it is trained: its settings, its tools and its changing state.

    Attributes:
        health, best: as of the last snapshot that was saved, and of the lines since.
        unsaved: the checkpoint that was due last could not be written.
        loader: reads the photographs.
        rng: source of the latents and augmentations; seeded anew for each step.
    """

    run: Run
    plan: Plan
    options: TrainingOptions
    log: RunLog
    evaluator: Evaluator
    state: State
    health: HealthMonitor
    best: BestMetric
    processes: Processes = SINGLE_PROCESS
    unsaved: bool = False
    loader: DeviceLoader = field(init=False)
    rng: torch.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.loader = DeviceLoader(self.plan.data, self.plan.device.value)
        self.rng = torch.Generator(self.plan.device.value)

    @property
    def patience_is_over(self) -> bool:
        """Whether `patience` evaluations in a row brought no improvement."""
        return self.options.patience is not None and self.best.evaluations_since >= self.options.patience

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to train."""
        return self.state.images_seen >= self.plan.recipe.images or self.patience_is_over

    @property
    def is_lost(self) -> bool:
        """Whether training must not continue from here; from weights that are not finite it cannot."""
        continues_anyway = self.options.on_collapse == "warn" and "not finite" not in self.health.active
        return self.health.collapsed and not continues_anyway


def start_session(
    run: Run, plan: Plan, options: TrainingOptions, log: RunLog, processes: Processes = SINGLE_PROCESS
) -> TrainingSession:
    """Restore the run's newest complete checkpoint, or start anew, and write the first lines of the log."""
    device, evaluates = plan.device.value, options.evaluate_every is not None
    with processes.local_rank_zero_first():
        evaluator = make_evaluator(plan.data, device, evaluates, options.evaluate_count)
    state, past, problems = _restored(run, plan, processes)
    log.resume(state.images_seen, past.seconds, past.log, past.health.rollbacks)
    for problem in problems:
        log.info(f"warning: {problem} Using the previous one.")
    for sentence in _resumed(state) if state.images_seen else _new_run(plan, processes):
        log.info(sentence)
    if processes.is_first:
        checkpoint.prune(run.path, past, keep=options.keep)  # a crash may have prevented it
        save_reals(run.path, plan.data)
    best = evaluator.comparable(past.best) if evaluates else past.best
    if past.best.value is not None and best.value is None:
        log.info(
            f"Earlier evaluations used {past.best.generated:,} faces or another attribute network: the best "
            "is reset."
        )
    session = TrainingSession(run, plan, options, log, evaluator, state, past.health, best, processes)
    log.info(str(session.loader))
    return session


def _restored(
    run: Run, plan: Plan, processes: Processes, *, good: bool = False
) -> tuple[State, checkpoint.Progress, list[str]]:
    """Return the state after the newest complete checkpoint, its progress, and problems of newer ones.

    Rank 0 reads and broadcasts, since the others may not see its disk.
    """
    state = new_state(plan.recipe, plan.seed, plan.device.value)
    past, problems = (
        checkpoint.restore(run.path, state, good=good) if processes.is_first else (checkpoint.Progress(), [])
    )
    if processes.count > 1:
        read = (past, problems, state.images_seen, tensors_of(state))
        past, problems, state.images_seen, tensors = processes.broadcast(read)
        load_tensors(tensors, state)
        if plan.device.value.type == "cuda":
            for network in (state.generator, state.discriminator):
                nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
    if plan.compiled:
        compile_networks(state, plan.recipe)
    return state, past, problems


def _resumed(state: State) -> Iterator[str]:
    yield f"Resuming after {state.images_seen:,} images."


def _new_run(plan: Plan, processes: Processes) -> Iterator[str]:
    """Yield the log's first sentences about a new run."""
    recipe, threads = plan.recipe, plan.threads.value
    yield f"{recipe.name} at {recipe.size} px on {len(plan.data):,} pictures, seed {plan.seed}."
    yield f"On {plan.device.value}: {plan.device.reason}"
    yield f"In {dtype_name(plan.precision.value)}: {plan.precision.reason}"
    yield f"On {threads} thread{'s' * (threads > 1)}: {plan.threads.reason}"
    if plan.compiled:
        which = "both networks" if recipe.penalty.kind == "none" else "the generator"
        yield f"Compiling {which} with torch: the first steps take longer."
    if processes.count > 1:
        shard = recipe.batch // processes.count
        norm = "its own shard" if plan.device.value.type == "cpu" else "the whole batch"
        yield (f"In {processes.count} processes, each with {shard} images per batch; batch norm uses {norm}.")


def take_snapshot(session: TrainingSession, *, evaluate: bool) -> None:
    """Check the faces, evaluate them if due, write their pictures, and save a checkpoint if all is well.

    A failure to write does not end the training: it is logged, and the next snapshot tries again.
    """
    state, evaluator, log = session.state, session.evaluator, session.log
    health, best = copy.deepcopy(session.health), session.best
    log_warnings(session, health.after_weights(is_finite(state) and log.is_finite))
    if "not finite" in health.active:
        session.health = health
        return
    header = header_of(session)
    model = Model(state.ema, header, hash="")
    faces = model.sample(SEEDS)
    values: dict[str, float] = {"variety": evaluator.variety(faces)}
    conditions: dict[str, Any] = {}
    if evaluate:
        distance, conditions = evaluator.distance(model), evaluator.conditions
        values[METRIC] = distance
        best = best.updated(distance, state.images_seen)
        header = header.model_copy(update={"metrics": {METRIC: {"value": distance, **conditions}}})
    log.write_metrics(state.images_seen, values, conditions)
    if evaluate:
        log.info(f"After {state.images_seen:,} images: {METRIC} {distance:.4g}, {best}.")
    file = checkpoint.serialize(state.ema, header)
    try:
        save_samples(session.run.path, Model(state.ema, header, file.sha256[:16]), faces)
    except OSError as error:
        _log_unwritten(session, "pictures", error)
    log_warnings(session, health.after_samples(values["variety"], state.images_seen))
    _save_snapshot(session, file, health, best)


def _save_snapshot(
    session: TrainingSession, file: checkpoint.ModelFile, health: HealthMonitor, best: BestMetric
) -> None:
    """Save a checkpoint with the new health and best metric, unless the run is lost; then adopt them."""
    before = session.health.good_at, session.best
    session.health, session.best = health, best
    if session.is_lost:
        return
    try:
        _save(session, file)
        session.unsaved = False
    except OSError as error:
        session.unsaved = True
        health.good_at, session.best = before  # neither is on the disk
        _log_unwritten(session, "checkpoint", error)


def _log_unwritten(session: TrainingSession, what: str, error: OSError) -> None:
    """Warn of files that could not be written. Raises RunError if the run's folder is gone."""
    session.log.require_folder()
    images_seen = session.state.images_seen
    session.log.warn(
        images_seen,
        f"The {what} after {images_seen:,} images could not be written: {error.strerror or error}. "
        "Training continues, and the next snapshot tries again; make room until then.",
        kind="not written",
    )


def log_warnings(session: TrainingSession, warnings: Iterable[HealthWarning]) -> None:
    """Log the warnings of the health monitor."""
    for warning in warnings:
        session.log.warn(session.state.images_seen, warning.sentence, kind=warning.kind)


def _save(session: TrainingSession, file: checkpoint.ModelFile) -> None:
    """Write a checkpoint of the current state. Raises OSError and RunError."""
    log = session.log
    log.require_folder()
    progress = checkpoint.Progress(log.seconds, log.state(), session.health, session.best)
    checkpoint.save(session.run.path, session.state, file, progress, keep=session.options.keep)


def save_final(session: TrainingSession) -> None:
    """Write the last checkpoint of a training that ends. Raises RunError if it cannot be written."""
    try:
        _save(session, checkpoint.serialize(session.state.ema, header_of(session)))
    except OSError as error:
        raise RunError(
            f"The last checkpoint of {session.run.path}, after {session.state.images_seen:,} images, could "
            f"not be written: {error.strerror or error}. "
            "Make room; the same command resumes from the previous checkpoint."
        ) from None


def header_of(session: TrainingSession) -> ModelHeader:
    """Return the header of the averaged generator's model file."""
    plan = session.plan
    return ModelHeader(
        software=f"strangers {__version__}",
        recipe=plan.recipe,
        images_seen=session.state.images_seen,
        crop=plan.data.manifest.crop,
        size=plan.recipe.size,
        filter=plan.data.manifest.filter,
        data_hash=plan.data.manifest.hash,
    )


def roll_back(session: TrainingSession) -> None:
    """Return a lost run to its last good checkpoint, or to its beginning, with lower learning rates.

    Raises RunError without --on-collapse rollback, or after too many rollbacks.
    """
    run, plan, log, lost_at = session.run, session.plan, session.log, session.state.images_seen
    before = session.health.rollbacks
    if session.options.on_collapse != "rollback" or before >= MAX_ROLLBACKS:
        again = f" again after {before} rollbacks" if before else ""
        raise RunError(
            f"The training of {run.path} collapsed{again} after {lost_at:,} images: see "
            f"{run.path / 'console.log'}. Change the recipe, and train in another folder."
        )
    session.state, past, problems = _restored(run, plan, session.processes, good=True)
    session.unsaved = False
    session.health = replace(past.health, rollbacks=before + 1)
    evaluates = session.options.evaluate_every is not None
    session.best = session.evaluator.comparable(past.best) if evaluates else past.best
    images_seen, multiplier = session.state.images_seen, session.health.learning_rate_multiplier
    log.resume(images_seen, log.seconds, past.log, before)
    if session.processes.is_first:
        remove_samples(run.path, after=images_seen)
    log.warn(
        images_seen,
        f"{' '.join(problems)} Rolled back from {lost_at:,} to {images_seen:,} images, with learning rates "
        f"times {multiplier}: rollback {before + 1} of at most {MAX_ROLLBACKS}.".strip(),
        rollback=before + 1,
        lost_at=lost_at,
        learning_rate_multiplier=multiplier,
    )
