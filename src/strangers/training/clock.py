"""TrainingClock: elapsed time without the time for which the process was suspended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

TICK_SECONDS = 0.5
"""Interval of the background thread."""

MAX_GAP_SECONDS = 5.0
"""Silence of both threads after which the process counts as having been suspended."""


class TrainingClock:
    """A clock that stops while the process is suspended: by SIGSTOP, Ctrl-Z or a sleeping machine.

    A background thread ticks twice a second. A suspended process does not tick, so a long gap between two
    ticks is a pause.
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._last = now()
        self._elapsed = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="training clock", daemon=True)
        self._thread.start()

    def seconds(self) -> float:
        """Return the seconds since the clock was created, without pauses."""
        with self._lock:
            now = self._now()
            gap = now - self._last
            self._elapsed += gap if gap <= MAX_GAP_SECONDS else TICK_SECONDS
            self._last = now
            return self._elapsed

    def close(self) -> None:
        """End the background thread."""
        self._stopped.set()
        self._thread.join()

    def _tick(self) -> None:
        while not self._stopped.wait(TICK_SECONDS):
            self.seconds()
