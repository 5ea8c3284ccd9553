"""Statistics files: in place of the pictures, with the same numbers, and for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strangers.data.prepare import prepare
from strangers.errors import DataError, UsageError
from strangers.evaluation.evaluate import Settings, evaluate
from strangers.evaluation.facts import StatisticsFacts
from strangers.evaluation.frechet import frechet_distance, statistics
from strangers.evaluation.statistics import Conditions, measure_statistics
from strangers.evaluation.statistics_file import is_statistics, read_statistics, statistics_bytes
from strangers.system.cache import Cached, to_bytes

METRICS = ("fd-face", "kd-face", "precision-face", "recall-face", "mind-face")
FEW = Settings(metrics=METRICS, count=300, shrinkage=True)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("photographs") / "set"
    return prepare("synthetic:70", place, size=32, workers=1, progress=False).path


@pytest.fixture(scope="module")
def written(photographs: Path) -> Path:
    """Statistics of the photographs' face features."""
    path = photographs.with_name("statistics.safetensors")
    path.write_bytes(
        measure_statistics(photographs, Conditions(METRICS), ".safetensors", progress=False).data
    )
    return path


def test_they_give_the_numbers_of_the_pictures(trained: Path, photographs: Path, written: Path) -> None:
    pictures, file = (
        evaluate(trained, data, settings=FEW, progress=False).result for data in (photographs, written)
    )
    for name in METRICS:
        assert file.values[name] == pictures.values[name]
    assert isinstance(file.data, StatisticsFacts)
    assert (file.reference, file.data.count, file.data.protocol) == (70, 70, pictures.data.protocol)
    assert file.data.data_hash == pictures.data.hash
    assert file.features == pictures.features


def test_both_sides_may_be_statistics(written: Path) -> None:
    found = evaluate(written, written, settings=FEW, progress=False)
    assert found.result.values["fd-face"].value == pytest.approx(0, abs=1e-6)
    assert (found.result.generated, len(found.faces)) == (70, 0)


def test_an_npz_is_one_that_pytorch_fid_reads(photographs: Path, written: Path, tmp_path: Path) -> None:
    content = measure_statistics(photographs, Conditions(("fd-face",)), ".npz", progress=False)
    (tmp_path / "face.npz").write_bytes(content.data)
    with np.load(tmp_path / "face.npz") as archive:
        assert archive["mu"].shape == (256,)
        assert archive["sigma"].shape == (256, 256)
    npz, other = read_statistics(tmp_path / "face.npz"), read_statistics(written)
    np.testing.assert_array_equal(npz.features["face"].features, other.features["face"].features)
    assert npz.facts.data_hash == other.facts.data_hash


def test_an_npz_of_pytorch_fid_gives_a_frechet_distance_only(tmp_path: Path) -> None:
    features = np.random.Philox(key=5).random_raw(200 * 64).reshape(200, 64) / 2**64
    one, other = statistics(features[:100]), statistics(features[100:])
    for name, side in (("one", one), ("other", other)):
        np.savez(tmp_path / f"{name}.npz", mu=side.mean, sigma=side.covariance)
    paths = tmp_path / "one.npz", tmp_path / "other.npz"
    found = evaluate(*paths, settings=Settings(metrics=("fid64",)), progress=False).result
    assert found.values["fid64"].value == pytest.approx(frechet_distance(one, other), rel=1e-9)
    assert found.values["fid64"].error is None
    assert (found.generated, found.reference) == (None, None)
    with pytest.raises(UsageError, match="mean and a covariance only, and kid64 needs single features"):
        evaluate(*paths, settings=Settings(metrics=("kid64",)), progress=False)
    with pytest.raises(UsageError, match=r"has no inception768 features, .* it has those of inception64"):
        evaluate(*paths, settings=Settings(metrics=("fid768",)), progress=False)


def test_other_weights_and_crops_are_refused(trained: Path, written: Path, tmp_path: Path) -> None:
    stored = read_statistics(written)
    facts = stored.facts.model_copy(update={"weights": dict.fromkeys(stored.facts.weights, "0" * 16)})
    (tmp_path / "other.safetensors").write_bytes(statistics_bytes(facts, stored.features, ".safetensors"))
    with pytest.raises(UsageError, match="of other weights"):
        evaluate(trained, tmp_path / "other.safetensors", settings=FEW, progress=False)
    protocol = stored.facts.protocol.model_copy(update={"crop": "c108"})
    facts = stored.facts.model_copy(update={"protocol": protocol})
    (tmp_path / "crop.safetensors").write_bytes(statistics_bytes(facts, stored.features, ".safetensors"))
    with pytest.raises(UsageError, match=r"crop square.*crop c108.*--allow-mismatch"):
        evaluate(trained, tmp_path / "crop.safetensors", settings=FEW, progress=False)


