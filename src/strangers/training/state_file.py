"""The file `state.json` of a checkpoint: the state of a training besides its tensors."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from strangers.errors import RunError
from strangers.system.streams import read_regular_file
from strangers.training.evaluator import BestMetric
from strangers.training.health import HealthMonitor
from strangers.training.step import StepReport

STATE = "state.json"
FORMAT = 4
"""Version of the checkpoint format."""


@dataclass(frozen=True)
class Progress:
    """The state of a training besides its tensors.

    Attributes:
        seconds: training time so far.
        log: sums of the log since its last line.
        health: problems found so far, and rollbacks.
        best: the best evaluation so far.
        snapshot: a sample grid was due at this checkpoint.
        copies: contents of the run's JSON files by name.
    """

    seconds: float = 0.0
    log: dict[str, Any] | None = None
    health: HealthMonitor = field(default_factory=HealthMonitor)
    best: BestMetric = field(default_factory=BestMetric)
    snapshot: bool = False
    copies: dict[str, Any] = field(default_factory=dict)


def description_of(images_seen: int, progress: Progress, hashes: dict[str, str]) -> str:
    """Return the content of state.json."""
    description: dict[str, Any] = {
        "format": FORMAT,
        "images_seen": images_seen,
        "seconds": progress.seconds,
        "log": progress.log,
        "health": asdict(progress.health),
        "learning_rate_multiplier": progress.health.learning_rate_multiplier,
        "best": asdict(progress.best),
        "snapshot": progress.snapshot,
        "copies": progress.copies,
        "sha256": hashes,
    }
    return json.dumps(description | {"state_sha256": digest(description)}, indent=1)


def read_state(folder: Path) -> dict[str, Any]:
    """Return the content of state.json. Raises ValueError, OSError or others if it was changed."""
    description: dict[str, Any] = json.loads(read_regular_file(folder / STATE))
    if description["format"] != FORMAT:
        raise ValueError(f"{STATE} has format {description['format']}, this version reads {FORMAT}")
    if description.pop("state_sha256") != digest(description):
        raise ValueError(f"{STATE} has changed since it was written")
    if not isinstance(description["images_seen"], int):
        raise ValueError(f"images_seen in {STATE} is not a whole number")
    return description


def digest(description: dict[str, Any]) -> str:
    """Return the SHA-256 of the fields of state.json."""
    return hashlib.sha256(json.dumps(description, indent=1).encode()).hexdigest()


def parse_progress(folder: Path, description: dict[str, Any]) -> Progress:
    """Parse the progress in state.json. Raises RunError."""
    try:
        progress = Progress(
            description["seconds"],
            description["log"],
            HealthMonitor(**description["health"]),
            BestMetric(**description["best"]),
            description["snapshot"],
            description["copies"],
        )
        _validate(progress)
        return progress
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise RunError(f"The checkpoint {folder} is damaged: {' '.join(str(error).split())}.") from None


def _validate(progress: Progress) -> None:
    """Raise ValueError, OverflowError or others unless a training can resume with these values."""
    TypeAdapter(Progress).validate_python(asdict(progress))
    _ = progress.health.learning_rate_multiplier  # overflows for absurd numbers of rollbacks
    if progress.log is not None:
        steps, sums = progress.log["steps"], progress.log["sums"]
        numbers = [value for value in sums if isinstance(value, float)]
        if not isinstance(steps, int) or not len(numbers) == len(sums) == len(StepReport._fields):
            raise ValueError("the sums of the log are invalid")
