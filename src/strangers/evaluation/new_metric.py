"""Metrics of plug-ins, which `strangers.register` adds to the tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from strangers.errors import UsageError
from strangers.evaluation.features import FeatureSet
from strangers.evaluation.metric_table import FEATURES, GROUPS, HIGHER, MEANINGS, METRICS, Metric
from strangers.evaluation.result import Value
from strangers.evaluation.values import FORMULAS, MIN_PICTURES, Values

NO_ERROR = "the function of a plug-in gives none"


@dataclass(frozen=True)
class NewMetric:
    """A metric of two sets of features.

    Attributes:
        name: in --metrics and in results.
        function: features of the photographs (n, d) and of the faces (m, d), float32 -> the value.
        meaning: a clause about it with a place {} for the features, as "Distance of the means of {}".
        features: a name of `FEATURES`: "face" for the bundled network, "inception2048" for FID's.
        higher_is_better: larger values are better.
        fewest: fewest pictures per side that it can be computed from.
    """

    name: str
    function: Callable[[NDArray[np.float32], NDArray[np.float32]], float]
    meaning: str
    features: str = "face"
    higher_is_better: bool = False
    fewest: int = 2


def add_metric(metric: NewMetric) -> None:
    """Add a metric to the tables. Raises UsageError for unknown features, and for the name of a group."""
    if metric.features not in FEATURES or metric.name in GROUPS:
        raise UsageError(
            f"The metric {metric.name!r} needs a name other than {', '.join(GROUPS)}, and features of "
            f"{', '.join(FEATURES)} (got {metric.features!r})."
        )

    def compute(real: FeatureSet, fake: FeatureSet, shrinkage: bool, errors: bool) -> Values:
        value = float(metric.function(real.features, fake.features))
        return {metric.name: Value(value=value, reason=NO_ERROR)}

    FORMULAS[metric.name] = compute
    MEANINGS[metric.name], MIN_PICTURES[metric.name] = metric.meaning, metric.fewest
    HIGHER.discard(metric.name)
    if metric.higher_is_better:
        HIGHER.add(metric.name)
    METRICS[metric.name] = Metric(metric.name, metric.name, metric.features)