def test_damage_is_noticed(written: Path, tmp_path: Path, trained: Path) -> None:
    content = bytearray(written.read_bytes())
    content[-5] ^= 1
    (tmp_path / "damaged.safetensors").write_bytes(content)
    with pytest.raises(DataError, match="is damaged"):
        evaluate(trained, tmp_path / "damaged.safetensors", settings=FEW, progress=False)
    assert is_statistics(written)
    assert not is_statistics(trained / "latest")
    assert not is_statistics(tmp_path)


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "NaN in a mean": ({"mu": np.full(8, np.nan)}, "mean has numbers that are not finite"),
    "infinity in a feature": ({"features": np.full((3, 8), np.inf)}, "features has numbers that are not"),
    "huge numbers": ({"sigma": np.eye(8) * 1e300}, "covariance has numbers that are not finite, or above"),
    "negative variances": ({"sigma": -np.eye(8)}, "negative variances"),
    "a negative eigenvalue": ({"sigma": np.eye(8) - 0.5}, "negative variances"),
    "no symmetry": ({"sigma": np.triu(np.ones((8, 8)))}, "not symmetric"),
    "text": ({"mu": np.array(["a"] * 8)}, "mean has numbers of type <U1, not floating-point"),
    "complex numbers": ({"sigma": np.eye(8, dtype=complex)}, "covariance has numbers of type complex128"),
    "a single number": ({"mu": np.array(3.0)}, "do not fit together"),
    "other shapes": ({"features": np.zeros((3, 7))}, r"\(8,\), \(8, 8\) and \(3, 7\) do not fit together"),
    "too many features": ({"features": np.zeros((500, 8))}, "more than the 70 that it states"),
    "a part that lacks": ({"sigma": None}, "there is no covariance"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_numbers_that_are_no_statistics_are_refused(written: Path, tmp_path: Path, name: str) -> None:
    changes, message = FAULTS[name]
    conditions = read_statistics(written).facts.model_copy(update={"weights": {"face": None}})
    text = conditions.model_dump_json()
    arrays: dict[str, Any] = {"mu": np.zeros(8), "sigma": np.eye(8), "features": np.zeros((3, 8))} | changes
    arrays = {name: array for name, array in arrays.items() if array is not None}
    names = {"mu": "face.mean", "sigma": "face.covariance", "features": "face.features"}
    tensors = {names[name]: array for name, array in arrays.items()}
    paths = [tmp_path / "file.npz", tmp_path / "file.safetensors"]
    np.savez(paths[0], conditions=np.array(text), **arrays)
    if all(array.dtype == np.float64 for array in arrays.values()):
        paths[1].write_bytes(to_bytes(Cached(tensors, {"statistics": text})))
    for path in filter(Path.exists, paths):
        with pytest.raises(DataError, match=f"The statistics of face in .* are damaged: .*{message}"):
            read_statistics(path)


def test_features_of_another_network_are_refused_whatever_the_files_state(
    written: Path, tmp_path: Path
) -> None:
    conditions = read_statistics(written).facts.model_copy(update={"weights": {"face": None}, "count": 300})
    arrays: dict[str, Any] = {"mu": np.zeros(8), "sigma": np.eye(8), "features": np.zeros((3, 8))}
    np.savez(tmp_path / "short.npz", conditions=np.array(conditions.model_dump_json()), **arrays)
    with pytest.raises(DataError, match="have 256 dimensions, and those of the other side 8"):
        evaluate(tmp_path / "short.npz", written, settings=FEW, progress=False)

    stored = read_statistics(written)
    facts = stored.facts.model_copy(update={"weights": dict.fromkeys(stored.facts.weights, "0" * 16)})
    (tmp_path / "other.safetensors").write_bytes(statistics_bytes(facts, stored.features, ".safetensors"))
    with pytest.raises(UsageError, match="of other weights"):
        evaluate(written, tmp_path / "other.safetensors", settings=FEW, progress=False)
