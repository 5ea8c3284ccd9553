"""Statistics files: means, covariances and features of pictures, without the pictures.

.safetensors    any kinds of features, with their conditions and a digest
.npz            one kind: "mu" and "sigma", as pytorch-fid reads and writes them, "features" and "conditions"

An .npz that pytorch-fid wrote has only "mu" and "sigma".
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
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
from strangers.system.cache import Cached, from_bytes, to_bytes
from strangers.system.files import hash_of
from strangers.system.streams import open_regular_file, read_regular_file

SUFFIXES = (".npz", ".safetensors")

PARTS = ("mean", "covariance", "features")
"""Arrays of one kind of features; in an .npz they are "mu", "sigma" and "features"."""

ROUNDING = 1e-4
"""Error of a covariance relative to its largest number, such as that of float32, that is no damage."""

MAX_NUMBER = 1e15
"""Largest number of a mean, a covariance or a feature; larger ones are damage."""

Arrays = Mapping[str, NDArray[Any]]


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
            with open_regular_file(path) as file, zipfile.ZipFile(file) as archive:
                return {"mu.npy", "sigma.npy"} <= set(archive.namelist())
        except (OSError, ValueError, zipfile.BadZipFile):
            return False
    if path.suffix.lower() != ".safetensors":
        return False
    with open_regular_file(path) as file:
        start = file.read(2048)
    return start[8:9] == b"{" and b'\\"statistics\\"' in start


def read_statistics(path: Path) -> StoredStatistics:
    """Read a statistics file. Raises DataError for a damaged one, and for numbers that are no statistics."""
    try:
        data = read_regular_file(path)
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror or error}.") from None
    facts, arrays = (_of_npz if path.suffix.lower() == ".npz" else _of_safetensors)(path, data)
    features = {}
    for name in facts.weights:
        found = [arrays.get(f"{name}.{part}") for part in PARTS]
        if (fault := _fault(found, facts.count)) is not None:
            raise DataError(f"The statistics of {name} in {path} are damaged: {fault}. Make them again.")
        mean, covariance, vectors = (np.asarray(array) for array in found)
        features[name] = FeatureSet(
            Statistics(facts.count, mean.astype(np.float64), covariance.astype(np.float64)), vectors
        )
    return StoredStatistics(facts, features)


def _fault(arrays: Sequence[NDArray[Any] | None], count: int | None) -> str | None:
    """Say why arrays are no mean, covariance and single features of `count` pictures; None if they are."""
    for part, array in zip(PARTS, arrays, strict=True):
        if array is None:
            return f"there is no {part}"
        if array.dtype.kind != "f":
            return f"the {part} has numbers of type {array.dtype}, not floating-point numbers"
        if not (np.abs(array) <= MAX_NUMBER).all():
            return f"the {part} has numbers that are not finite, or above {MAX_NUMBER:g}"
    mean, covariance, vectors = (np.asarray(array) for array in arrays)
    size = mean.shape[0] if mean.ndim == 1 else 0
    if not size or covariance.shape != (size, size) or vectors.ndim != 2 or vectors.shape[1] != size:
        return f"the shapes {mean.shape}, {covariance.shape} and {vectors.shape} do not fit together"
    if count is not None and len(vectors) > count:
        return f"it has single features of {len(vectors):,} pictures, more than the {count:,} that it states"
    largest = float(np.abs(covariance).max())
    if np.abs(covariance - covariance.T).max() > ROUNDING * largest:
        return "the covariance is not symmetric"
    try:  # exists for a matrix without negative eigenvalues
        np.linalg.cholesky(covariance + ROUNDING * (largest or 1) * np.eye(size))
    except np.linalg.LinAlgError:
        return "the covariance has negative variances"
    return None


def _of_safetensors(path: Path, data: bytes) -> tuple[StatisticsFacts, Arrays]:
    value = from_bytes(data)
    if value is None or "statistics" not in value.facts:
        raise DataError(f"{path} is damaged: its digest does not fit. Make it again.")
    return _facts(path, data, value.facts["statistics"]), value.arrays


def _facts(path: Path, data: bytes, conditions: object) -> StatisticsFacts:
    """Return the conditions in a file, with the file's place and hash. Raises DataError."""
    try:
        facts = StatisticsFacts.model_validate_json(str(conditions))
    except ValidationError as error:
        raise DataError(f"The conditions in {path} are damaged: {explain(StatisticsFacts, error)}") from None
    if not facts.weights:
        raise DataError(f"The conditions in {path} are damaged: they name no features.")
    return facts.model_copy(update={"path": str(path), "hash": hash_of(data)})


def _of_npz(path: Path, data: bytes) -> tuple[StatisticsFacts, Arrays]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = dict(archive)
    # The exceptions that numpy raises on a damaged header have no common base.
    except Exception as error:
        raise DataError(f"Cannot read {path}: {error}. It may be truncated.") from None
    if "conditions" in arrays:
        facts = _facts(path, data, arrays["conditions"])
        if len(facts.weights) != 1:
            raise DataError(f"The conditions in {path} are damaged: an .npz holds one kind of features.")
    else:
        size = arrays["mu"].shape[0] if arrays["mu"].ndim == 1 else 0
        names = {dimensions: name for name, dimensions in DIMENSIONS.items() if name != "logits"}
        if size not in names:
            known = ", ".join(map(str, names))
            raise DataError(
                f"mu in {path} must have {known} numbers, as Inception layers (got {arrays['mu'].shape})."
            )
        arrays["features"] = np.zeros((0, size), np.float32)
        facts = StatisticsFacts(
            path=str(path), hash=hash_of(data), source=path.name, protocol=Protocol(),
            weights={names[size]: None},
        )  # fmt: skip
    [name] = facts.weights
    numpy_names = ("mu", "sigma", "features")
    return facts, {
        f"{name}.{part}": arrays[key] for part, key in zip(PARTS, numpy_names, strict=True) if key in arrays
    }
