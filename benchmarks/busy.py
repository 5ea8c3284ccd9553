"""A machine that others use too: how it is noticed during measurements, and said."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass
from typing import Any

import torch

from strangers.system.machine import usable_cores

MIN_CORE_SHARE = 0.95
"""Fraction of one core that a thread gets on a quiet machine, at least."""

MAX_SPREAD = 0.1
"""Spread of the rates of equal work on a quiet machine, at most."""

PRODUCTS = 20
"""Matrix products in one probe: a tenth of a second to a second."""


@dataclass(frozen=True)
class Probe:
    """The machine at one moment, by equal work on one thread.

    Attributes:
        rate: 1024x1024 float32 matrix products per second of wall time.
        core_share: processor time by wall time: what this process got of a core.
        load: processes that ran or waited for a core during the last minute, this one among them.
    """

    rate: float
    core_share: float
    load: float


def probe() -> Probe:
    """Measure a moment."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    left, right = torch.randn(2, 1024, 1024).unbind()
    left @ right
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(PRODUCTS):
        left @ right
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    torch.set_num_threads(threads)
    return Probe(PRODUCTS / wall, processor / wall, os.getloadavg()[0])


def verdict(probes: list[Probe]) -> dict[str, Any]:
    """Return what the probes of a run say about the machine, and why it was busy; `busy` is empty if not."""
    rates = [one.rate for one in probes]
    spread = (max(rates) - min(rates)) / statistics.median(rates)
    share, load = min(one.core_share for one in probes), probes[0].load
    reasons = []
    if load > usable_cores() / 2:
        reasons.append(f"load {load:.1f} on {usable_cores()} cores before the first measurement")
    if share < MIN_CORE_SHARE:
        reasons.append(f"one thread got {share:.0%} of a core")
    if spread > MAX_SPREAD:
        reasons.append(f"equal work between the measurements varied by {spread:.0%}")
    return {"busy": "; ".join(reasons), "load": load, "core_share": share, "spread": spread}
