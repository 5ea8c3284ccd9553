"""ThreadSchedule: the numbers of CPU threads of a run.

Rounding on a CPU depends on the number of threads. So the number is chosen once and recorded in run.json, as
is every later change with the images seen at it. A resumed run follows the record, whatever its speed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from strangers.errors import RunError

MAX_THREADS = 2**15
"""Threads above which a record is damaged."""


@dataclass(frozen=True)
class ThreadSchedule:
    """Pairs of (images seen, threads from there on), in ascending order, the first at 0 images."""

    entries: tuple[tuple[int, int], ...]

    def at(self, images_seen: int) -> int:
        """Return the number of threads for the step after `images_seen` images."""
        return [threads for start, threads in self.entries if start <= images_seen][-1]

    def changed(self, images_seen: int, threads: int) -> ThreadSchedule:
        """Return the schedule with `threads` from `images_seen` images on, without later changes."""
        kept = tuple(entry for entry in self.entries if entry[0] < images_seen)
        if kept and kept[-1][1] == threads:
            return ThreadSchedule(kept)
        return ThreadSchedule((*kept, (images_seen, threads)))


def parse_schedule(entries: Iterable[Iterable[int]]) -> ThreadSchedule:
    """Parse the field `threads` of run.json. Raises RunError."""
    try:
        pairs = tuple((int(start), int(threads)) for start, threads in entries)
    except (TypeError, ValueError):
        raise RunError("The field threads of run.json is not a list of [images, threads].") from None
    starts = [start for start, _ in pairs]
    numbers = [threads for _, threads in pairs]
    is_possible = bool(pairs) and min(numbers) >= 1 and max(numbers) <= MAX_THREADS
    if not is_possible or starts[0] != 0 or starts != sorted(set(starts)):
        raise RunError("The field threads of run.json is not a list of [images, threads].")
    return ThreadSchedule(pairs)
