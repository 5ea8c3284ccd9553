"""compare: several models, or groups of training runs, against the same photographs."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from strangers.config import Configuration
from strangers.data.prepared import positions
from strangers.errors import UsageError
from strangers.evaluation.collect import check_sides, extractors_of, generated_side, reference_side
from strangers.evaluation.evaluate import Job, Settings, check, describe
from strangers.evaluation.features import MAX_KEPT_FEATURES, Features, FeatureSet
from strangers.evaluation.frechet import statistics
from strangers.evaluation.metric_table import METRICS, higher_is_better
from strangers.evaluation.metrics import JACKKNIFE_HALVES
from strangers.evaluation.progress import progress_bars
from strangers.evaluation.result import Result, Value
from strangers.evaluation.sides import Side
from strangers.evaluation.values import compute_values, fewest

Halves = dict[str, list[float]]
"""Values of each metric on JACKKNIFE_HALVES random halves of photographs and faces."""


class Row(Configuration):
    """One model, or several runs of one training.

    Attributes:
        label: its name in the table.
        results: one per run.
        values: of the only run, or the mean of the runs.
        spread: standard deviation over the runs by metric; empty for a single run.
    """

    label: str
    results: tuple[Result, ...]
    values: dict[str, Value]
    spread: dict[str, float] = Field(default_factory=dict)


class Difference(Configuration):
    """Difference of two rows on one metric, first minus second.

    Attributes:
        metric, first, second: names.
        value, error: the difference and its standard error.
        over: what the error covers: "pictures", the choice of photographs and faces for these trained models,
            or "runs", the spread over training seeds.
    """

    metric: str
    first: str
    second: str
    value: float
    error: float
    over: Literal["pictures", "runs"]

    @property
    def interval(self) -> tuple[float, float]:
        """95% confidence interval."""
        return self.value - 1.96 * self.error, self.value + 1.96 * self.error

    def __str__(self) -> str:
        """Name the better row, if the interval excludes 0."""
        low, high = self.interval
        if low <= 0 <= high:
            return (
                f"{self.metric}: no significant difference between {self.first} and {self.second} "
                f"({low:.3g} to {high:.3g})"
            )
        names = self.first, self.second
        better, worse = names if (self.value > 0) == higher_is_better(self.metric) else names[::-1]
        size = f"{abs(self.value):.3g} ± {1.96 * self.error:.2g}"
        return f"{self.metric}: {better} is better than {worse}, by {size}"


class Comparison(Configuration):
    """The rows of a comparison, and the differences of each later row from the first."""

    rows: tuple[Row, ...]
    differences: tuple[Difference, ...]


def compare(
    groups: Sequence[Sequence[str | Path]],
    data: str | Path,
    *,
    labels: Sequence[str] | None = None,
    settings: Settings | None = None,
    progress: bool = True,
) -> Comparison:
    """Measure models against the same photographs and compare each with the first.

    groups: models, or pictures, of each row; several are runs of one training with other seeds, whose values
        are averaged.
    labels: of the rows; None takes them from the names.
    The photographs' features are computed once. All inputs are checked before anything is drawn. Raises the
    errors of `evaluate`, and UsageError for models of different sizes and for equal labels.
    """
    settings = settings or Settings()
    settings.check()
    settings = replace(settings, metrics=[name for name in settings.names if name != "memorization"])
    names = list(labels or map(label_of, groups))
    if len(set(names)) != len(names):
        raise UsageError(f"Rows need different names (got {', '.join(names)}).")
    jobs = [[check(one, data, None, None, settings, progress) for one in group] for group in groups]
    reference = _reference(jobs)
    sides = [reference, *(job.generated for group in jobs for job in group)]
    extractors = extractors_of(settings.names, sides, settings.weights, settings.device)
    check_sides(settings.names, sides, extractors, settings.count, shrinkage=settings.shrinkage)
    rows: list[Row] = []
    halves: list[list[Halves]] = []
    with progress_bars(progress) as advance:
        real = reference_side(reference, extractors, settings.count, advance)
        parts = list(_halves(real, 0))
        for number, (label, group) in enumerate(zip(names, jobs, strict=True), 1):
            results, of_runs = [], []
            for job in group:
                started = time.monotonic()
                fake, _ = generated_side(job.generated, extractors, settings.count, advance)
                values = compute_values(settings.names, real, fake, shrinkage=settings.shrinkage)
                of_runs.append(_half_values(parts, list(_halves(fake, number)), settings))
                results.append(describe(job, settings, extractors, values, time.monotonic() - started))
            rows.append(pooled(label, results))
            halves.append(of_runs)
    differences = [
        found
        for row, of_runs in zip(rows[1:], halves[1:], strict=True)
        for found in differences_of(rows[0], row, halves[0], of_runs)
    ]
    return Comparison(rows=tuple(rows), differences=tuple(differences))


def label_of(group: Sequence[str | Path]) -> str:
    """Return a name for a row: of the model, or what the names of the runs have in common."""
    first, *others = [Path(one).name or str(one) for one in group]
    length = len(first) if not others else 0
    while others and all(other.startswith(first[: length + 1]) for other in others) and length < len(first):
        length += 1
    return first[:length].rstrip("-_. ") or first


def pooled(label: str, results: Sequence[Result]) -> Row:
    """Return the row of one result, or of the mean over several runs with its standard error."""
    first = results[0].values
    if len(results) == 1:
        return Row(label=label, results=tuple(results), values=first)
    values, spread = {}, {}
    for name in first:
        of_runs = [result.values[name].value for result in results]
        spread[name] = float(np.std(of_runs, ddof=1))
        values[name] = Value(value=float(np.mean(of_runs)), error=spread[name] / math.sqrt(len(of_runs)))
    return Row(label=label, results=tuple(results), values=values, spread=spread)


def differences_of(first: Row, second: Row, ours: list[Halves], theirs: list[Halves]) -> Iterator[Difference]:
    """Yield the differences of two rows, metric by metric.

    Between two trained models, the error is the spread over random halves of the photographs, the same for
    both, and of the faces (delete-half jackknife, Shao and Wu 1989). Between two groups of runs, it is that
    of Welch 1947, over the runs. Metrics whose halves are too small have no difference.
    """
    for name, value in first.values.items():
        if name not in second.values:
            continue
        difference = value.value - second.values[name].value
        if first.spread and second.spread:
            errors = [row.values[name].error or 0.0 for row in (first, second)]
            over: Literal["pictures", "runs"] = "runs"
            error = math.hypot(*errors)
        elif name in ours[0] and name in theirs[0]:
            means = [np.mean([half[name] for half in side], axis=0) for side in (ours, theirs)]
            kept = min(1.0, MAX_KEPT_FEATURES / (first.results[0].generated or 1))
            over, error = "pictures", float(np.std(means[0] - means[1], ddof=1) * math.sqrt(kept))
        else:
            continue
        yield Difference(
            metric=name, first=first.label, second=second.label, value=difference, error=error, over=over
        )


def _reference(jobs: Sequence[Sequence[Job]]) -> Side:
    """Return the only reference of all. Raises UsageError for models of different sizes or crops."""
    first = jobs[0][0]
    for job in (job for group in jobs for job in group):
        if job.data.facts.hash != first.data.facts.hash:
            raise UsageError(
                f"{first.generated.facts.path} ({first.generated.facts.protocol}) and "
                f"{job.generated.facts.path} ({job.generated.facts.protocol}) cannot be compared with the "
                "same photographs."
            )
    return first.data


def _halves(features: Features, stream: int) -> Iterator[Features]:
    """Yield random halves of the features that are kept; all of the statistics where none are."""
    for draw in range(JACKKNIFE_HALVES):
        half: Features = {}
        for name, found in features.items():
            count = len(found.features)
            which = positions(count, count // 2, JACKKNIFE_HALVES * stream + draw, 0)
            some = found.features[which]
            half[name] = FeatureSet(statistics(some), some) if count > 3 else found
        yield half


def _half_values(real: Sequence[Features], fake: Sequence[Features], settings: Settings) -> Halves:
    """Return the values of the halves, of the metrics that halves are large enough for."""
    found: Halves = {}
    for photographs, faces in zip(real, fake, strict=True):
        dimensions = {name: len(one.statistics.mean) for name, one in faces.items()}
        names = [
            name
            for name in settings.names
            if (features := METRICS[name].features) in faces
            and min(_number(photographs[features]), _number(faces[features]))
            >= fewest(METRICS[name], dimensions, shrinkage=settings.shrinkage)
        ]
        values = compute_values(names, photographs, faces, shrinkage=settings.shrinkage, errors=False)
        for name, value in values.items():
            found.setdefault(name, []).append(value.value)
    return found


def _number(features: FeatureSet) -> float:
    """Return the number of single features, or of pictures behind statistics without them."""
    return len(features.features) or features.statistics.count or math.inf
