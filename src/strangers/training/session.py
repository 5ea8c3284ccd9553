"""A session: a run while it is trained; how it begins, takes stock, is saved, and goes back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn

from strangers._version import __version__
from strangers.errors import RunError
from strangers.sampling.model import model_of
from strangers.sampling.model_file import ModelHeader
from strangers.training import checkpoint
from strangers.training.distributed import SINGLE_PROCESS, Processes
from strangers.training.evaluator import BestMetric, Evaluator, make_evaluator
from strangers.training.health import ROLLBACKS, HealthMonitor, HealthWarning
from strangers.training.loader import DeviceLoader
from strangers.training.log import METRIC, RunLog
from strangers.training.options import TrainingOptions
from strangers.training.plan import Plan, dtype_name
from strangers.training.run import Run
from strangers.training.snapshots import SEEDS, remove_samples, save_reals, save_samples
from strangers.training.step import State, compile_networks, new_state


@dataclass
class TrainingSession:
    """What was decided of a run, what its faces are measured by, and what changes as it goes on.

    Attributes:
        unsaved: whether the checkpoint that was due last could not be written.
    """

    run: Run
    plan: Plan
    routine: TrainingOptions
    journal: RunLog
    evaluator: Evaluator
    state: State
    guard: HealthMonitor
    record: BestMetric
    processes: Processes = SINGLE_PROCESS
    unsaved: bool = False
    feed: DeviceLoader = field(init=False)
    draws: torch.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.feed = DeviceLoader(self.plan.data, self.plan.device.value)
        self.draws = torch.Generator(self.plan.device.value)

    @property
    def patience_is_over(self) -> bool:
        """Whether as many evaluations as were granted have brought nothing better."""
        return self.routine.patience is not None and self.record.since >= self.routine.patience

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to train."""
        return self.state.images_seen >= self.plan.recipe.images or self.patience_is_over

    @property
    def is_lost(self) -> bool:
        """Whether it must not go on as it is; from weights that are no numbers it cannot."""
        goes_on_anyway = self.routine.on_collapse == "warn" and "not finite" not in self.guard.ongoing
        return self.guard.collapsed and not goes_on_anyway


def begin(
    run: Run, plan: Plan, routine: TrainingOptions, journal: RunLog, processes: Processes = SINGLE_PROCESS
) -> TrainingSession:
    """The run after its newest whole checkpoint, or untrained; and the first lines of the log."""
    device, evaluates = plan.device.value, routine.evaluate_every is not None
    with processes.local_rank_zero_first():
        evaluator = make_evaluator(plan.data, device, evaluates, routine.evaluate_count)
    state, past, complaints = _restored(run, plan, processes)
    journal.resume(state.images_seen, past.seconds, past.journal, past.guard.rollbacks)
    for complaint in complaints:
        journal.say(f"warning: {complaint} The one before it is used.")
    if state.images_seen:
        journal.say(f"Going on after {state.images_seen:,} images.")
    else:
        recipe, precision = plan.recipe, dtype_name(plan.precision.value)
        journal.say(f"{recipe.name} at {recipe.size} px on {len(plan.data):,} pictures, seed {plan.seed}.")
        journal.say(f"On {device}: {plan.device.reason}")
        journal.say(f"In {precision}: {plan.precision.reason}")
        for sentence in _about(plan, processes):
            journal.say(sentence)
    if processes.is_first:
        checkpoint.prune(run.path, past, keep=routine.keep)  # a crash may have come before that
        save_reals(run.path, plan.data)
    record = evaluator.begin(past.record) if evaluates else past.record
    if past.record.best is not None and record.best is None:
        journal.say(
            f"The best so far was of {past.record.generated:,} faces or by other weights: it begins anew."
        )
    session = TrainingSession(run, plan, routine, journal, evaluator, state, past.guard, record, processes)
    journal.say(str(session.feed))
    return session


def _restored(
    run: Run, plan: Plan, processes: Processes, *, good: bool = False
) -> tuple[State, checkpoint.Progress, list[str]]:
    """The state after the newest whole checkpoint, what that knows, and what was wrong with newer ones.

    The first process reads, and tells the others: they may not see its disk.
    """
    state = new_state(plan.recipe, plan.seed, plan.device.value)
    past, complaints = (
        checkpoint.restore(run.path, state, good=good) if processes.is_first else (checkpoint.Progress(), [])
    )
    if processes.count > 1:
        read = (past, complaints, state.images_seen, checkpoint.tensors_of(state))
        past, complaints, state.images_seen, tensors = processes.broadcast(read)
        checkpoint.put(tensors, state)
        if plan.device.value.type == "cuda":
            for network in (state.generator, state.discriminator):
                nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
    if plan.compiled:
        compile_networks(state, plan.recipe)
    return state, past, complaints


