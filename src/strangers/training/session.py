"""TrainingSession: a run while it is trained; how it starts and is rolled back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import nn

from strangers.data.crops import comparable
from strangers.errors import RunError
from strangers.sampling.load import load
from strangers.training import checkpoint
from strangers.training.callbacks import Callback
from strangers.training.distributed import SINGLE_PROCESS, Processes
from strangers.training.evaluator import BestMetric, Evaluator, make_evaluator
from strangers.training.health import MAX_ROLLBACKS, HealthMonitor, HealthWarning
from strangers.training.loader import DeviceLoader
from strangers.training.log import RunLog
from strangers.training.options import EVALUATE_COUNT, TrainingOptions
from strangers.training.pictures import (
    SEEDS,
    grid_path,
    optional,
    remove_samples,
    save_reals,
    save_samples,
)
from strangers.training.plan import Plan, dtype_name
from strangers.training.run import Run
from strangers.training.state_file import Progress
from strangers.training.step import State, compile_networks, new_state
from strangers.training.tensors import load_tensors, tensors_of
from strangers.training.threads import ThreadSchedule


@dataclass
class TrainingSession:
    """A run while it is trained: its settings, its tools and its changing state.

    Attributes:
        health, best: as of the last snapshot that was saved, and of the lines since.
        schedule: the recorded numbers of CPU threads.
        unsaved: the checkpoint that was due last could not be written.
        best_speed, threads_checked: best speed in images/s, and training time in seconds, since numbers of
            threads were last compared.
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
    schedule: ThreadSchedule
    processes: Processes = SINGLE_PROCESS
    unsaved: bool = False
    best_speed: float = 0.0
    threads_checked: float = 0.0
    loader: DeviceLoader = field(init=False)
    rng: torch.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.loader = DeviceLoader(self.plan.data, self.plan.device.value)
        self.rng = torch.Generator(self.plan.device.value)

    @property
    def callbacks(self) -> Sequence[Callback]:
        """The callbacks to call; none in other processes than the first."""
        return self.options.callbacks if self.processes.is_first else ()

    @property
    def patience_is_over(self) -> bool:
        """True if `patience` evaluations in a row brought no improvement."""
        return self.options.patience is not None and self.best.evaluations_since >= self.options.patience

    @property
    def is_over(self) -> bool:
        """True if there is nothing left to train."""
        return self.state.images_seen >= self.plan.recipe.images or self.patience_is_over

    @property
    def is_lost(self) -> bool:
        """True if training must not continue from here; from weights that are not finite it cannot."""
        continues_anyway = self.options.on_collapse == "warn" and "not finite" not in self.health.active
        return self.health.collapsed and not continues_anyway


def start_session(
    run: Run,
    plan: Plan,
    options: TrainingOptions,
    log: RunLog,
    schedule: ThreadSchedule,
    processes: Processes = SINGLE_PROCESS,
) -> TrainingSession:
    """Restore the run's newest complete checkpoint, or start anew, and write the first lines of the log."""
    evaluates = plan.reference is not None
    with processes.local_rank_zero_first():
        evaluator = make_evaluator(
            plan.data,
            plan.reference,
            plan.device.value,
            options.evaluate_count or EVALUATE_COUNT,
            kernel=plan.few,
        )
    state, past, problems = _restored(run, plan, processes)
    log.resume(state.images_seen, past.seconds, past.log, past.health.rollbacks)
    for problem in problems:
        log.info(f"warning: {problem} Using the previous one.")
    for line in _resumed(state) if state.images_seen else _new_run(run, plan, processes):
        log.info(line)
    if processes.is_first:
        checkpoint.prune(run.path, past, keep=options.keep)  # a crash may have prevented it
        with optional(log, state.images_seen, "photographs in reals.png"):
            save_reals(run.path, plan.data)
        if past.snapshot and not grid_path(run.path, state.images_seen).exists():
            _redraw(run, plan, log, state.images_seen)
    best = evaluator.comparable(past.best) if evaluates else past.best
    if past.best.value is not None and best.value is None:
        log.info(
            f"Earlier evaluations used {past.best.generated:,} faces, other photographs or another attribute "
            "network: the best is reset."
        )
    session = TrainingSession(
        run, plan, options, log, evaluator, state, past.health, best, schedule, processes
    )
    log.info(f"{_machine(plan)} {session.loader}")
    return session


