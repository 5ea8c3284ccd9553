"""Features of pictures, and their statistics: the input of every metric.

Pictures are read in batches, so memory does not grow with their number. Features of prepared sets are cached
under everything that they depend on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from strangers.data.prepared import PreparedSet, positions
from strangers.evaluation.attributes import Attributes
from strangers.evaluation.metrics import RunningStatistics, Statistics
from strangers.images import Pixels
from strangers.system.cache import Cached, cached

MAX_KEPT_FEATURES = 10_000
"""Feature vectors that are kept for the metrics that compare single pictures."""

EXTRACTION_BATCH = 256
"""Pictures per batch. It bounds memory and changes no number."""

STATISTICS_FORMAT = 2


class Extractor(Protocol):
    """A network that turns pictures into features, such as `Attributes` and `InceptionFeatures`.

    Attributes:
        name: which network and layer, as in "inception768".
        hash: of the weights.
        dimensions: length of one feature vector.
    """

    @property
    def name(self) -> str: ...
    @property
    def hash(self) -> str: ...
    @property
    def dimensions(self) -> int: ...
    def __call__(self, pixels: Pixels) -> NDArray[np.float32]:
        """uint8 (n, h, w, 3) -> (n, dimensions)."""


@dataclass(frozen=True)
class FeatureSet:
    """The features of n pictures under one extractor.

    Attributes:
        statistics: over all n pictures.
        features: of the first m <= 10,000 pictures, float32 (m, dimensions).
        probabilities: attribute probabilities of the same pictures, float32 (m, 40); None for an extractor
            that reads no attributes.
    """

    statistics: Statistics
    features: NDArray[np.float32]
    probabilities: NDArray[np.float32] | None = None


class _FeatureCollector:
    """Builds a `FeatureSet` batch by batch."""

    def __init__(self, extractor: Extractor) -> None:
        self.extractor = extractor
        self.statistics = RunningStatistics()
        self.features: list[NDArray[np.float32]] = []
        self.probabilities: list[NDArray[np.float32]] = []
        self.kept = 0

    def add(self, pixels: Pixels) -> None:
        probabilities = None
        if isinstance(self.extractor, Attributes):
            features, probabilities = self.extractor.read(pixels)
        else:
            features = self.extractor(pixels)
        self.statistics.add(features)
        room = MAX_KEPT_FEATURES - self.kept
        if room > 0:
            self.features.append(features[:room])
            self.kept += len(self.features[-1])
            if probabilities is not None:
                self.probabilities.append(probabilities[:room])

    def feature_set(self) -> FeatureSet:
        probabilities = np.concatenate(self.probabilities) if self.probabilities else None
        return FeatureSet(self.statistics.statistics(), np.concatenate(self.features), probabilities)


def extract(
    batches: Iterable[Pixels],
    extractors: Sequence[Extractor],
    advance: Callable[[int], None] = lambda count: None,
) -> list[FeatureSet]:
    """Run every extractor over the pictures and return one `FeatureSet` each.

    advance: called with the number of pictures after each batch.
    """
    collectors = [_FeatureCollector(extractor) for extractor in extractors]
    for pixels in batches:
        for collector in collectors:
            collector.add(pixels)
        advance(len(pixels))
    return [collector.feature_set() for collector in collectors]


def reference_positions(pictures: PreparedSet, count: int) -> NDArray[np.int64]:
    """Return the positions of the `count` pictures that represent a set, in an order drawn from seed 0."""
    return positions(len(pictures), min(count, len(pictures)), 0, 0)


def batches_of(pictures: PreparedSet, which: NDArray[np.int64]) -> Iterator[Pixels]:
    """Yield the pictures at these positions, EXTRACTION_BATCH at a time."""
    for start in range(0, len(which), EXTRACTION_BATCH):
        yield pictures.batch(which[start : start + EXTRACTION_BATCH])


def reference_features(
    pictures: PreparedSet,
    extractor: Extractor,
    count: int,
    advance: Callable[[int], None] = lambda count: None,
) -> FeatureSet:
    """Return the features of `count` pictures of a prepared set, from the cache where possible.

    advance: called with numbers of pictures that add up to those measured.
    """
    manifest = pictures.manifest
    which = reference_positions(pictures, count)
    key = {
        "format": STATISTICS_FORMAT,
        "set": manifest.hash,
        "crop": manifest.crop,
        "size": manifest.size,
        "filter": manifest.filter,
        "features": extractor.name,
        "weights": extractor.hash,
        "count": len(which),
    }
    remaining = len(which)

    def report(count: int) -> None:
        nonlocal remaining
        remaining -= count
        advance(count)

    def make() -> Cached:
        [made] = extract(batches_of(pictures, which), [extractor], report)
        return to_cached(made)

    found = from_cached(cached("statistics", key, make))
    advance(remaining)  # everything, if it came from the cache
    return found


def to_cached(features: FeatureSet) -> Cached:
    """Convert to the cache's arrays and facts."""
    arrays: dict[str, NDArray[np.float32] | NDArray[np.float64]] = {
        "mean": features.statistics.mean,
        "covariance": features.statistics.covariance,
        "features": features.features,
    }
    if features.probabilities is not None:
        arrays["probabilities"] = features.probabilities
    return Cached(arrays, {"count": features.statistics.count})


def from_cached(value: Cached) -> FeatureSet:
    """Convert back from the cache's arrays and facts."""
    arrays = value.arrays
    statistics = Statistics(value.facts["count"], arrays["mean"], arrays["covariance"])
    return FeatureSet(statistics, arrays["features"], arrays.get("probabilities"))
