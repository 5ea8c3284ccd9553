"""Features of both sides of a measurement: drawn, read, or taken from the cache or a statistics file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from strangers.errors import DataError, UsageError
from strangers.evaluation.attributes import load_attributes
from strangers.evaluation.facts import StatisticsFacts
from strangers.evaluation.features import Extractor, Features, extract, reference_features
from strangers.evaluation.inception import DIMENSIONS, load_inception
from strangers.evaluation.metric_table import METRICS
from strangers.evaluation.progress import Advance
from strangers.evaluation.sides import Side
from strangers.evaluation.transformer_features import load_transformer
from strangers.evaluation.values import check_counts
from strangers.evaluation.vision_transformer import TRANSFORMERS
from strangers.images import Pixels

MEMORIZATION_FACES = 1_000
"""Generated faces that are kept as pictures, to compare them with every training picture."""


def extractors_of(
    metrics: Sequence[str], sides: Sequence[Side], weights: str | Path | None, device: str
) -> list[Extractor]:
    """Return the networks whose features the metrics need; none if all sides are statistics files."""
    if all(side.stored is not None for side in sides):
        return []
    needed = {METRICS[name].features for name in metrics}
    extractors: list[Extractor] = []
    if needed & {"face", "attributes"}:
        extractors.append(load_attributes(device=device))
    if names := [name for name in DIMENSIONS if name in needed]:
        extractors.append(load_inception(weights, names, device))
    extractors += [load_transformer(name, device) for name in TRANSFORMERS if name in needed]
    return extractors


def check_sides(
    metrics: Sequence[str],
    sides: Sequence[Side],
    extractors: Sequence[Extractor],
    count: int,
    *,
    shrinkage: bool,
) -> None:
    """Check that the sides have the features and the pictures that the metrics need.

    Raises UsageError for metrics that a statistics file lacks or has from another network, and DataError for
    too few pictures, all before any is read or drawn.
    """
    dimensions = {name: d for extractor in extractors for name, d in extractor.dimensions.items()}
    weights: dict[str, str | None] = {name: one.hash for one in extractors for name in one.dimensions}
    for side in sides:
        _check_stored(side, metrics, weights)
        for name, found in (side.stored or {}).items():
            length = len(found.statistics.mean)
            if dimensions.setdefault(name, length) != length:
                raise DataError(
                    f"The {name} features in {side.facts.path} have {length:,} dimensions, and those of the "
                    f"other side {dimensions[name]:,}: they are of another network."
                )
        if isinstance(side.facts, StatisticsFacts):  # the next file is compared with this one
            weights |= {name: one for name, one in side.facts.weights.items() if one is not None}
    numbers = {side.facts.path: side.measured(count) for side in sides}
    known = {path: number for path, number in numbers.items() if number is not None}
    check_counts(metrics, dimensions, known, shrinkage=shrinkage)


def _check_stored(side: Side, metrics: Sequence[str], weights: Mapping[str, str | None]) -> None:
    """Check that a statistics file has what the metrics need. Raises UsageError."""
    if side.stored is None or not isinstance(side.facts, StatisticsFacts):
        return
    path, stated = side.facts.path, side.facts.weights
    for metric in (METRICS[name] for name in metrics):
        if metric.formula == "memorization":
            continue
        if metric.features not in side.stored:
            raise UsageError(
                f"{path} has no {metric.features} features, which {metric.name} needs; it has those of "
                f"{', '.join(side.stored)}. Choose other --metrics, or make it again with them."
            )
        if metric.formula != "fd" and not len(side.stored[metric.features].features):
            raise UsageError(
                f"{path} has a mean and a covariance only, and {metric.name} needs single features: choose a "
                "Frechet distance, such as fid768, or make the file by `strangers statistics`."
            )
        theirs, ours = stated.get(metric.features), weights.get(metric.features)
        if theirs is not None and ours is not None and theirs != ours:
            raise UsageError(
                f"The {metric.features} features in {path} are of other weights ({theirs}) than those of the "
                f"other side ({ours}), so that they cannot be compared."
            )


def reference_side(side: Side, extractors: Sequence[Extractor], count: int, advance: Advance) -> Features:
    """Return the features of `count` reference pictures; those of a prepared set are cached."""
    if side.stored is not None:
        return side.stored
    number = side.measured(count)
    assert number is not None
    assert side.batches is not None
    total = number * len(extractors)
    found: Features = {}
    for extractor in extractors:
        if side.pictures is not None:
            found |= reference_features(
                side.pictures, extractor, number, lambda n: advance("pictures", n, total)
            )
        else:
            found |= extract(side.batches(number), [extractor], lambda n: advance("pictures", n, total))
    return found


def generated_side(
    side: Side, extractors: Sequence[Extractor], count: int, advance: Advance
) -> tuple[Features, Pixels]:
    """Return the features of `count` faces, and the first faces; no faces for a statistics file."""
    if side.stored is not None:
        return side.stored, np.zeros((0, 1, 1, 3), np.uint8)
    number, batches = side.measured(count), side.batches
    assert number is not None
    assert batches is not None
    kept: list[Pixels] = []

    def faces() -> Iterator[Pixels]:
        for drawn in batches(number):
            if sum(map(len, kept)) < MEMORIZATION_FACES:
                kept.append(drawn)
            yield drawn

    features = extract(faces(), extractors, lambda n: advance("faces", n, number))
    return features, np.concatenate(kept)[:MEMORIZATION_FACES]
