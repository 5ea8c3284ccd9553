"""verify: measure a recorded result again, and say which values lie within its intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from strangers.config import explain
from strangers.errors import DataError, UsageError
from strangers.evaluation.evaluate import Settings, check, evaluate
from strangers.evaluation.facts import Facts, StatisticsFacts
from strangers.evaluation.metric_table import METRICS
from strangers.evaluation.result import Result, Value
from strangers.system.streams import read_regular_file

ROUNDING = 0.01
"""Relative difference between machines that is allowed for a value without a standard error."""

UNBIASED = ("kd",)
"""Formulas whose values do not depend on the count."""


@dataclass(frozen=True)
class Check:
    """A recorded value, and the value that was found."""

    metric: str
    recorded: Value
    found: Value

    @property
    def is_inside(self) -> bool:
        """True if the values differ by less than the 95% interval of their difference."""
        difference = abs(self.recorded.value - self.found.value)
        if self.recorded.error is None or self.found.error is None:
            return difference <= ROUNDING * max(abs(self.recorded.value), abs(self.found.value))
        return difference <= 1.96 * math.hypot(self.recorded.error, self.found.error)

    def __str__(self) -> str:
        verdict = "inside" if self.is_inside else "OUTSIDE"
        return f"{self.metric}: {verdict}, recorded {self.recorded}, found {self.found}"


def read_entry(path: Path) -> Result:
    """Read a recorded result. Raises UsageError without a file, and DataError."""
    try:
        return Result.model_validate_json(read_regular_file(path))
    except FileNotFoundError:
        raise UsageError(f"There is no result {path}; `strangers evaluate` writes one.") from None
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror or error}.") from None
    except ValidationError as error:
        raise DataError(f"{path} is no result of `strangers evaluate`: {explain(Result, error)}") from None


def verify(
    entry: Result,
    *,
    generated: str | None = None,
    data: str | None = None,
    metrics: Sequence[str] = (),
    count: int | None = None,
    weights: str | Path | None = None,
    device: str = "auto",
    progress: bool = True,
) -> list[Check]:
    """Repeat a recorded result, and return one check per metric.

    generated, data: the sides, where their places are not the recorded ones. They must have the recorded
        hashes; the hash of photographs that were prepared elsewhere is the same for the same photographs.
    metrics: a selection of the recorded ones; () for all.
    count: a smaller number of faces, for metrics that do not depend on it; None for the recorded number.
    Raises UsageError for other sides and other metrics, and the errors of `evaluate`.
    """
    names = list(metrics or entry.values)
    if unknown := [name for name in names if name not in entry.values]:
        raise UsageError(f"The entry has no {unknown[0]}; it has {', '.join(entry.values)}.")
    if count is not None and count != entry.generated:
        biased = [name for name in names if name not in METRICS or METRICS[name].formula not in UNBIASED]
        if biased:
            raise UsageError(
                f"{', '.join(biased)} depend on the number of faces: leave --count out, or choose --metrics "
                "among kernel distances, such as kd-face."
            )
    settings = Settings(
        metrics=names, count=count or entry.generated or 10_000, truncation=entry.truncation, weights=weights,
        device=device, shrinkage=entry.shrinkage, allow_mismatch=bool(entry.mismatch),
    )  # fmt: skip
    sides = generated or entry.model.path, data or entry.data.path
    job = check(*sides, None, None, settings, progress)
    for ours, theirs in ((job.generated.facts, entry.model), (job.data.facts, entry.data)):
        if _hash(ours)[:16] != _hash(theirs)[:16]:
            raise UsageError(
                f"{ours.path} is not what the entry measured: its hash begins with {_hash(ours)[:16]}, the "
                f"entry's with {_hash(theirs)[:16]}."
            )
    found = evaluate(*sides, settings=settings, progress=progress).result
    return [Check(name, entry.values[name], found.values[name]) for name in names]


def _hash(facts: Facts) -> str:
    """Return the hash of the pictures, also of those behind statistics."""
    stated = facts.data_hash if isinstance(facts, StatisticsFacts) else None
    return stated or facts.hash