def _machine(plan: Plan) -> str:
    """Return the choices of device, precision and threads in one line, with their reasons."""
    threads = f"{plan.threads.value} thread{'s' * (plan.threads.value > 1)}"
    choices = f"On {plan.device.value} in {dtype_name(plan.precision.value)} on {threads}."
    return f"{choices} {plan.device.reason} {plan.precision.reason} {plan.threads.reason}"


def _redraw(run: Run, plan: Plan, log: RunLog, images_seen: int) -> None:
    """Draw the grid of a checkpoint after which the training was killed."""
    with optional(log, images_seen, "pictures"):
        model = load(run.path, str(plan.device.value))
        save_samples(run.path, model, model.sample(SEEDS))


def _restored(
    run: Run, plan: Plan, processes: Processes, *, good: bool = False
) -> tuple[State, Progress, list[str]]:
    """Return the state after the newest complete checkpoint, its progress, and problems of newer ones.

    Rank 0 reads and broadcasts, since the others may not see its disk.
    """
    state = new_state(plan.recipe, plan.seed, plan.device.value)
    if plan.ancestor is not None:
        plan.ancestor.start(state)
    past, problems = (
        checkpoint.restore(run.path, state, good=good) if processes.is_first else (Progress(), [])
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


def _new_run(run: Run, plan: Plan, processes: Processes) -> Iterator[str]:
    """Yield the log's first lines about a new run."""
    recipe = plan.recipe
    yield f"{recipe.name} at {recipe.size} px on {len(plan.data):,} pictures, seed {plan.seed}: {run.path}"
    if plan.ancestor is not None:
        alone = f", which learns alone for {recipe.generator_after:,} images" * (recipe.generator_after > 0)
        yield f"{plan.ancestor}{alone}."
        if not comparable(plan.ancestor.crop, recipe.crop):
            yield (
                f"warning: it draws faces of crop {plan.ancestor.crop}, but the set has crop {recipe.crop}; "
                "prepare the photographs with --align."
            )
    if plan.reference is not None:
        yield f"{plan.measured_on}."
    if plan.compiled:
        which = "both networks" if recipe.penalty.kind == "none" else "the generator"
        yield f"Compiling {which} with torch: the first steps take longer."
    if processes.count > 1:
        shard = recipe.batch // processes.count
        norm = "its own shard" if plan.device.value.type == "cpu" else "the whole batch"
        yield (f"In {processes.count} processes, each with {shard} images per batch; batch norm uses {norm}.")


def log_warnings(session: TrainingSession, warnings: Iterable[HealthWarning]) -> None:
    """Log the warnings of the health monitor."""
    for warning in warnings:
        session.log.warn(session.state.images_seen, warning.message, kind=warning.kind)


def roll_back(session: TrainingSession) -> None:
    """Return a lost run to its last good checkpoint, or to its beginning, with lower learning rates.

    Raises RunError without --on-collapse rollback, or after too many rollbacks.
    """
    run, plan, log, collapsed_at = session.run, session.plan, session.log, session.state.images_seen
    before = session.health.rollbacks
    if session.options.on_collapse != "rollback" or before >= MAX_ROLLBACKS:
        again = f" again after {before} rollbacks" if before else ""
        raise RunError(
            f"The training of {run.path} collapsed{again} after {collapsed_at:,} images: see "
            f"{run.path / 'console.log'}. Change the recipe, and train in another folder."
        )
    session.state, past, problems = _restored(run, plan, session.processes, good=True)
    session.unsaved = False
    session.health = replace(past.health, rollbacks=before + 1)
    evaluates = plan.reference is not None
    session.best = session.evaluator.comparable(past.best) if evaluates else past.best
    images_seen, multiplier = session.state.images_seen, session.health.learning_rate_multiplier
    log.resume(images_seen, log.seconds, past.log, before)
    if session.processes.is_first:
        with optional(log, images_seen, "removal of later pictures"):
            remove_samples(run.path, after=images_seen)
    log.warn(
        images_seen,
        f"{' '.join(problems)} Rolled back from {collapsed_at:,} to {images_seen:,} images, with learning "
        f"rates times {multiplier}: rollback {before + 1} of at most {MAX_ROLLBACKS}.".strip(),
        rollback=before + 1,
        rolled_back_from=collapsed_at,
        learning_rate_multiplier=multiplier,
    )
