"""Read run folders while a training writes and prunes them.

A folder may be a stranger's: only regular files inside it are read, no link out of it, FIFO or device.
"""

from __future__ import annotations

import json
import math
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from strangers.recipes.recipe import flatten
from strangers.system.streams import open_regular_file
from strangers.web.errors import RequestError

MAX_POINTS = 1_000
"""Points of a curve: more than a screen has columns."""

MAX_RECIPE_BYTES = 2**20
"""Size of a recipe.json that is read."""

MAX_GRID_BYTES = 2**26
"""Size of a sample grid that is read."""

MAX_LOG_BYTES = 2**24
"""Bytes of a log that are read, from its end: about 50,000 lines."""

IDLE_SECONDS = 120
"""Without a log line for so long, and for three usual intervals, a run is not training."""

MAX_WARNINGS = 20
"""Warnings that are returned, the newest."""

SAMPLE = re.compile(r"[0-9]{6,12}k")
CONDITIONS = {
    "images_seen",
    "epoch",
    "batch",
    "seconds",
    "images_per_second",
    "generated",
    "reference",
    "reference_set",
}
"""Numbers of the log that are not metrics."""


@dataclass
class _Log:
    """A parsed log: training lines, metrics and warnings, with the stamp of its file."""

    stamp: str = ""
    lines: list[dict[str, Any]] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)


