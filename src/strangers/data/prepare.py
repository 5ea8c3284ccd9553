"""Prepare photographs: decode, crop and resize them into a prepared set, in worker processes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strangers._version import __version__
from strangers.data import crops
from strangers.data.crops import NO_FACE, WRONG_SIZE
from strangers.data.decode import DECODER_VERSION, optional_formats
from strangers.data.hold_out import HeldOut, HoldOut, held_out_part
from strangers.data.jobs import JobResult
from strangers.data.notes import default_crop_of, notes_on, summary
from strangers.data.parts import fingerprint
from strangers.data.prepared import (
    HELD_OUT,
    SET_FORMAT,
    Manifest,
    PreparedSet,
    is_prepared,
    open_prepared,
)
from strangers.data.skipped import read_skipped, shorten
from strangers.data.sources import Source, inputs, open_source
from strangers.data.terms import known_terms
from strangers.data.workers import run_jobs, source_progress, useful_workers
from strangers.data.writer import SET_FILES, Writer
from strangers.errors import DataError, UsageError
from strangers.system.cache import cache_folder
from strangers.system.folders import check_folder, new_folder
from strangers.system.machine import lock
from strangers.system.streams import echo, printable

ADVICE = {
    WRONG_SIZE: " Prepare them by crop square, which takes any size.",
    NO_FACE: " They were searched upright and turned three times; if they show faces all the same, crop them "
    "yourself and prepare them by crop square.",
}
"""Advice by words of the reason for which all photographs of a source were skipped."""


def prepare(
    source: str | Path,
    out: str | Path,
    *,
    size: int,
    crop: str | None = None,
    applied_crop: str | None = None,
    faces: str = "largest",
    limit: int | None = None,
    split: str | None = None,
    part: tuple[int, int] | None = None,
    hold_out: float | None = None,
    annotations: str | Path | None = None,
    license: str | None = None,
    source_name: str | None = None,
    workers: int | None = None,
    force: bool = False,
    progress: bool = True,
) -> PreparedSet:
    """Prepare the photographs of `source` into the set `out`, and open it.

    size: height and width of the images in pixels.
    crop: name of the crop; by default c178 if all photographs have 178x218 pixels, otherwise square.
    applied_crop: name of the crop that the photographs already have; they are used whole.
    faces: "largest" or "all" of the faces that crop `aligned` finds in each photograph.
    limit: number of usable photographs to take from the beginning.
    split: "train", "val" or "test", by the partition table.
    part: (k, n) prepares the k-th of n equal parts, which `merge` joins.
    hold_out: share of the pictures, or of the people where tables or folders say who, of which a set of its
        own is made: `PreparedSet.held_out`. Its choice depends on names only.
    annotations: attribute and partition tables, by default beside the photographs.
    license, source_name: terms and name of the photographs, in words; by default those of a known source.
    workers: number of processes, by default one per core; the result does not depend on it.
    force: replace a prepared set at `out`.
    A file that cannot be used is listed in skipped.csv with the reason. Raises UsageError for a wrong
    argument, and DataError if the source cannot be read or has nothing usable; then `out` is as before.
    """
    out = Path(out)
    check_folder(out, SET_FILES if force else None)
    _check_arguments(size, crop, applied_crop, faces, limit, part, workers, hold_out)
    opened = open_source(str(source), annotations, split, part)
    rule = None if hold_out is None else opened.hold_out(hold_out)
    jobs = run_jobs(opened, size, _crop(crop, applied_crop, faces), workers or useful_workers(opened))
    fields = {
        "listing": part and fingerprint((opened.listing, faces, *optional_formats())),
        "size": size, "split": split, "source": printable(str(source)), "hold_out": rule and str(rule),
        "license": license, "source_name": source_name, "crop": crop or applied_crop, "part": part,
    }  # fmt: skip
    _write_set(out, SET_FILES if force else None, opened, jobs, rule, fields, limit, progress=progress)
    return open_prepared(out)


def _write_set(
    out: Path,
    own: Sequence[str] | None,
    opened: Source,
    jobs: Generator[JobResult, None, None],
    rule: HoldOut | None,
    fields: dict[str, Any],
    limit: int | None,
    *,
    progress: bool,
) -> None:
    """Write the set, and its held-out part if there is a rule.

    own: as for `new_folder`. fields: as `_manifest` takes them.
    """
    size = fields["size"]
    with (
        new_folder(out, own) as folder,
        Writer(folder, size) as writer,
        held_out_part(folder, size, rule) as held_out,
        source_progress(opened, limit, enabled=progress) as advance,
        closing(jobs) as work,
    ):
        attributes = _write(writer, held_out, work, opened, limit, advance)
        if not _count(writer, held_out):
            raise DataError(f"{fields['source']} contains no usable photograph{_why(folder, writer)}")
        if held_out is not None:
            held_out.check(writer.count)
            manifest = _manifest(held_out.writer, opened, held_out.attributes, **fields | {"split": HELD_OUT})
            held_out.writer.finish(manifest, held_out.attributes)
        writer.finish(_manifest(writer, opened, attributes, **fields), attributes)


def _crop(crop: str | None, applied: str | None, faces: str) -> crops.Crop:
    """Return the crop to apply; square takes the pixels of either default."""
    if applied is not None:
        return crops.already_cropped(applied)
    return replace(crops.crop_named(crop or "square"), every_face=faces == "all")


def _manifest(
    writer: Writer,
    opened: Source,
    attributes: NDArray[np.int8] | None,
    *,
    crop: str | None,
    part: tuple[int, int] | None,
    license: str | None,
    source_name: str | None,
    **fields: Any,
) -> Manifest:
    """Return the manifest of the files that were written; crop: None for the default."""
    terms = known_terms(fields["source"], writer.names, writer.originals).updated(source_name, license)
    manifest = Manifest(
        format=SET_FORMAT, software=f"strangers {__version__}", count=writer.count, hash=writer.hash(),
        crop=crop or default_crop_of(writer.originals), filter=opened.filter,
        part=None if part is None else f"{part[0]}/{part[1]}",
        attributes=list(opened.attributes), skipped=writer.skipped,
        originals=dict(writer.originals.most_common()), traits=dict(writer.traits.most_common()),
        source_name=terms.source_name, license=terms.license,
        **fields,
    )  # fmt: skip
    return manifest.model_copy(update={"notes": notes_on(manifest, attributes)})


def open_or_prepare(
    data: str | Path, *, size: int, crop: str | None = None, split: str | None = None, progress: bool = True
) -> PreparedSet:
    """Open the prepared set `data`, or prepare the source `data` into the cache, once, and open that.

    Raises the errors of `prepare` and `open_prepared`.
    """
    if is_prepared(Path(data)):
        return open_prepared(data)
    place = cached_place(str(data), size, crop, split)
    while True:
        if not is_prepared(place):
            with _exclusive(place):
                if not is_prepared(place):
                    made = prepare(data, place, size=size, crop=crop, split=split, progress=progress)
                    echo(*(f"{data}: {sentence}" for sentence in summary(made)), error=True)
        try:
            found = open_prepared(place)
            _ = found.names  # images stay open, names do not: another process may clear the cache
            return found
        except (DataError, UsageError):
            if is_prepared(place):
                raise


def _exclusive(place: Path) -> AbstractContextManager[object]:
    """Lock `place`, so that no other process prepares the same set until the block ends."""
    place.parent.mkdir(parents=True, exist_ok=True)
    file = place.with_name(f"{place.name}.lock")
    try:
        return lock(file)
    except BlockingIOError:
        echo("Another process is preparing the same photographs; waiting for it.", error=True)
        return lock(file, wait=True)


def cached_place(source: str, size: int, crop: str | None, split: str | None = None) -> Path:
    """Return the folder in the cache for a source; it depends on its files, tables, size, crop, split."""
    state: list[object] = [source, size, crop, SET_FORMAT, __version__, DECODER_VERSION, *optional_formats()]
    for file in sorted(inputs(source)):
        # A link that ends nowhere is an input too.
        status = file.stat() if file.exists() else None
        state.append((str(file.resolve()), status and (status.st_size, status.st_mtime_ns)))
    state += [] if split is None else [split]
    digest = hashlib.sha256(json.dumps(state).encode()).hexdigest()[:12]
    name = "".join(letter if letter.isalnum() else "-" for letter in Path(source).name or source)[:40]
    return cache_folder() / "sets" / f"{name}-{size}-{digest}"


def _check_arguments(
    size: int,
    crop: str | None,
    applied_crop: str | None,
    faces: str,
    limit: int | None,
    part: tuple[int, int] | None,
    workers: int | None,
    hold_out: float | None,
) -> None:
    if not 8 <= size <= 1024:
        raise UsageError(f"--size must be 8 to 1024 px (got {size}).")
    if limit is not None and limit < 1:
        raise UsageError(f"--limit must be at least 1 (got {limit}).")
    if limit is not None and part is not None:
        raise UsageError("--limit and --part exclude each other: pass one of them.")
    if hold_out is not None and part is not None:
        raise UsageError("--hold-out and --part exclude each other: pass one of them.")
    if workers is not None and workers < 1:
        raise UsageError(f"--workers must be at least 1 (got {workers}).")
    if crop is not None and applied_crop is not None:
        raise UsageError("--crop and --cropped exclude each other: pass one of them.")
    if faces not in ("largest", "all") or (faces == "all" and crop != "aligned"):
        raise UsageError("--faces must be largest or all, and needs --align.")
    for name in (crop, applied_crop):
        if name is not None:
            crops.crop_named(name)


def _write(
    writer: Writer,
    held_out: HeldOut | None,
    work: Iterator[JobResult],
    source: Source,
    limit: int | None,
    advance: Callable[[int], None],
) -> NDArray[np.int8] | None:
    """Write the results of the jobs, up to `limit` images; return their attributes, if any are known."""
    known: list[NDArray[np.int8]] = []
    for made in work:
        used = _truncate(made, None if limit is None else limit - _count(writer, held_out))
        done = len(used.names)
        if held_out is not None:
            used = held_out.take(used)
        writer.add(used.names, used.images, used.problems, used.originals, used.traits)
        if used.attributes is not None:
            known.append(used.attributes)
        advance(done)
        if _count(writer, held_out) == limit:
            break
    return np.concatenate(known) if known else None


def _count(writer: Writer, held_out: HeldOut | None) -> int:
    """Return the number of images written, the held-out ones included."""
    return writer.count + (held_out.writer.count if held_out else 0)


def _truncate(made: JobResult, max_images: int | None) -> JobResult:
    """Return the result of a job up to its first `max_images` images."""
    if max_images is None or len(made.images) <= max_images:
        return made
    end = [index for index, problem in enumerate(made.problems) if not problem][max_images - 1] + 1
    attributes = None if made.attributes is None else made.attributes[:max_images]
    return JobResult(
        made.names[:end],
        made.problems[:end],
        made.images[:max_images],
        attributes,
        made.originals[:max_images],
        made.traits[:max_images],
    )


def _why(folder: Path, writer: Writer) -> str:
    """Return the end of the error that no file could be used."""
    if not writer.skipped:
        return ": it contains no pictures."
    writer.flush()
    name, reason = read_skipped(folder)[0]
    advice = next((advice for words, advice in ADVICE.items() if words in reason), "")
    first = f"{shorten(name)}: {shorten(reason)}"
    return f": all {writer.skipped:,} files were skipped. The first: {first}.{advice}"
