"""Snapshots: check, evaluate and save a training at intervals, and draw its pictures."""

from __future__ import annotations

import copy
from typing import Any

from strangers._version import __version__
from strangers.errors import RunError
from strangers.evaluation.memorization import MIN_CONTROLS, memorization
from strangers.sampling.model import Model
from strangers.sampling.model_file import ModelHeader
from strangers.training import checkpoint
from strangers.training.evaluator import BestMetric
from strangers.training.health import HealthMonitor
from strangers.training.pictures import SEEDS, optional, save_animation, save_samples, save_strip
from strangers.training.plan import Plan
from strangers.training.run import copies
from strangers.training.session import TrainingSession, log_warnings
from strangers.training.state_file import Progress
from strangers.training.tensors import is_finite


def take_snapshot(session: TrainingSession, *, evaluate: bool) -> None:
    """Check the faces, evaluate them if due, save a checkpoint if all is well, and draw the pictures.

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
        values[evaluator.metric] = distance
        best = best.updated(distance, state.images_seen)
        header = header.model_copy(update={"metrics": {evaluator.metric: {"value": distance, **conditions}}})
    log.write_metrics(state.images_seen, values, conditions)
    if evaluate:
        log.info(f"After {state.images_seen:,} images: {evaluator.metric} {distance:.4g}, {best}.")
        if session.plan.few:
            log.info(f"Memorization: {_memorization(session, model)}.")
    file = checkpoint.serialize(state.ema, header)
    log_warnings(session, health.after_samples(values["variety"], state.images_seen))
    _save_snapshot(session, file, health, best)
    with optional(log, state.images_seen, "pictures"):
        save_samples(session.run.path, Model(state.ema, header, file.sha256[:16]), faces)
    for each in session.callbacks:
        each.on_evaluation(state.images_seen, values)
        each.on_snapshot(state.images_seen, faces)


def _memorization(session: TrainingSession, model: Model) -> str:
    """Return the verdict on faces of a training with few pictures, as far as those allow one."""
    faces = model.sample(range(session.evaluator.generated))
    data = session.plan.data
    return str(memorization(faces, data, session.evaluator.network, data.held_out_of(MIN_CONTROLS)))


def _save_snapshot(
    session: TrainingSession, file: checkpoint.ModelFile, health: HealthMonitor, best: BestMetric
) -> None:
    """Save a checkpoint with the new health and best metric, unless the run is lost; then adopt them."""
    before = session.health.good_at, session.best
    session.health, session.best = health, best
    if session.is_lost:
        return
    try:
        _save(session, file, snapshot=True)
        session.unsaved = False
    except OSError as error:
        session.unsaved = True
        health.good_at, session.best = before  # neither is on the disk
        session.log.require_folder()
        images_seen = session.state.images_seen
        session.log.warn(
            images_seen,
            f"The checkpoint after {images_seen:,} images could not be written: {error.strerror or error}. "
            "Training continues, and the next snapshot tries again; make room until then.",
            kind="not written",
        )


def _save(session: TrainingSession, file: checkpoint.ModelFile, *, snapshot: bool) -> None:
    """Write a checkpoint of the current state. Raises OSError and RunError."""
    log = session.log
    log.require_folder()
    log.flush()
    progress = Progress(
        log.seconds,
        log.state(),
        session.health,
        session.best,
        snapshot,
        copies(session.plan, session.schedule),
    )
    checkpoint.save(session.run.path, session.state, file, progress, keep=session.options.keep)


def save_final(session: TrainingSession) -> None:
    """Write the last checkpoint of a training that ends. Raises RunError if it cannot be written."""
    try:
        _save(session, checkpoint.serialize(session.state.ema, header_of(session)), snapshot=False)
    except OSError as error:
        raise RunError(
            f"The last checkpoint of {session.run.path}, after {session.state.images_seen:,} images, could "
            f"not be written: {error.strerror or error}. "
            "Make room; the same command resumes from the previous checkpoint."
        ) from None


def _terms(plan: Plan) -> str:
    """Return the terms of the photographs, and those of the model that the training started from."""
    terms = str(plan.data.manifest.terms)
    return (
        terms
        if plan.ancestor is None
        else f"{terms}. Started from {plan.ancestor.name}: {plan.ancestor.license}"
    )


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
        ancestor="" if plan.ancestor is None else plan.ancestor.name,
        license=_terms(plan),
    )


def animate(session: TrainingSession) -> None:
    """Write the animation and the strip of the run's grids; warn of files that are no readable grids."""
    with optional(session.log, session.state.images_seen, "animation"):
        for path in save_animation(session.run.path):
            session.log.info(
                f"warning: {path} is no readable grid of a training; progress.webp leaves it out."
            )
        save_strip(session.run.path, session.plan.recipe.size)
