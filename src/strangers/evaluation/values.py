"""Values of a measurement: every requested metric on one kind of features, with its standard error."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from strangers.data.prepared import positions
from strangers.errors import DataError
from strangers.evaluation.attributes import Attributes
from strangers.evaluation.features import Extractor, FeatureSet
from strangers.evaluation.metrics import diversity, frechet_distance, kernel_distance, prdc, statistics
from strangers.evaluation.result import AttributeFrequency, Value

JACKKNIFE_HALVES = 10
"""Random halves of the faces that give the standard error of a Frechet distance."""

MIN_PICTURES = {"kd": 4, "pr": 6, "diversity": 2, "memorization": 1}
"""Fewest pictures per side for a metric; a Frechet distance needs more than its features have dimensions."""


def metric_name(metric: str, features: str) -> str:
    """Return the name of a metric on these features: fd-face, fid768, kid, precision-face, recall768."""
    if features == "face":
        return f"{metric}-face"
    dimensions = features.removeprefix("inception").removesuffix("2048")  # plain "fid" is the published one
    return {"fd": "fid", "kd": "kid"}.get(metric, metric) + dimensions


def check_counts(
    metrics: Collection[str],
    extractors: Sequence[Extractor],
    sides: Mapping[str, int],
    *,
    shrinkage: bool,
) -> None:
    """Check that each side has enough pictures for every metric, before any is read or drawn.

    sides: number of pictures by the name of the side.
    Raises DataError that names the side, its number, the metric and the number it needs.
    """
    for side, count in sides.items():
        for metric in metrics:
            for extractor in extractors:
                needed = extractor.dimensions + 1 if metric == "fd" else MIN_PICTURES[metric]
                needed = 2 if metric == "fd" and shrinkage else needed
                if count >= needed:
                    continue
                name = metric_name(metric, extractor.name)
                advice = (
                    f"better {10 * extractor.dimensions:,}, or --shrinkage, whose results compare only "
                    "with each other"
                    if metric == "fd" and not shrinkage
                    else "or choose other --metrics"
                )
                raise DataError(
                    f"{side} has {count:,} {'picture' if count == 1 else 'pictures'}, too few for {name}: "
                    f"at least {needed:,} are needed, {advice}."
                )


def compute_values(
    features: str, real: FeatureSet, fake: FeatureSet, metrics: Collection[str], *, shrinkage: bool
) -> dict[str, Value]:
    """Compute every requested metric on one kind of features."""
    values: dict[str, Value] = {}
    if "fd" in metrics:
        distance = frechet_distance(real.statistics, fake.statistics, shrinkage=shrinkage)
        error = frechet_error(real, fake, shrinkage=shrinkage)
        values[metric_name("fd", features)] = Value(value=distance, error=error)
    if "kd" in metrics:
        estimate = kernel_distance(real.features, fake.features)
        values[metric_name("kd", features)] = Value(value=estimate.value, error=estimate.error)
    if "pr" in metrics:
        found = prdc(real.features, fake.features)
        for name in ("precision", "recall", "density", "coverage"):
            values[metric_name(name, features)] = Value(value=getattr(found, name))
    if "diversity" in metrics and fake.probabilities is not None:
        values["diversity"] = Value(value=diversity(fake.probabilities))
    return values


def frechet_error(real: FeatureSet, fake: FeatureSet, *, shrinkage: bool) -> float | None:
    """Return the standard error of the Frechet distance from its spread over random halves of the faces.

    Delete-half jackknife (Shao and Wu 1989): a half drawn without replacement varies around the whole as
    much as the whole does around the truth. None if halves have too few faces for the dimensions.
    """
    count, dimensions = fake.features.shape
    if count // 2 <= dimensions and not shrinkage:
        return None
    distances = []
    for seed in range(JACKKNIFE_HALVES):
        half = positions(count, count // 2, seed, 0)
        part = statistics(fake.features[half])
        distances.append(frechet_distance(real.statistics, part, shrinkage=shrinkage))
    return float(np.std(distances, ddof=1) * np.sqrt(count / fake.statistics.count))


def attribute_frequencies(
    extractors: Sequence[Extractor], collected: Mapping[str, tuple[FeatureSet, FeatureSet]]
) -> tuple[AttributeFrequency, ...]:
    """Predict attribute frequencies on both sides, so that errors of the network cancel."""
    for extractor in extractors:
        if isinstance(extractor, Attributes):
            real, fake = collected[extractor.name]
            assert real.probabilities is not None
            assert fake.probabilities is not None
            shares = [(side > 0.5).mean(axis=0) for side in (real.probabilities, fake.probabilities)]
            return tuple(
                AttributeFrequency(name=name, data=float(data), generated=float(generated))
                for name, data, generated in zip(extractor.names, *shares, strict=True)
            )
    return ()
