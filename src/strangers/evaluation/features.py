"""Features of pictures, and their statistics: the input of every metric.

Pictures are read in batches, so memory does not grow with their number. Features of prepared sets are cached
under everything that they depend on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from strangers.data.prepared import PreparedSet, positions
from strangers.evaluation.frechet import RunningStatistics, Statistics
from strangers.images import Pixels
from strangers.system.cache import Cached, find_cached, store_cached

MAX_KEPT_FEATURES = 10_000
"""Feature vectors that are kept for the metrics that compare single pictures."""

EXTRACTION_BATCH = 256
"""Pictures per batch. It bounds memory and changes no number."""

STATISTICS_FORMAT = 3


class Extractor(Protocol):
    """A network that turns pictures into features, such as `Attributes` and `InceptionFeatures`.

    Attributes:
        name: of the network.
        hash: of the weights.
        dimensions: length of one feature vector, by the name of the features, as in {"inception768": 768}.
    """

    @property
    def name(self) -> str: ...
    @property
    def hash(self) -> str: ...
    @property
    def dimensions(self) -> Mapping[str, int]: ...
    def extract(self, pixels: Pixels) -> Mapping[str, NDArray[np.float32]]:
        """uint8 (n, h, w, 3) -> features (n, dimensions) by name."""


@dataclass(frozen=True)
class FeatureSet:
    """Features of one kind of n pictures.

    Attributes:
        statistics: over all n pictures.
        features: of the first m <= 10,000 pictures, float32 (m, dimensions).
    """

    statistics: Statistics
    features: NDArray[np.float32]


Features = dict[str, FeatureSet]
"""Features of the same pictures, by name."""


class _FeatureCollector:
    """Builds a `FeatureSet` batch by batch."""

    def __init__(self) -> None:
        self.statistics = RunningStatistics()
        self.features: list[NDArray[np.float32]] = []
        self.kept = 0

    def add(self, features: NDArray[np.float32]) -> None:
        self.statistics.add(features)
        room = MAX_KEPT_FEATURES - self.kept
        if room > 0:
            self.features.append(features[:room])
            self.kept += len(self.features[-1])

    def feature_set(self) -> FeatureSet:
        return FeatureSet(self.statistics.statistics(), np.concatenate(self.features))


def extract(
    batches: Iterable[Pixels],
    extractors: Sequence[Extractor],
    advance: Callable[[int], None] = lambda count: None,
) -> Features:
    """Run every extractor over the pictures and return their features.

    advance: called with the number of pictures after each batch.
    """
    collectors = {name: _FeatureCollector() for extractor in extractors for name in extractor.dimensions}
    for pixels in batches:
        for extractor in extractors:
            for name, features in extractor.extract(pixels).items():
                collectors[name].add(features)
        advance(len(pixels))
    return {name: collector.feature_set() for name, collector in collectors.items()}


def picture_order(count: int, wanted: int) -> NDArray[np.int64]:
    """Return the positions of the `wanted` of `count` pictures that represent all, drawn from seed 0.

    They ascend, so that archives can be read in order, but those whose features are kept come first.
    """
    drawn = positions(count, min(count, wanted), 0, 0)
    parts = np.split(drawn, [MAX_KEPT_FEATURES])
    return np.concatenate([np.sort(part) for part in parts])


def batches_of(pictures: PreparedSet, which: NDArray[np.int64]) -> Iterator[Pixels]:
    """Yield the pictures at these positions, EXTRACTION_BATCH at a time."""
    for start in range(0, len(which), EXTRACTION_BATCH):
        yield pictures.batch(which[start : start + EXTRACTION_BATCH])


def reference_features(
    pictures: PreparedSet,
    extractor: Extractor,
    count: int,
    advance: Callable[[int], None] = lambda count: None,
) -> Features:
    """Return the features of `count` pictures of a prepared set, from the cache where possible.

    advance: called with numbers of pictures that add up to those measured.
    """
    manifest = pictures.manifest
    which = picture_order(len(pictures), count)
    conditions = {
        "format": STATISTICS_FORMAT,
        "set": manifest.hash,
        "crop": manifest.crop,
        "size": manifest.size,
        "filter": manifest.filter,
        "weights": extractor.hash,
        "count": len(which),
    }
    keys = {name: conditions | {"features": name} for name in extractor.dimensions}
    found = {name: find_cached("statistics", key) for name, key in keys.items()}
    known = {name: from_cached(value) for name, value in found.items() if value is not None}
    if known.keys() == keys.keys():
        advance(len(which))
        return known
    made = extract(batches_of(pictures, which), [extractor], advance)
    for name, key in keys.items():
        store_cached("statistics", key, to_cached(made[name]))
    return made


def to_cached(features: FeatureSet) -> Cached:
    """Convert to the cache's arrays and facts."""
    arrays: dict[str, NDArray[Any]] = {
        "mean": features.statistics.mean,
        "covariance": features.statistics.covariance,
        "features": features.features,
    }
    return Cached(arrays, {"count": features.statistics.count})


def from_cached(value: Cached) -> FeatureSet:
    """Convert back from the cache's arrays and facts."""
    arrays = value.arrays
    statistics = Statistics(value.facts["count"], arrays["mean"], arrays["covariance"])
    return FeatureSet(statistics, arrays["features"])