class RunReader:
    """One run folder. Nothing is written to it, and its path is not revealed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.title = _text(path.resolve().name)
        self._log = _Log()

    def summary(self) -> dict[str, Any]:
        """Return the state of the run without its curves."""
        recipe, log = self._recipe(), self._read()
        newest = log.lines[-1] if log.lines else {}
        images, speed = _whole(newest.get("images_seen")), newest.get("images_per_second")
        budget = _whole(recipe.get("images"))
        left = max(0, budget - images) / speed if speed and images < budget else None
        latest = {name: value for entry in log.metrics for name, value in _metrics(entry).items()}
        return {
            "title": self.title,
            "state": self._state(log, images, budget),
            "revision": log.stamp,
            "images_seen": images,
            "budget": budget,
            "images_per_second": speed,
            "seconds": newest.get("seconds"),
            "seconds_left": left,
            "metrics": latest,
            "warnings": [
                {"images_seen": _whole(entry.get("images_seen")), "message": _text(entry["warning"])}
                for entry in log.warnings[-MAX_WARNINGS:]
            ],
            "samples": self.samples(),
            "recipe": recipe,
        }

    def curves(self) -> dict[str, Any]:
        """Return the log as columns: the means of training, and each metric against images seen."""
        log = self._read()
        chosen = log.lines[:: max(1, math.ceil(len(log.lines) / MAX_POINTS))]
        if chosen and chosen[-1] is not log.lines[-1]:
            chosen.append(log.lines[-1])
        names = sorted({name for entry in chosen for name in entry} - {"seconds", "epoch", "batch"})
        metrics: dict[str, dict[str, list[float]]] = {}
        for entry in log.metrics:
            for name, value in _metrics(entry).items():
                column = metrics.setdefault(name, {"images_seen": [], "values": []})
                column["images_seen"].append(_whole(entry.get("images_seen")))
                column["values"].append(value)
        columns = {name: [entry.get(name) for entry in chosen] for name in names}
        return {"columns": columns, "metrics": metrics}

    def samples(self) -> list[str]:
        """Return the names of the grids, oldest first."""
        try:
            names = [path.stem for path in (self.path / "samples").glob("*.png")]
        except OSError:
            return []
        return sorted((name for name in names if SAMPLE.fullmatch(name)), key=lambda name: int(name[:-1]))

    def sample(self, name: str) -> tuple[bytes, str]:
        """Return the PNG of a grid and its stamp. Raises RequestError if there is none."""
        if SAMPLE.fullmatch(name):
            path = self.path / "samples" / f"{name}.png"
            stamp = _stamp(path)  # before reading: a grid that is redrawn meanwhile gets another stamp
            with suppress(OSError):
                return self._bytes(path, MAX_GRID_BYTES), stamp
        raise RequestError(404, f"This run has no grid {name[:40]!r}; it may have been removed.")

    def _bytes(self, path: Path, limit: int) -> bytes:
        """Return the last `limit` bytes of a regular file inside the run. Raises OSError for any other."""
        if not path.resolve().is_relative_to(self.path.resolve()):
            raise OSError(f"{path} is a link that leaves the run")
        with open_regular_file(path) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - limit))
            return file.read(limit)

    def _state(self, log: _Log, images: int, budget: int) -> str:
        if not log.lines:
            return "pending"
        if images >= budget > 0:
            return "finished"
        between = [entry.get("seconds") or 0.0 for entry in log.lines[-2:]]
        usual = between[-1] - between[0]
        try:
            silent = time.time() - (self.path / "log.jsonl").stat().st_mtime
        except OSError:
            return "idle"
        return "training" if silent < max(IDLE_SECONDS, 3 * usual) else "idle"

    def _recipe(self) -> dict[str, str | int | float]:
        """Return the values of the recipe by their `--set` names, also of another version."""
        try:
            fields = json.loads(self._bytes(self.path / "recipe.json", MAX_RECIPE_BYTES))
            if not isinstance(fields, dict):
                return {}
            fields.pop("sha256", None)  # the file's own digest
            return dict(map(_shown, flatten(fields)))
        except (OSError, ValueError, RecursionError):
            return {}

    def _log_bytes(self, path: Path) -> bytes:
        try:
            return self._bytes(path, MAX_LOG_BYTES)
        except OSError:
            return b""

    def _read(self) -> _Log:
        path = self.path / "log.jsonl"
        stamp = _stamp(path)
        if stamp == self._log.stamp:
            return self._log
        log = _Log(stamp)
        for entry in _entries(self._log_bytes(path)):
            if isinstance(entry.get("warning"), str):
                log.warnings.append(entry)
            elif "real_loss" in entry:
                log.lines.append(_numbers(entry))
            elif _metrics(entry):
                log.metrics.append(entry)
        self._log = log
        return log


def _entries(log: bytes) -> list[dict[str, Any]]:
    """Parse the entries of a log. Skip a line that is cut short or is not an object."""
    found = []
    for line in log.split(b"\n"):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found


def _numbers(entry: dict[str, Any]) -> dict[str, float | None]:
    """Return the numbers of an entry, with None for those that are not finite, which JSON lacks."""
    return {
        name: value if math.isfinite(value) else None
        for name, value in ((name, _as_float(value)) for name, value in entry.items())
        if value is not None and name.isprintable()
    }


def _as_float(value: Any) -> float | None:
    """Return a number as a float, and None for anything else."""
    try:
        return float(value) if isinstance(value, int | float) else None
    except OverflowError:  # an integer of hundreds of digits
        return math.inf


def _metrics(entry: dict[str, Any]) -> dict[str, float]:
    """Return the metrics of an entry: its finite numbers except conditions."""
    return {
        name: float(value)
        for name, value in _numbers(entry).items()
        if value is not None and name not in CONDITIONS
    }


def _whole(value: Any) -> int:
    number = _as_float(value)
    return int(value) if number is not None and math.isfinite(number) else 0


def _text(words: str) -> str:
    """Replace what UTF-8 cannot encode, such as half of a surrogate pair."""
    return words.encode(errors="replace").decode()


def _shown(item: tuple[str, Any]) -> tuple[str, str | int | float]:
    """Return a value of a recipe in a form that a table shows."""
    name, value = item
    plain = isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    return _text(name), value if plain else _text(value if isinstance(value, str) else json.dumps(value))


def _stamp(path: Path) -> str:
    """Return a text that changes with the file; empty if there is none."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_mtime_ns:x}-{status.st_size:x}"
