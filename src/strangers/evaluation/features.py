"""What a metric needs of pictures: statistics of their features, and some of the features themselves.

Pictures go through in small batches, so that memory does not grow with their number. Those of a prepared set
are kept in the cache, by everything that they depend on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from strangers.data.prepared import PreparedSet, positions
from strangers.evaluation.attributes import Attributes
from strangers.evaluation.metrics import RunningStatistics, Statistics
from strangers.images import Pixels
from strangers.system.cache import cache_folder, write_to_cache

KEPT = 10_000
"""Features that are kept themselves, for the metrics that compare pictures one by one."""

BATCH = 256
"""Pictures at once: few enough for a small memory. It changes no number."""

FORMAT = 1


class Extractor(Protocol):
    """What turns pictures into features: `Attributes` and `InceptionFeatures` do.

    Attributes:
        name, hash: which network it is, and of which weights.
        dimensions: of one picture's features.
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
class Collected:
    """What is known of n pictures through one extractor.

    Attributes:
        statistics: of all of them.
        features: of the first of them, at most 10,000, float32 (m, dimensions).
        probabilities: of the attributes of those, float32 (m, 40); or None where the extractor has none.
    """

    statistics: Statistics
    features: NDArray[np.float32]
    probabilities: NDArray[np.float32] | None = None


class _Collector:
    """Gathers `Collected` from one batch after another."""

    def __init__(self, extractor: Extractor) -> None:
        self.extractor = extractor
        self.moments = RunningStatistics()
        self.features: list[NDArray[np.float32]] = []
        self.probabilities: list[NDArray[np.float32]] = []
        self.kept = 0

    def add(self, pixels: Pixels) -> None:
        probabilities = None
        if isinstance(self.extractor, Attributes):
            features, probabilities = self.extractor.read(pixels)
        else:
            features = self.extractor(pixels)
        self.moments.add(features)
        room = KEPT - self.kept
        if room > 0:
            self.features.append(features[:room])
            self.kept += len(self.features[-1])
            if probabilities is not None:
                self.probabilities.append(probabilities[:room])

    def collected(self) -> Collected:
        probabilities = np.concatenate(self.probabilities) if self.probabilities else None
        return Collected(self.moments.statistics(), np.concatenate(self.features), probabilities)


def collect(
    batches: Iterable[Pixels],
    extractors: Sequence[Extractor],
    advance: Callable[[int], None] = lambda count: None,
) -> list[Collected]:
    """What each extractor sees in the pictures; `advance` is told how many more are done."""
    collectors = [_Collector(extractor) for extractor in extractors]
    for pixels in batches:
        for collector in collectors:
            collector.add(pixels)
        advance(len(pixels))
    return [collector.collected() for collector in collectors]


def chosen(pictures: PreparedSet, count: int) -> NDArray[np.int64]:
    """Which `count` pictures of a set stand for it: always the same, in an order drawn from seed 0."""
    return positions(len(pictures), min(count, len(pictures)), 0, 0)


def batches_of(pictures: PreparedSet, which: NDArray[np.int64]) -> Iterator[Pixels]:
    """The pictures at those positions, BATCH at once."""
    for start in range(0, len(which), BATCH):
        yield pictures.batch(which[start : start + BATCH])


def reference(
    pictures: PreparedSet,
    extractor: Extractor,
    count: int,
    advance: Callable[[int], None] = lambda count: None,
) -> Collected:
    """What the extractor sees in `count` pictures of a prepared set, from the cache if it is there."""
    place = _place(pictures, extractor, count)
    found = _read(place)
    if found is not None:
        advance(found.statistics.count)
        return found
    [collected] = collect(batches_of(pictures, chosen(pictures, count)), [extractor], advance)
    _write(place, collected)
    return collected


def _place(pictures: PreparedSet, extractor: Extractor, count: int) -> Path:
    """Where the cache keeps it: named by all that it depends on."""
    manifest = pictures.manifest
    depends_on = {
        "format": FORMAT,
        "set": manifest.hash,
        "crop": manifest.crop,
        "size": manifest.size,
        "filter": manifest.filter,
        "features": extractor.name,
        "weights": extractor.hash,
        "count": min(count, len(pictures)),
    }
    name = hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()[:24]
    return cache_folder() / "statistics" / f"{extractor.name}-{name}.safetensors"


def _write(place: Path, collected: Collected) -> None:
    tensors: dict[str, NDArray[np.float32] | NDArray[np.float64]] = {
        "mean": collected.statistics.mean,
        "covariance": collected.statistics.covariance,
        "features": collected.features,
    }
    if collected.probabilities is not None:
        tensors["probabilities"] = collected.probabilities
    count = str(collected.statistics.count)
    digest = _digest(tensors, count)
    write_to_cache(place, bytes(save(tensors, {"count": count, "sha256": digest})))


def _read(place: Path) -> Collected | None:
    """What was kept, or None where nothing is or where it is damaged: then it is computed again."""
    try:
        with safe_open(place, framework="numpy") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dict)
        if _digest(tensors, metadata["count"]) != metadata["sha256"]:
            return None
        statistics = Statistics(int(metadata["count"]), tensors["mean"], tensors["covariance"])
        return Collected(statistics, tensors["features"], tensors.get("probabilities"))
    except (OSError, SafetensorError, KeyError, ValueError, TypeError):
        return None


def _digest(tensors: dict[str, NDArray[np.float32] | NDArray[np.float64]], count: str) -> str:
    digest = hashlib.sha256(count.encode())
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].dtype} {tensors[name].shape}".encode())
        digest.update(np.ascontiguousarray(tensors[name]).tobytes())
    return digest.hexdigest()
