"""statistics: measure photographs alone, so that others can compare with them without having them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from strangers._version import __version__
from strangers.data.prepare import open_or_prepare
from strangers.data.prepared import is_prepared
from strangers.errors import UsageError
from strangers.evaluation.collect import check_sides, extractors_of, reference_side
from strangers.evaluation.facts import Protocol, SetFacts, StatisticsFacts, origin, split_of
from strangers.evaluation.metric_table import METRICS, select_metrics
from strangers.evaluation.progress import progress_bars
from strangers.evaluation.sides import Side, open_side
from strangers.evaluation.statistics_file import statistics_bytes

SOURCE_SIZE = 64
"""Height and width to which a source is prepared if no size is wanted."""


@dataclass(frozen=True)
class Conditions:
    """Options of a statistics file.

    Attributes:
        metrics: names of the metrics that it will serve.
        count: number of pictures; None for all.
        size, crop, split: of a source that is prepared; None for the defaults.
        weights, device: as for `Settings`.
    """

    metrics: Sequence[str] = ("quick",)
    count: int | None = None
    size: int | None = None
    crop: str | None = None
    split: str | None = None
    weights: str | Path | None = None
    device: str = "auto"


@dataclass(frozen=True)
class StatisticsContent:
    """A statistics file as bytes, and a description of its content."""

    data: bytes
    count: int
    protocol: Protocol


def measure_statistics(
    data: str | Path, conditions: Conditions, suffix: str, *, progress: bool = True
) -> StatisticsContent:
    """Measure the pictures of `data`.

    data: a prepared set, an array of pictures, or a source, which is prepared into the cache.
    suffix: ".safetensors" or ".npz".
    Raises UsageError for metrics without features and for several kinds of features in an .npz, and the
    errors of `evaluate`.
    """
    names = [name for name in select_metrics(conditions.metrics) if name != "memorization"]
    if not names:
        raise UsageError("Memorization is no metric of statistics: choose others, such as fd-face or fid.")
    side = _open(data, conditions, progress)
    if side.batches is None:
        raise UsageError(f"{data} is a statistics file; pass pictures.")
    wanted = side.count if conditions.count is None else conditions.count
    if wanted is None:
        raise UsageError(f"{data} draws any number of faces; say how many with --count.")
    extractors = extractors_of(names, [side], conditions.weights, conditions.device)
    check_sides(names, [side], extractors, wanted, shrinkage=True)
    with progress_bars(progress) as advance:
        features = reference_side(side, extractors, wanted, advance)
    needed = {METRICS[name].features for name in names}
    features = {name: found for name, found in features.items() if name in needed}
    weights: dict[str, str | None] = {}
    weights |= {name: one.hash for one in extractors for name in one.dimensions if name in needed}
    count = side.measured(wanted)
    assert count is not None
    facts = StatisticsFacts(
        path="", hash="", source=Path(origin(side.facts)).name, split=split_of(side.facts),
        data_hash=side.facts.hash, count=count, protocol=side.facts.protocol, weights=weights,
        software=f"strangers {__version__}",
    )  # fmt: skip
    return StatisticsContent(statistics_bytes(facts, features, suffix), count, facts.protocol)


def _open(data: str | Path, conditions: Conditions, progress: bool) -> Side:
    """Open a prepared set or pictures as they are, or prepare a source."""
    path = Path(data)
    if is_prepared(path) or path.suffix.lower() in (".npy", ".npz", ".onnx", ".safetensors"):
        side = open_side(data, device=conditions.device)
        if conditions.size not in (None, side.facts.protocol.size):
            raise UsageError(f"{data} has {side.facts.protocol}; pass photographs to choose another size.")
        if conditions.crop is not None and conditions.crop != side.facts.protocol.crop:
            raise UsageError(f"{data} has {side.facts.protocol}; pass photographs to choose another crop.")
        if conditions.split is not None and not (
            isinstance(side.facts, SetFacts) and side.facts.split == conditions.split
        ):
            raise UsageError(f"{data} cannot be split; pass photographs with a table of partitions.")
        return side
    prepared = open_or_prepare(
        data,
        size=conditions.size or SOURCE_SIZE,
        crop=conditions.crop,
        split=conditions.split,
        progress=progress,
    )
    return open_side(prepared.path, device=conditions.device)
