"""From photographs to a prepared set: decode, crop, antialiased resize, in worker processes."""

from __future__ import annotations

import csv
import hashlib
import json
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from strangers._version import __version__
from strangers.data import crops
from strangers.data.crops import Crop
from strangers.data.prepared import FORMAT, Manifest, PreparedSet, is_prepared, open_prepared
from strangers.data.sources import Job, JobResult, Source, open_source
from strangers.data.writer import Writer
from strangers.errors import DataError, UsageError
from strangers.system.cache import cache_folder
from strangers.system.files import lock, new_folder
from strangers.system.machine import usable_cores

JOBS_AHEAD = 4
"""Jobs that wait for each worker, so that memory does not grow with the source."""

FEW = 500
"""Images that one process prepares in about the second that starting worker processes takes."""


def prepare(
    source: str | Path,
    out: str | Path,
    *,
    size: int,
    crop: str | None = None,
    applied_crop: str | None = None,
    limit: int | None = None,
    split: str | None = None,
    part: tuple[int, int] | None = None,
    annotations: str | Path | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> PreparedSet:
    """Make the prepared set `out` of the photographs that `source` names, and open it.

    size: height and width in pixels.
    crop: a protocol's name; c178 for 178x218 photographs and square for others unless given.
    applied_crop: the protocol by which the photographs were cropped before; they are used whole.
    limit: take the first so many photographs that can be used.
    split: "train", "val" or "test", by the partition table.
    part: (k, n) prepares the k-th of n equal parts, which `merge` puts together.
    annotations: where attribute and partition tables are, if not beside the photographs.
    workers: processes, one per core unless given; the result does not depend on it.

    A file that cannot be used is listed in skipped.csv with its reason. Raises UsageError for a wrong
    argument, and DataError if the source cannot be read or nothing in it can be used; then nothing is left
    at `out`.
    """
    out = Path(out)
    _check_arguments(out, size, crop, applied_crop, limit, part, workers)
    opened = open_source(str(source), annotations, split, part)
    if applied_crop is not None:
        chosen = crops.whole(applied_crop)
    else:
        chosen = crops.crop_named(crop or opened.default_crop())
    with (
        new_folder(out) as folder,
        Writer(folder, size) as writer,
        _progress(opened, limit, enabled=progress) as advance,
        closing(_work(opened, size, chosen, workers or _useful_workers(opened))) as work,
    ):
        attributes = _write(writer, work, opened, limit, advance)
        if not writer.count:
            raise DataError(f"There is nothing to use in {source}{_why(folder, writer)}")
        manifest = Manifest(
            format=FORMAT, software=f"strangers {__version__}", count=writer.count, size=size,
            crop=chosen.name, filter=opened.filter, source=str(source), split=split, hash=writer.hash(),
            part=None if part is None else f"{part[0]}/{part[1]}",
            attributes=list(opened.annotations.names), skipped=writer.skipped, notes=notes_on(attributes),
            originals=dict(writer.originals.most_common()),
        )  # fmt: skip
        writer.finish(manifest, attributes)
    return open_prepared(out)


def open_or_prepare(
    data: str | Path, *, size: int, crop: str | None = None, progress: bool = True
) -> PreparedSet:
    """The prepared set at `data`; or of the source `data`, prepared into the cache unless it was before.

    Raises as `prepare` and `open_prepared` do.
    """
    if is_prepared(Path(data)):
        return open_prepared(data)
    place = cached_place(str(data), size, crop)
    if not is_prepared(place):
        with _turn(place):
            if not is_prepared(place):
                prepare(data, place, size=size, crop=crop, progress=progress)
    return open_prepared(place)


def _turn(place: Path) -> BinaryIO:
    """What keeps others from preparing the same set at once: open until this one's turn is over."""
    place.parent.mkdir(parents=True, exist_ok=True)
    file = place.with_name(f"{place.name}.lock")
    try:
        return lock(file)
    except BlockingIOError:
        print("Another process is preparing the same photographs; waiting for it.", file=sys.stderr)
        return lock(file, wait=True)


def cached_place(source: str, size: int, crop: str | None) -> Path:
    """Where the prepared set of a source is kept: elsewhere when its files, the size or the crop change."""
    path = Path(source)
    state: list[object] = [source, size, crop, FORMAT, __version__]
    if path.exists():
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        state += [
            (str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns)
            for file in files
            if file.exists()
        ]
    digest = hashlib.sha256(json.dumps(state).encode()).hexdigest()[:12]
    name = "".join(letter if letter.isalnum() else "-" for letter in path.name or source)[:40]
    return cache_folder() / "sets" / f"{name}-{size}-{digest}"


def _check_arguments(
    out: Path,
    size: int,
    crop: str | None,
    applied_crop: str | None,
    limit: int | None,
    part: tuple[int, int] | None,
    workers: int | None,
) -> None:
    if out.exists():
        raise UsageError(f"{out} exists already; choose another place, or remove it first.")
    if not 8 <= size <= 1024:
        raise UsageError(f"Pictures are 8 to 1024 px wide, not {size}.")
    if limit is not None and limit < 1:
        raise UsageError(f"A limit is at least 1 photograph, not {limit}.")
    if limit is not None and part is not None:
        raise UsageError("A limit is of the whole source, which no part knows: give a limit or a part.")
    if workers is not None and workers < 1:
        raise UsageError(f"At least 1 worker is needed, not {workers}.")
    if crop is not None and applied_crop is not None:
        raise UsageError("A photograph is cropped now or was cropped before: give one of the two crops.")
    for name in (crop, applied_crop):
        if name is not None:
            crops.crop_named(name)


def _write(
    writer: Writer,
    work: Iterator[JobResult],
    source: Source,
    limit: int | None,
    advance: Callable[[int], None],
) -> NDArray[np.int8] | None:
    """Write what is made, up to `limit` images, and return their attributes, if any are known."""
    known: list[NDArray[np.int8]] = []
    for made in work:
        used = _first(made, None if limit is None else limit - writer.count)
        writer.add(used.names, used.images, used.problems, used.originals)
        if used.attributes is not None:
            known.append(used.attributes)
        advance(len(used.names))
        if writer.count == limit:
            break
    if known:
        return np.concatenate(known)
    return source.annotations.of(writer.names) if source.annotations.names else None


def _useful_workers(source: Source) -> int:
    """A worker for each core, but none for so few images that starting workers takes longer than the work."""
    return 1 if source.count <= FEW else usable_cores()


def _work(source: Source, size: int, crop: Crop, workers: int) -> Generator[JobResult, None, None]:
    """What the jobs make, in the order of the source."""
    if workers == 1:
        for job in source.jobs():
            yield job.run(size, crop)
        return
    waiting: deque[Future[JobResult]] = deque()
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_live_with_parent)
    try:
        for job in source.jobs():
            waiting.append(pool.submit(_run_job, job, size, crop))
            if len(waiting) >= workers * JOBS_AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise DataError(
            "A worker process could not start or was ended from outside, perhaps for want of memory; use one "
            "worker, and in a script of your own call it below `if __name__ == '__main__':`."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _run_job(job: Job, size: int, crop: Crop) -> JobResult:
    return job.run(size, crop)


def _live_with_parent() -> None:
    """In a worker: leave Ctrl-C to the parent, which hears it too, and end when the parent was killed."""
    # One thread for torch: more would only wait for each other, as each core has a worker.
    os.environ["OMP_NUM_THREADS"] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _first(made: JobResult, most: int | None) -> JobResult:
    """What was made, up to its `most`-th image."""
    if most is None or len(made.images) <= most:
        return made
    end = [index for index, problem in enumerate(made.problems) if not problem][most - 1] + 1
    attributes = None if made.attributes is None else made.attributes[:most]
    return JobResult(
        made.names[:end], made.problems[:end], made.images[:most], attributes, made.originals[:most]
    )


def notes_on(attributes: NDArray[np.int8] | None) -> list[str]:
    """What a user of the set should know."""
    unknown = 0 if attributes is None else int((attributes == 0).all(1).sum())
    return [f"{unknown:,} images have no row in the attribute table."] if unknown else []


def _why(folder: Path, writer: Writer) -> str:
    """The end of the sentence that says that no file could be used."""
    if not writer.skipped:
        return ": it holds no pictures."
    writer.flush()
    with (folder / "skipped.csv").open(encoding="utf-8", newline="") as file:
        _, (name, reason), *_ = csv.reader(file)
    return f": {writer.skipped:,} files were tried. The first is {name}: {reason}."


@contextmanager
def _progress(source: Source, limit: int | None, *, enabled: bool) -> Iterator[Callable[[int], None]]:
    """A bar with pictures a second and the time left, on a terminal; calls of what it yields move it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    total = source.count if limit is None else min(source.count, limit)
    columns = BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}"), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not (enabled and console.is_terminal)) as bar:
        task = bar.add_task("", total=total, speed="")

        def advance(count: int) -> None:
            bar.advance(task, count)
            speed = bar.tasks[0].speed
            bar.update(task, speed=f"{speed:,.0f} images/s" if speed else "")

        yield advance
