"""Run folders, read while they are written and pruned. What is not there (any more) is left out."""

from __future__ import annotations

import json
import math
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from strangers.recipes.recipe import flatten
from strangers.web.errors import RequestError

MOST_POINTS = 1_000
"""Of a curve: more than a screen has columns."""

MOST_BYTES = 2**24
"""Of a log, from its end: 50,000 lines."""

QUIET = 120
"""Seconds without a word, and at least three times the usual, after which a run is not training."""

MOST_WARNINGS = 20
"""That are told, the newest."""

SAMPLE = re.compile(r"[0-9]{6,12}k")
CONDITIONS = {"images", "epoch", "batch", "seconds", "images_per_second", "generated", "reference"}
"""Numbers of the log that are no measures."""


@dataclass
class _Log:
    """What a log says, by its stamp: the training's lines, the measures, the warnings."""

    stamp: str = ""
    lines: list[dict[str, Any]] = field(default_factory=list)
    measured: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)


class RunReader:
    """One run folder. Nothing is written to it, and its place is told to nobody."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.title = _text(path.resolve().name)
        self._log = _Log()

    def summary(self) -> dict[str, Any]:
        """What there is to say of the run now, without its curves."""
        recipe, log = self._recipe(), self._read()
        newest = log.lines[-1] if log.lines else {}
        images, speed = _whole(newest.get("images")), newest.get("images_per_second")
        budget = _whole(recipe.get("images"))
        left = max(0, budget - images) / speed if speed and images < budget else None
        latest = {name: value for entry in log.measured for name, value in _measures(entry).items()}
        return {
            "title": self.title,
            "state": self._state(log, images, budget),
            "stamp": log.stamp,
            "images": images,
            "budget": budget,
            "images_per_second": speed,
            "seconds": newest.get("seconds"),
            "seconds_left": left,
            "measures": latest,
            "warnings": [
                {"images": _whole(entry.get("images")), "sentence": _text(entry["warning"])}
                for entry in log.warnings[-MOST_WARNINGS:]
            ],
            "samples": self.samples(),
            "recipe": recipe,
        }

    def curves(self) -> dict[str, Any]:
        """The log in columns: the training's means, and each measure with the images seen at it."""
        log = self._read()
        chosen = log.lines[:: max(1, math.ceil(len(log.lines) / MOST_POINTS))]
        if chosen and chosen[-1] is not log.lines[-1]:
            chosen.append(log.lines[-1])
        names = sorted({name for entry in chosen for name in entry} - {"seconds", "epoch", "batch"})
        measures: dict[str, dict[str, list[float]]] = {}
        for entry in log.measured:
            for name, value in _measures(entry).items():
                column = measures.setdefault(name, {"images": [], "values": []})
                column["images"].append(_whole(entry.get("images")))
                column["values"].append(value)
        lines = {name: [entry.get(name) for entry in chosen] for name in names}
        return {"lines": lines, "measures": measures}

    def samples(self) -> list[str]:
        """The names of the grids, oldest first."""
        try:
            names = [path.stem for path in (self.path / "samples").glob("*.png")]
        except OSError:
            return []
        return sorted((name for name in names if SAMPLE.fullmatch(name)), key=lambda name: int(name[:-1]))

    def sample(self, name: str) -> tuple[bytes, str]:
        """The PNG of a grid, and its stamp. Raises RequestError where there is none."""
        if SAMPLE.fullmatch(name):
            path = self.path / "samples" / f"{name}.png"
            try:
                stamp = _stamp(path)  # first: a grid that is drawn again meanwhile gets another one
                with path.open("rb") as file:
                    return file.read(), stamp
            except OSError:
                pass
        raise RequestError(404, f"This run has no grid {name[:40]!r}; it may have been removed since.")

    def _state(self, log: _Log, images: int, budget: int) -> str:
        if not log.lines:
            return "new"
        if images >= budget > 0:
            return "finished"
        between = [entry.get("seconds") or 0.0 for entry in log.lines[-2:]]
        usual = between[-1] - between[0]
        try:
            silent = time.time() - (self.path / "log.jsonl").stat().st_mtime
        except OSError:
            return "quiet"
        return "training" if silent < max(QUIET, 3 * usual) else "quiet"

    def _recipe(self) -> dict[str, str | int | float]:
        """The recipe's values by the names that `--set` knows, also of another version."""
        try:
            fields = json.loads((self.path / "recipe.json").read_bytes())
            return dict(map(_shown, flatten(fields))) if isinstance(fields, dict) else {}
        except (OSError, ValueError, RecursionError):
            return {}

    def _read(self) -> _Log:
        path = self.path / "log.jsonl"
        stamp = _stamp(path)
        if stamp == self._log.stamp:
            return self._log
        log = _Log(stamp)
        for entry in _entries(path):
            if isinstance(entry.get("warning"), str):
                log.warnings.append(entry)
            elif "real_loss" in entry:
                log.lines.append(_numbers(entry))
            elif _measures(entry):
                log.measured.append(entry)
        self._log = log
        return log


def _entries(path: Path) -> list[dict[str, Any]]:
    """The entries of a log; a line that is cut short, or is no object, is left out."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - MOST_BYTES))
            lines = file.read(MOST_BYTES).split(b"\n")
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found


def _numbers(entry: dict[str, Any]) -> dict[str, float | None]:
    """The numbers of an entry, None for those that are not finite, which JSON does not have."""
    return {
        name: value if math.isfinite(value) else None
        for name, value in ((name, _as_float(value)) for name, value in entry.items())
        if value is not None and name.isprintable()
    }


def _as_float(value: Any) -> float | None:
    """A number as a float, None for anything else."""
    try:
        return float(value) if isinstance(value, int | float) else None
    except OverflowError:  # of a whole number without end
        return math.inf


def _measures(entry: dict[str, Any]) -> dict[str, float]:
    """What was measured of the faces: finite numbers that are no conditions."""
    return {
        name: float(value)
        for name, value in _numbers(entry).items()
        if value is not None and name not in CONDITIONS
    }


def _whole(value: Any) -> int:
    number = _as_float(value)
    return int(value) if number is not None and math.isfinite(number) else 0


def _text(words: str) -> str:
    """The words, as what can be sent: half a character of UTF-16 cannot."""
    return words.encode(errors="replace").decode()


def _shown(item: tuple[str, Any]) -> tuple[str, str | int | float]:
    """A value of a recipe, in a form that a table shows."""
    name, value = item
    plain = isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    return _text(name), value if plain else _text(value if isinstance(value, str) else json.dumps(value))


def _stamp(path: Path) -> str:
    """Changes when the file does; empty where there is none."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_mtime_ns:x}-{status.st_size:x}"
