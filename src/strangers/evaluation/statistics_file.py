"""Statistics files: means, covariances and features of pictures, without the pictures.

.safetensors    any kinds of features, with their conditions and a digest
.npz            one kind: "mu" and "sigma", as pytorch-fid reads and writes them, "features" and "conditions"

An .npz that pytorch-fid wrote has only "mu" and "sigma".
"""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from strangers.config import explain
from strangers.errors import DataError, UsageError
from strangers.evaluation.facts import Protocol, StatisticsFacts
from strangers.evaluation.features import Features, FeatureSet
from strangers.evaluation.frechet import Statistics
from strangers.evaluation.inception import DIMENSIONS
from strangers.system.cache import Cached, read_cached, to_bytes
from strangers.system.files import sha256_of

SUFFIXES = (".npz", ".safetensors")


@dataclass(frozen=True)
class StoredStatistics:
    """The content of a statistics file.

    Attributes:
        facts: description, with the conditions.
        features: by name; with no single feature vectors in files that hold only means and covariances.
    """

    facts: StatisticsFacts
    features: Features


def statistics_bytes(facts: StatisticsFacts, features: Features, suffix: str) -> bytes:
    """Return the bytes of a statistics file. Raises UsageError for several features in an .npz."""
    if suffix == ".safetensors":
        arrays: dict[str, NDArray[Any]] = {}
        for name, found in features.items():
            arrays[f"{name}.mean"] = found.statistics.mean
            arrays[f"{name}.covariance"] = found.statistics.covariance
            arrays[f"{name}.features"] = found.features
        return to_bytes(Cached(arrays, {"statistics": facts.model_dump_json()}))
    if len(features) != 1:
        raise UsageError(
            f"An .npz file holds one kind of features, and the metrics need {', '.join(features)}. Choose "
            "one metric, such as --metrics fid768, or let --out end in .safetensors."
        )
    [found] = features.values()
    buffer = io.BytesIO()
    np.savez(
        buffer,
        mu=found.statistics.mean,
        sigma=found.statistics.covariance,
        features=found.features,
        conditions=np.array(facts.model_dump_json()),
    )
    return buffer.getvalue()


def is_statistics(path: Path) -> bool:
    """Tell a statistics file from an .npz of pictures and from a model file."""
    if not path.is_file():
        return False
    if path.suffix.lower() == ".npz":
        try:
            with zipfile.ZipFile(path) as archive:
                return {"mu.npy", "sigma.npy"} <= set(archive.namelist())
        except (OSError, zipfile.BadZipFile):
            return False
    if path.suffix.lower() != ".safetensors":
        return False
    with path.open("rb") as file:
        start = file.read(2048)
    return start[8:9] == b"{" and b'\\"statistics\\"' in start


def read_statistics(path: Path) -> StoredStatistics:
    """Read a statistics file. Raises DataError for a damaged one."""
    stored = _of_npz(path) if path.suffix.lower() == ".npz" else _of_safetensors(path)
    for name, found in stored.features.items():
        mean, covariance = found.statistics.mean, found.statistics.covariance
        square = (len(mean), len(mean))
        if covariance.shape != square or not np.isfinite(mean).all() or not np.isfinite(covariance).all():
            raise DataError(f"The statistics of {name} in {path} are damaged: make them again.")
    return stored


def _of_safetensors(path: Path) -> StoredStatistics:
    value = read_cached(path)
    if value is None:
        raise DataError(f"{path} is damaged: its digest does not fit. Make it again.")
    facts = _facts(path, value.facts["statistics"])
    features = {}
    for name in facts.weights:
        arrays = (value.arrays[f"{name}.{part}"] for part in ("mean", "covariance", "features"))
        mean, covariance, vectors = arrays
        features[name] = FeatureSet(Statistics(facts.count, mean, covariance), vectors)
    return StoredStatistics(facts, features)


def _facts(path: Path, conditions: str) -> StatisticsFacts:
    """Return the conditions in a file, with the file's place and hash. Raises DataError."""
    try:
        facts = StatisticsFacts.model_validate_json(conditions)
    except ValidationError as error:
        raise DataError(f"The conditions in {path} are damaged: {explain(StatisticsFacts, error)}") from None
    return facts.model_copy(update={"path": str(path), "hash": sha256_of(path)[:16]})


def _of_npz(path: Path) -> StoredStatistics:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = dict(archive)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, MemoryError) as error:
        raise DataError(f"Cannot read {path}: {error}. It may be truncated.") from None
    mean, covariance = (np.asarray(arrays[name], np.float64) for name in ("mu", "sigma"))
    if "conditions" in arrays:
        facts = _facts(path, str(arrays["conditions"]))
        [name] = facts.weights
        vectors = arrays["features"]
    else:
        names = {dimensions: name for name, dimensions in DIMENSIONS.items() if name != "logits"}
        if mean.ndim != 1 or len(mean) not in names:
            known = ", ".join(map(str, names))
            raise DataError(
                f"mu in {path} must have {known} numbers, as Inception layers (got {mean.shape})."
            )
        name, vectors = names[len(mean)], np.zeros((0, len(mean)), np.float32)
        facts = StatisticsFacts(
            path=str(path), hash=sha256_of(path)[:16], source=path.name, protocol=Protocol(),
            weights={name: None},
        )  # fmt: skip
    return StoredStatistics(facts, {name: FeatureSet(Statistics(facts.count, mean, covariance), vectors)})
