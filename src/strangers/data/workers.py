"""Run the jobs of a source, in worker processes where that pays, and show their progress."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import resource_tracker

from strangers.data.crops import Crop
from strangers.data.jobs import Job, JobResult
from strangers.data.sources import Source
from strangers.errors import DataError
from strangers.system.machine import usable_cores
from strangers.system.streams import progress_console

JOBS_PER_WORKER = 4
"""Queued jobs per worker; the limit keeps memory independent of the size of the source."""

MIN_IMAGES_FOR_WORKERS = 500
"""Images that one process prepares in the second that it takes to start worker processes."""


def useful_workers(source: Source) -> int:
    """Return one worker per core, or 1 if starting workers would take longer than the work itself."""
    return 1 if source.count <= MIN_IMAGES_FOR_WORKERS else usable_cores()


def run_jobs(source: Source, size: int, crop: Crop, workers: int) -> Generator[JobResult, None, None]:
    """Run the jobs and yield their results in the order of the source."""
    if workers == 1:
        for job in source.jobs():
            yield job.run(size, crop)
        return
    _start_tracker()
    waiting: deque[Future[JobResult]] = deque()
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_init_worker)
    try:
        for job in source.jobs():
            waiting.append(pool.submit(_run_job, job, size, crop))
            if len(waiting) >= workers * JOBS_PER_WORKER:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise DataError(
            "A worker process failed to start or was killed, perhaps for lack of memory. Use --workers 1; in "
            "your own script, call `prepare` below `if __name__ == '__main__':`."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _start_tracker() -> None:
    """Start multiprocessing's resource tracker so that it outlives a closed terminal, as it must.

    It inherits that SIGHUP is blocked; SIGINT and SIGTERM it ignores by itself.
    """
    if hasattr(signal, "pthread_sigmask"):
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        try:
            resource_tracker.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run_job(job: Job, size: int, crop: Crop) -> JobResult:
    return job.run(size, crop)


def _init_worker() -> None:
    """Initialize a worker: leave Ctrl-C and a closed terminal to the parent; exit when that is killed."""
    # One thread for torch, because each core has a worker already.
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def source_progress(source: Source, limit: int | None, *, enabled: bool) -> Iterator[Callable[[int], None]]:
    """Show a progress bar with images/s and the remaining time on a terminal; yield its advance function."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    total = source.count if limit is None else min(source.count, limit)
    columns = BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}"), TimeRemainingColumn()
    console = progress_console()
    with Progress(*columns, console=console, disable=not (enabled and console.is_terminal)) as bar:
        task = bar.add_task("", total=total, speed="")

        def advance(count: int) -> None:
            bar.advance(task, count)
            speed = bar.tasks[0].speed
            bar.update(task, speed=f"{speed:,.0f} images/s" if speed else "")

        yield advance