def _about(plan: Plan, processes: Processes) -> Iterator[str]:
    """What the log says of threads and of processes."""
    count = plan.threads.value
    yield f"On {count} thread{'s' * (count > 1)}: {plan.threads.reason}"
    if plan.compiled:
        which = "networks" if plan.recipe.penalty.kind == "none" else "generator, not what pays a penalty"
        yield f"Compiled by torch, the {which}: the first steps wait for it."
    if processes.count > 1:
        share = plan.recipe.batch // processes.count
        own = "of its own share" if plan.device.value.type == "cpu" else "of the whole batch"
        yield f"In {processes.count} processes, {share} images of each batch in each; batch norm {own}."


def take_snapshot(session: TrainingSession, *, evaluate: bool) -> None:
    """The run's pictures, what they tell, an evaluation if it is due, and a checkpoint if all is well.

    What cannot be written ends no training: it is told, and the next time there may be room.
    """
    state, guard, evaluator = session.state, session.guard, session.evaluator
    before = guard.good_at, session.record
    tell(session, guard.after_weights(checkpoint.is_finite(state) and session.journal.is_finite))
    if session.is_lost:
        return
    header = header_of(session)
    model = model_of(state.average, header)
    faces = model.sample(SEEDS)
    values: dict[str, float] = {"variety": evaluator.variety(faces)}
    conditions: dict[str, Any] = {}
    if evaluate:
        distance, conditions = evaluator.distance(model), evaluator.conditions
        values[METRIC] = distance
        session.record = session.record.with_value(distance, state.images_seen)
        header = header.model_copy(update={"metrics": {METRIC: {"value": distance, **conditions}}})
    session.journal.measured(state.images_seen, values, conditions)
    if evaluate:
        session.journal.say(f"After {state.images_seen:,} images: {METRIC} {distance:.4g}, {session.record}.")
    try:
        save_samples(session.run.path, model_of(state.average, header), faces)
    except OSError as error:
        _put_off(session, "pictures", error)
    tell(session, guard.after_pictures(values["variety"], state.images_seen))
    if not session.is_lost:
        try:
            save(session, header)
            session.unsaved = False
        except OSError as error:
            session.unsaved = True
            guard.good_at, session.record = before  # as neither will be on the disk
            _put_off(session, "checkpoint", error)


def _put_off(session: TrainingSession, what: str, error: OSError) -> None:
    """Say what could not be written. Raises RunError where the run's folder has gone."""
    session.journal.require_folder()
    images_seen = session.state.images_seen
    session.journal.warn(
        images_seen,
        f"The {what} after {images_seen:,} images could not be written: {error.strerror or error}. "
        "The training goes on, and tries again when the next are due; make room until then.",
        kind="not written",
    )


def tell(session: TrainingSession, alarms: Iterable[HealthWarning]) -> None:
    """Put what the guard noticed where a person and a program will find it."""
    for alarm in alarms:
        session.journal.warn(session.state.images_seen, alarm.sentence, kind=alarm.kind)


def save(session: TrainingSession, header: ModelHeader | None = None) -> None:
    """A checkpoint of now, from which a training goes on exactly. Raises OSError and RunError."""
    journal = session.journal
    journal.require_folder()
    now = checkpoint.Progress(journal.seconds, journal.state(), session.guard, session.record)
    header = header or header_of(session)
    checkpoint.save(session.run.path, session.state, header, now, keep=session.routine.keep)


def save_at_last(session: TrainingSession) -> None:
    """The checkpoint that a training ends with. Raises RunError where it cannot be written."""
    try:
        save(session)
    except OSError as error:
        raise RunError(
            f"The last checkpoint of {session.run.path}, after {session.state.images_seen:,} images, could "
            f"not be written: {error.strerror or error}. "
            "Make room; the same command goes on from the one before."
        ) from None


def header_of(session: TrainingSession) -> ModelHeader:
    """What the averaged generator says of itself."""
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
    """Take a lost run back to its last good checkpoint, or to its beginning, with lower learning rates.

    Raises RunError where that was not asked for, or was done often enough.
    """
    run, plan, journal, lost_at = session.run, session.plan, session.journal, session.state.images_seen
    before = session.guard.rollbacks
    if session.routine.on_collapse != "rollback" or before >= ROLLBACKS:
        again = f", although it was taken back {before} times" if before else ""
        raise RunError(
            f"The training of {run.path} collapsed after {lost_at:,} images{again}: see "
            f"{run.path / 'console.log'}. Change the recipe, and train in another folder."
        )
    session.state, past, complaints = _restored(run, plan, session.processes, good=True)
    session.unsaved = False
    session.guard = replace(past.guard, rollbacks=before + 1)
    session.record = (
        past.record if session.routine.evaluate_every is None else session.evaluator.begin(past.record)
    )
    images_seen, slower = session.state.images_seen, session.guard.learning_rate_multiplier
    journal.resume(images_seen, journal.seconds, past.journal, before)
    if session.processes.is_first:
        remove_samples(run.path, after=images_seen)
    journal.warn(
        images_seen,
        f"{' '.join(complaints)} Back from {lost_at:,} to {images_seen:,} images, with the recipe's learning "
        f"rates times {slower}: rollback {before + 1} of at most {ROLLBACKS}.".strip(),
        rollback=before + 1,
        lost_at=lost_at,
        learning_rate_multiplier=slower,
    )
