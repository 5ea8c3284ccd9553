"""Progress bars of the commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from strangers.system.streams import progress_console


@contextmanager
def progress_bar(work: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a progress bar if stderr is a terminal, and yield `advance(count)`."""
    from rich.progress import Progress

    console = progress_console()
    if not console.is_terminal:
        yield lambda count: None
        return
    with Progress(console=console, transient=True) as bars:
        task = bars.add_task(work, total=total)
        yield lambda count: bars.advance(task, count)
