"""Processes that tests start and talk to. None outlives its test, and none holds it up for ever."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any


@contextmanager
def started(words: Sequence[str], *, seconds: float = 300, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process of text streams, killed with all that it started when the block ends, or after so long.

    Who reads what it prints, or waits for its end, then waits no longer: a test that fails in the middle
    ends, and so does one whose process does nothing.
    """
    process = subprocess.Popen(words, text=True, start_new_session=True, **options)
    late = threading.Timer(seconds, _end, [process])
    late.start()
    try:
        with process:
            try:
                yield process
            finally:
                _end(process)
    finally:
        late.cancel()


def _end(process: subprocess.Popen[str]) -> None:
    """Ask it to end, as torchrun ends workers, who are in sessions of their own; then kill what is left."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
    if os.name != "posix":
        process.kill()
        return
    with suppress(ProcessLookupError):  # the group is there as long as one of it is
        os.killpg(process.pid, signal.SIGKILL)
