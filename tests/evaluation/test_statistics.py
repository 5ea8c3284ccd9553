"""Statistics of photographs alone: of a set, of an array or of a source, and of nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from strangers.data.prepare import prepare
from strangers.data.prepared import open_prepared
from strangers.errors import UsageError
from strangers.evaluation.attributes import load_attributes
from strangers.evaluation.features import reference_features
from strangers.evaluation.statistics import Conditions, StatisticsContent, measure_statistics
from strangers.evaluation.statistics_file import StoredStatistics, read_statistics

FACE = Conditions(("fd-face",))


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("photographs") / "set"
    return prepare("synthetic:12", place, size=16, workers=1, progress=False).path


def measured(data: str | Path, conditions: Conditions, suffix: str = ".safetensors") -> StatisticsContent:
    return measure_statistics(data, conditions, suffix, progress=False)


def read(content: StatisticsContent, place: Path) -> StoredStatistics:
    file = place / "statistics.safetensors"
    file.write_bytes(content.data)
    return read_statistics(file)


def test_a_file_describes_its_pictures(photographs: Path, tmp_path: Path) -> None:
    content = measured(photographs, FACE)
    stored = read(content, tmp_path)
    data = open_prepared(photographs)
    assert (content.count, stored.facts.count, stored.facts.data_hash) == (12, 12, data.manifest.hash)
    assert (stored.facts.source, str(stored.facts.protocol)) == ("synthetic:12", str(content.protocol))
    network = load_attributes()
    assert stored.facts.weights == {"face": network.hash}
    features = reference_features(data, network, 12)["face"]
    np.testing.assert_array_equal(stored.features["face"].features, features.features)


def test_fewer_pictures_may_be_measured(photographs: Path) -> None:
    assert measured(photographs, Conditions(("fd-face",), count=5)).count == 5
    assert measured(photographs, Conditions(("fd-face",), count=99)).count == 12


def test_an_array_and_a_source_are_measured_too(tmp_path: Path) -> None:
    np.save(tmp_path / "faces.npy", np.zeros((6, 16, 16, 3), np.uint8))
    content = measured(tmp_path / "faces.npy", FACE)
    assert (content.count, str(content.protocol)) == (6, "crop not stated, 16 px, filter not stated")
    content = measured("synthetic:6", Conditions(("fd-face",), size=16))
    assert (content.count, content.protocol.crop) == (6, "square")


def test_wrong_calls_are_refused(photographs: Path, tmp_path: Path) -> None:
    for conditions, suffix, message in (
        (Conditions(("quick",)), ".npz", r"one kind of features.*let --out end in .safetensors"),
        (Conditions(("memorization",)), ".npz", "Memorization is no metric of statistics"),
        (Conditions(("fd-face",), crop="c178"), ".npz", "pass photographs to choose another crop"),
        (Conditions(("fd-face",), split="val"), ".npz", "cannot be split"),
        (Conditions(("fd-face",), size=32), ".npz", "16 px.*pass photographs to choose another size"),
    ):
        with pytest.raises(UsageError, match=message):
            measured(photographs, conditions, suffix)
    (tmp_path / "made.safetensors").write_bytes(measured(photographs, FACE).data)
    with pytest.raises(UsageError, match="is a statistics file; pass pictures"):
        measured(tmp_path / "made.safetensors", FACE)
