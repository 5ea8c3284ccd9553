"""Values of a measurement: every requested metric, with its standard error or the reason why it has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from strangers.data.prepared import positions
from strangers.errors import DataError
from strangers.evaluation.features import Features, FeatureSet
from strangers.evaluation.frechet import frechet_distance, frechet_distances, frechet_infinity, statistics
from strangers.evaluation.metric_table import METRICS, Metric
from strangers.evaluation.metrics import (
    JACKKNIFE_HALVES,
    cmmd,
    diversity,
    inception_score,
    kernel_distance,
    mind,
    prdc,
)
from strangers.evaluation.result import AttributeFrequency, Value

MIN_PICTURES: dict[str, int] = {
    "kd": 4, "cmmd": 4, "mind": 4, "precision": 6, "recall": 6, "density": 6, "coverage": 6, "is": 10,
    "diversity": 2, "memorization": 1,
}  # fmt: skip
"""Fewest pictures per side. Frechet distances need more than their features have dimensions."""

NEIGHBORHOODS: tuple[str, ...] = ("precision", "recall", "density", "coverage")

Values = dict[str, Value]


def fewest(metric: Metric, dimensions: Mapping[str, int], *, shrinkage: bool) -> int:
    """Return the fewest pictures per side that a metric can be computed from."""
    if metric.formula == "fd":
        return 2 if shrinkage else dimensions[metric.features] + 1
    if metric.formula == "fd-infinity":  # of halves of the faces
        return 4 if shrinkage else 2 * dimensions[metric.features] + 2
    return MIN_PICTURES[metric.formula]


def check_counts(
    metrics: Sequence[str], dimensions: Mapping[str, int], sides: Mapping[str, int], *, shrinkage: bool
) -> None:
    """Check that each side has enough pictures for every metric, before any is read or drawn.

    dimensions: of the features by name.
    sides: number of pictures by the name of the side.
    Raises DataError that names the side, its number, the metric and the number it needs.
    """
    for side, count in sides.items():
        for name in metrics:
            needed = fewest(METRICS[name], dimensions, shrinkage=shrinkage)
            if count >= needed:
                continue
            advice = "or choose other --metrics"
            if METRICS[name].formula in ("fd", "fd-infinity") and not shrinkage:
                advice = (
                    f"better {10 * dimensions[METRICS[name].features]:,}, or --shrinkage, whose results "
                    "compare only with each other"
                )
            raise DataError(
                f"{side} has {count:,} {'picture' if count == 1 else 'pictures'}, too few for {name}: "
                f"at least {needed:,} are needed, {advice}."
            )


def compute_values(
    metrics: Sequence[str], real: Features, fake: Features, *, shrinkage: bool, errors: bool = True
) -> dict[str, Value]:
    """Compute the requested metrics on the features of both sides.

    errors: False leaves out standard errors that take long.
    """
    values: dict[tuple[str, str], Value] = {}
    asked = [METRICS[name] for name in metrics if METRICS[name].features in fake]
    for metric in asked:
        if (metric.features, metric.formula) not in values:
            found = FORMULAS[metric.formula](real[metric.features], fake[metric.features], shrinkage, errors)
            values |= {(metric.features, formula): value for formula, value in found.items()}
    return {metric.name: values[metric.features, metric.formula] for metric in asked}


def _frechet(real: FeatureSet, fake: FeatureSet, shrinkage: bool, errors: bool) -> Values:
    distance = frechet_distance(real.statistics, fake.statistics, shrinkage=shrinkage)
    error = frechet_error(real, fake, shrinkage=shrinkage) if errors else None
    dimensions = fake.features.shape[1]
    reason = f"it is a spread over halves of the faces, for which {2 * dimensions + 2:,} are needed"
    return {"fd": Value(value=distance, error=error, reason=reason if error is None else "")}


def frechet_error(real: FeatureSet, fake: FeatureSet, *, shrinkage: bool) -> float | None:
    """Return the standard error of the Frechet distance from its spread over random halves of the faces.

    Delete-half jackknife (Shao and Wu 1989): a half drawn without replacement varies around the whole as
    much as the whole does around the truth. None if halves have too few faces for the dimensions.
    """
    count, dimensions = fake.features.shape
    if count < 4 or fake.statistics.count is None or (count // 2 <= dimensions and not shrinkage):
        return None
    halves = [positions(count, count // 2, seed, 0) for seed in range(JACKKNIFE_HALVES)]
    parts = [statistics(fake.features[half]) for half in halves]
    distances = frechet_distances(real.statistics, parts, shrinkage=shrinkage)
    return float(np.std(distances, ddof=1) * np.sqrt(count / fake.statistics.count))


def _infinity(real: FeatureSet, fake: FeatureSet, shrinkage: bool, errors: bool) -> Values:
    value = frechet_infinity(real.statistics, fake.features, shrinkage=shrinkage)
    return {"fd-infinity": Value(value=value, reason="it is an extrapolation; see the ± of the distance")}


def _kernel(real: FeatureSet, fake: FeatureSet, shrinkage: bool, errors: bool) -> Values:
    estimate = kernel_distance(real.features, fake.features)
    return {"kd": Value(value=estimate.value, error=estimate.error)}


def _cmmd(real: FeatureSet, fake: FeatureSet, shrinkage: bool, errors: bool) -> Values:
    estimate = cmmd(real.features, fake.features)
    return {"cmmd": Value(value=estimate.value, error=estimate.error)}


def _mind(real: FeatureSet, fake: FeatureSet, shrinkage: bool, errors: bool) -> Values:
    estimate = mind(real.features, fake.features)
    return {"mind": Value(value=estimate.value, error=estimate.error)}


def _neighborhoods(real: FeatureSet, fake: FeatureSet, shrinkage: bool, errors: bool) -> Values:
    found = prdc(real.features, fake.features)
    return {
        "precision": Value(value=found.precision, error=found.precision_error),
        "recall": Value(value=found.recall, reason="each ball depends on several faces"),
        "density": Value(value=found.density, error=found.density_error),
        "coverage": Value(value=found.coverage, reason="one face can cover several photographs"),
    }


def _score(real: FeatureSet, fake: FeatureSet, shrinkage: bool, errors: bool) -> Values:
    estimate = inception_score(fake.features)
    return {"is": Value(value=estimate.value, error=estimate.error)}


def _diversity(real: FeatureSet, fake: FeatureSet, shrinkage: bool, errors: bool) -> Values:
    value = diversity(fake.features)
    halves = [
        positions(len(fake.features), len(fake.features) // 2, seed, 0) for seed in range(JACKKNIFE_HALVES)
    ]
    error = np.std([diversity(fake.features[half]) for half in halves], ddof=1)
    return {"diversity": Value(value=value, error=float(error))}


FORMULAS: dict[str, Callable[[FeatureSet, FeatureSet, bool, bool], Values]] = {
    "fd": _frechet,
    "fd-infinity": _infinity,
    "kd": _kernel,
    "cmmd": _cmmd,
    "mind": _mind,
    **dict.fromkeys(NEIGHBORHOODS, _neighborhoods),
    "is": _score,
    "diversity": _diversity,
}
"""Functions that compute a formula, and others that come with it, from the photographs' and the faces'
features."""


def attribute_frequencies(
    names: Sequence[str], real: FeatureSet, fake: FeatureSet
) -> tuple[AttributeFrequency, ...]:
    """Predict attribute frequencies on both sides, so that errors of the network cancel."""
    shares = [(side.features > 0.5).mean(axis=0) for side in (real, fake)]
    return tuple(
        AttributeFrequency(name=name, data=float(data), generated=float(generated))
        for name, data, generated in zip(names, *shares, strict=True)
    )
