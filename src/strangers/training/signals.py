"""Signals that stop a training after its current step: Ctrl-C, SIGTERM, and SIGHUP of a closed terminal."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from strangers.system.machine import REPEATED_SIGNAL_SECONDS
from strangers.training.distributed import Processes

STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
"""The signals that save a checkpoint and end the training; Windows has no SIGHUP."""


@dataclass
class Stop:
    """The signal that asked the training to stop, if any, and the time when it came, in seconds."""

    signal: int | None = None
    asked: float = math.inf

    def agreed(self, processes: Processes) -> bool:
        """Return whether any process was asked to stop, so that all stop after the same step."""
        agreed = processes.all_reduce_max(self.signal or 0)
        if agreed:  # a signal that came meanwhile counts after the next step
            self.signal = agreed
        return agreed != 0


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Let signals stop the training after the current step; one that comes seconds later acts at once."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():  # only the main thread may handle signals
        yield stop
        return

    def ask(number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if stop.asked == math.inf:
            stop.signal, stop.asked = stop.signal or number, now
        elif now - stop.asked > REPEATED_SIGNAL_SECONDS:
            signal.signal(number, before[number])
            signal.raise_signal(number)

    before: dict[int, Any] = {}
    for name in STOP_SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and not (name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN):
            before[number] = signal.getsignal(number)  # nohup ignores SIGHUP, and so does its training
    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
