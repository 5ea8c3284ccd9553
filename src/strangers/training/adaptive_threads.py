"""The choice of CPU threads: measured at the start of a run, and again when the speed falls by half.

With other work on the machine, a training on all cores can be many times slower than on one thread. Each
choice is recorded in run.json: see `ThreadSchedule`.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import torch

from strangers.system.machine import usable_cores
from strangers.training.distributed import Processes
from strangers.training.options import TrainingOptions
from strangers.training.plan import Plan
from strangers.training.run import write_run
from strangers.training.session import TrainingSession
from strangers.training.speed import describe, fastest_threads, load, thread_speeds
from strangers.training.threads import ThreadSchedule, parse_schedule

SLOWDOWN = 0.5
"""Fraction of the best speed below which threads are compared again."""

MIN_GAIN = 1.1
"""Factor by which another number of threads must be faster than the current one; less may be noise."""

MIN_SECONDS = 60.0
"""Minimum of training time between two comparisons."""


def is_automatic(plan: Plan, options: TrainingOptions, processes: Processes) -> bool:
    """Return whether the number of threads is ours to choose."""
    return (
        plan.device.value.type == "cpu"
        and processes.count == 1
        and options.threads is None
        and not options.compiled
        and "OMP_NUM_THREADS" not in os.environ
        and plan.max_threads > 1
    )


def is_given(options: TrainingOptions, processes: Processes) -> bool:
    """Return whether the user decided the number of threads, whatever the run recorded."""
    return options.threads is not None or processes.count > 1 or "OMP_NUM_THREADS" in os.environ


def first_schedule(
    plan: Plan, options: TrainingOptions, known: dict[str, Any] | None, processes: Processes
) -> tuple[Plan, ThreadSchedule]:
    """Return the recorded schedule of a run, or a new one with the faster number of threads.

    known: content of the run's run.json, if there is one. The plan's threads are updated.
    """
    if known is not None:
        return plan, parse_schedule(known.get("threads", ()))
    if is_automatic(plan, options, processes):
        threads = fastest_threads(plan.recipe, plan.device.value, plan.precision.value, plan.max_threads)
        plan = replace(plan, threads=threads)
    return plan, ThreadSchedule(((0, plan.threads.value),))


def resumed_threads(
    plan: Plan, options: TrainingOptions, schedule: ThreadSchedule, processes: Processes, seen: int
) -> int:
    """Return the threads after `seen` images: as recorded, unless the user or the machine decides."""
    return plan.threads.value if is_given(options, processes) else min(schedule.at(seen), usable_cores())


def resume_threads(session: TrainingSession) -> None:
    """Follow the recorded schedule, unless --threads or the machine demands another number; log that."""
    plan, options, seen = session.plan, session.options, session.state.images_seen
    recorded = session.schedule.at(seen)
    wanted = resumed_threads(plan, options, session.schedule, session.processes, seen)
    if is_given(options, session.processes) or wanted != recorded:
        _change(session, wanted)
    if seen and wanted != recorded and plan.device.value.type == "cpu":
        session.log.info(
            f"warning: This run used {_threads(recorded)} and continues on {_threads(wanted)}: its results "
            "will differ in rounding from those of an uninterrupted run."
        )
    torch.set_num_threads(wanted)


def follow_schedule(session: TrainingSession) -> None:
    """Set the threads of the next step."""
    threads = session.schedule.at(session.state.images_seen)
    if threads != torch.get_num_threads():
        torch.set_num_threads(threads)


def adapt_threads(session: TrainingSession) -> None:
    """Compare numbers of threads again if the speed has fallen by half, and continue on the faster."""
    speed, best, now = session.log.speed, session.best_speed, session.log.seconds
    session.best_speed = max(best, speed)
    if not is_automatic(session.plan, session.options, session.processes):
        return
    if speed >= SLOWDOWN * best or now - session.threads_checked < MIN_SECONDS:
        return
    plan, current = session.plan, session.schedule.at(session.state.images_seen)
    threads = min(plan.max_threads, usable_cores())
    with session.log.untimed():
        speeds = thread_speeds(plan.recipe, plan.device.value, plan.precision.value, threads)
    session.best_speed, session.threads_checked = 0.0, now
    if not speeds:
        return
    wanted = max(speeds, key=lambda count: speeds[count])
    if speeds[wanted] < MIN_GAIN * speeds.get(current, 0):
        wanted = current
    session.log.info(
        f"The speed fell from {best:,.0f} to {speed:,.0f} images/s. Measured {describe(speeds)}{load()}: "
        f"continuing on {_threads(wanted)}."
    )
    if wanted != current:
        _change(session, wanted)


def _change(session: TrainingSession, threads: int) -> None:
    """Record another number of threads from here on, before it is used."""
    before = session.schedule
    session.schedule = before.changed(session.state.images_seen, threads)
    if session.processes.is_first and session.schedule != before:
        write_run(session.run.path, session.plan, session.schedule)


def _threads(count: int) -> str:
    return f"{count} thread{'s' * (count > 1)}"
