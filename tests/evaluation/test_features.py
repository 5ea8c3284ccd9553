"""Features of sets: computed in constant memory, cached, and never mistaken for another set's."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet
from strangers.evaluation import features
from strangers.evaluation.attributes import Attributes, load_attributes
from strangers.evaluation.features import batches_of, extract, picture_order, reference_features
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

    name, hash = "means", "0123"
    dimensions: ClassVar = {"means": 3}

    def __init__(self) -> None:
        self.seen = 0

    def extract(self, pixels: Pixels) -> dict[str, NDArray[np.float32]]:
        self.seen += len(pixels)
        return {"means": pixels.mean(axis=(1, 2)).astype(np.float32)}


def kept() -> list[Path]:
    return sorted((cache_folder() / "statistics").glob("*"))


def test_statistics_are_those_of_the_pictures(pictures: PreparedSet) -> None:
    found = reference_features(pictures, Means(), 1000)["means"]
    colors = np.asarray(pictures.images).mean(axis=(1, 2))
    assert found.statistics.count == 90
    np.testing.assert_allclose(found.statistics.mean, colors.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found.statistics.covariance, np.cov(colors, rowvar=False), rtol=1e-4)


def test_they_are_computed_once(pictures: PreparedSet) -> None:
    extractor = Means()
    reported: list[int] = []
    first = reference_features(pictures, extractor, 50, reported.append)["means"]
    again = reference_features(pictures, extractor, 50, reported.append)["means"]
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
    whole = reference_features(pictures, extractor, 50)["means"]
    [place] = kept()
    content = bytearray(place.read_bytes())
    content[-3] ^= 1  # one bit of one feature
    place.write_bytes(content)
    assert (reference_features(pictures, extractor, 50)["means"].features == whole.features).all()
    place.write_bytes(content[:40])
    assert (reference_features(pictures, extractor, 50)["means"].features == whole.features).all()
    assert extractor.seen == 150


def test_batches_change_no_number(pictures: PreparedSet, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = load_attributes()
    whole = extract(batches_of(pictures, picture_order(90, 90)), [reader])["face"]
    monkeypatch.setattr(features, "EXTRACTION_BATCH", 7)
    parts = extract(batches_of(pictures, picture_order(90, 90)), [reader])["face"]
    np.testing.assert_array_equal(whole.features, parts.features)
    np.testing.assert_allclose(whole.statistics.covariance, parts.statistics.covariance, atol=1e-12)


def test_only_some_features_are_kept_themselves(
    pictures: PreparedSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "MAX_KEPT_FEATURES", 20)
    monkeypatch.setattr(features, "EXTRACTION_BATCH", 8)
    reader: Attributes = load_attributes()
    found = extract(batches_of(pictures, picture_order(90, 90)), [reader])
    assert found["face"].statistics.count == 90
    assert found["face"].features.shape == (20, 256)
    assert found["attributes"].features.shape == (20, 40)


def test_the_same_pictures_always_stand_for_a_set(pictures: PreparedSet) -> None:
    assert len(set(picture_order(90, 40).tolist())) == 40
    np.testing.assert_array_equal(picture_order(90, 40), picture_order(90, 40))
    assert len(picture_order(90, 1000)) == 90
