"""Progress bars of measurements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from strangers.system.streams import progress_console

Advance = Callable[[str, int, int], None]
"""Reports progress: kind of work, newly finished units, total units."""


@contextmanager
def progress_bars(wanted: bool) -> Iterator[Advance]:
    """Show a bar per kind of work on standard error, if that is a terminal."""
    console = progress_console()
    columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not (wanted and console.is_terminal)) as bars:
        tasks = {}

        def advance(kind: str, count: int, total: int) -> None:
            if kind not in tasks:
                tasks[kind] = bars.add_task(kind, total=total)
            bars.advance(tasks[kind], count)

        yield advance
