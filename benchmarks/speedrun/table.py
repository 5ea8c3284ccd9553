"""The records of the speedrun, and their table."""

from __future__ import annotations

import json
import os
import statistics
import time
from pathlib import Path
from typing import Any, NamedTuple

METRIC = "fid768"
TARGETS = (0.60, 0.45, 0.30)
TABLE = ("<!-- records -->", "<!-- end of the records -->")
"""Lines of README.md around the table."""

NEVER = float("inf")


class Seconds(NamedTuple):
    """Wall time, and processor time of all threads of this process and of its ended workers."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> Seconds:
        return cls(time.perf_counter(), sum(os.times()[:4]))

    def since(self, start: Seconds) -> Seconds:
        return Seconds(self.wall - start.wall, self.cpu - start.cpu)

    def plus(self, other: Seconds) -> Seconds:
        return Seconds(self.wall + other.wall, self.cpu + other.cpu)


def all_records(folder: Path) -> list[dict[str, Any]]:
    """Return all records, the fastest to the first target first."""
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    return sorted(found, key=lambda record: [median_time(record, target)[1] for target in TARGETS])


def median_time(record: dict[str, Any], target: float) -> Seconds:
    """Return the medians over the seeds of the times to a target; infinite if half of them missed it."""
    times = [first_at(run["points"], target) for run in record["runs"]]
    return Seconds(*(statistics.median(column) for column in zip(*times, strict=True)))


def first_at(points: list[dict[str, Any]], target: float) -> Seconds:
    """Return the time of the first judgment at or below the target; infinite without one."""
    for point in points:
        if point[METRIC]["value"] <= target:
            return Seconds(point["wall_seconds"], point["cpu_seconds"])
    return Seconds(NEVER, NEVER)


def table(found: list[dict[str, Any]]) -> str:
    """Return the table of the records, in Markdown."""
    if not found:
        return "There is no record yet."
    heads = ["record", "machine", "clock from", "seeds", *(f"to {target:.2f}" for target in TARGETS), "best"]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for record in found:
        machine, points = record["machine"], [point for run in record["runs"] for point in run["points"]]
        best = min(points, key=lambda point: float(point[METRIC]["value"]), default=None)
        where = machine["processor"] if machine["device"] == "cpu" else machine["device"]
        cells = [
            f"[`{record['name']}`](records/{record['name']}.json)",
            f"{machine['threads']} thread{'s' * (machine['threads'] != 1)}, {where}",
            record["clock"],
            str(len(record["runs"])),
            *(cell(median_time(record, target)) for target in TARGETS),
            "" if best is None else best_cell(best),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def best_cell(point: dict[str, Any]) -> str:
    images, minutes = point["images_seen"], point["cpu_seconds"] / 60
    return f"{point[METRIC]['value']:.3f} after {images:,} images, {minutes:.1f} CPU min"


def cell(spent: Seconds) -> str:
    if spent.cpu == NEVER:
        return ""
    return f"{spent.cpu / 60:.1f} CPU min, {spent.wall / 60:.1f} min"


def with_table(text: str, found: list[dict[str, Any]]) -> str:
    """Return README.md with the table of the records."""
    before, rest = text.split(TABLE[0])
    return f"{before}{TABLE[0]}\n\n{table(found)}\n\n{TABLE[1]}{rest.split(TABLE[1])[1]}"
