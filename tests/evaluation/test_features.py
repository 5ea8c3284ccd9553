"""Features of sets: computed in constant memory, cached, and never mistaken for another set's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet
from strangers.evaluation import features
from strangers.evaluation.attributes import Attributes, load_attributes
from strangers.evaluation.features import batches_of, extract, reference_features, reference_positions
from strangers.images import Pixels
from strangers.system.cache import cache_folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    place = tmp_path_factory.mktemp("sets") / "drawn"
    return prepare("synthetic:90", place, size=64, workers=1, progress=False)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


class Means:
    """An extractor of the three mean colors that counts its pictures."""

    name, hash, dimensions = "means", "0123", 3

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, pixels: Pixels) -> NDArray[np.float32]:
        self.seen += len(pixels)
        means: NDArray[np.float32] = pixels.mean(axis=(1, 2)).astype(np.float32)
        return means


def kept() -> list[Path]:
    return sorted((cache_folder() / "statistics").glob("*"))


def test_statistics_are_those_of_the_pictures(pictures: PreparedSet) -> None:
    found = reference_features(pictures, Means(), 1000)
    colors = np.asarray(pictures.images).mean(axis=(1, 2))
    assert found.statistics.count == 90
    np.testing.assert_allclose(found.statistics.mean, colors.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found.statistics.covariance, np.cov(colors, rowvar=False), rtol=1e-4)


def test_they_are_computed_once(pictures: PreparedSet) -> None:
    extractor = Means()
    reported: list[int] = []
    first = reference_features(pictures, extractor, 50, reported.append)
    again = reference_features(pictures, extractor, 50, reported.append)
    assert extractor.seen == 50
    assert sum(reported) == 100
    np.testing.assert_array_equal(first.features, again.features)
    np.testing.assert_array_equal(first.statistics.covariance, again.statistics.covariance)
    assert first.statistics.count == again.statistics.count == 50


def test_another_count_or_network_or_protocol_is_another_entry(pictures: PreparedSet) -> None:
    extractor = Means()
    reference_features(pictures, extractor, 50)
    reference_features(pictures, extractor, 60)
    other = Means()
    other.hash = "4567"
    reference_features(pictures, other, 50)
    manifest = pictures.manifest.model_copy(update={"crop": "c108"})
    reference_features(PreparedSet(pictures.path, manifest, pictures.images), extractor, 50)
    assert len(kept()) == 4


def test_a_damaged_entry_is_noticed_and_made_again(pictures: PreparedSet) -> None:
    extractor = Means()
    whole = reference_features(pictures, extractor, 50)
    [place] = kept()
    content = bytearray(place.read_bytes())
    content[-3] ^= 1  # one bit of one feature
    place.write_bytes(content)
    assert (reference_features(pictures, extractor, 50).features == whole.features).all()
    place.write_bytes(content[:40])
    assert (reference_features(pictures, extractor, 50).features == whole.features).all()
    assert extractor.seen == 150


def test_batches_change_no_number(pictures: PreparedSet, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = load_attributes()
    whole = extract(batches_of(pictures, reference_positions(pictures, 90)), [reader])[0]
    monkeypatch.setattr(features, "EXTRACTION_BATCH", 7)
    parts = extract(batches_of(pictures, reference_positions(pictures, 90)), [reader])[0]
    np.testing.assert_array_equal(whole.features, parts.features)
    np.testing.assert_allclose(whole.statistics.covariance, parts.statistics.covariance, atol=1e-12)


def test_only_some_features_are_kept_themselves(
    pictures: PreparedSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "MAX_KEPT_FEATURES", 20)
    monkeypatch.setattr(features, "EXTRACTION_BATCH", 8)
    reader: Attributes = load_attributes()
    [found] = extract(batches_of(pictures, reference_positions(pictures, 90)), [reader])
    assert found.statistics.count == 90
    assert found.features.shape == (20, 256)
    assert found.probabilities is not None
    assert found.probabilities.shape == (20, 40)


def test_the_same_pictures_always_stand_for_a_set(pictures: PreparedSet) -> None:
    assert len(set(reference_positions(pictures, 40).tolist())) == 40
    np.testing.assert_array_equal(reference_positions(pictures, 40), reference_positions(pictures, 40))
    assert len(reference_positions(pictures, 1000)) == 90
