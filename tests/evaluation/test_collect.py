"""Features of both sides: which networks are loaded, what is kept, and what is refused beforehand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strangers.data.prepare import prepare
from strangers.errors import DataError, UsageError
from strangers.evaluation import collect
from strangers.evaluation.collect import check_sides, extractors_of, generated_side, reference_side
from strangers.evaluation.facts import PictureFacts, Protocol, StatisticsFacts
from strangers.evaluation.features import FeatureSet
from strangers.evaluation.frechet import statistics
from strangers.evaluation.sides import Side, open_side

NOISE = np.random.default_rng(0).integers(0, 256, (30, 16, 16, 3), np.uint8)


class Mean:
    """A network whose only features are the mean colors of a picture."""

    name, hash = "mean", "0" * 16

    def __init__(self) -> None:
        self.dimensions = {"face": 3}
        self.seen = 0

    def extract(self, pixels: np.ndarray) -> dict[str, np.ndarray]:
        self.seen += len(pixels)
        return {"face": pixels.mean((1, 2), dtype=np.float32)}


def pictures(batch: int = 7) -> Side:
    """NOISE as pictures of unknown origin."""
    facts = PictureFacts(path="noise", hash="1" * 16, count=30, protocol=Protocol(size=16))
    return Side(
        facts, 30, lambda count: (NOISE[at : min(at + batch, count)] for at in range(0, count, batch))
    )


def stored(singles: bool, weights: str | None = None) -> Side:
    """Statistics of face features of three dimensions, with or without the features themselves."""
    features = np.random.default_rng(1).normal(size=(20, 3)).astype(np.float32)
    found = FeatureSet(statistics(features), features if singles else features[:0])
    facts = StatisticsFacts(
        path="s.npz", hash="2" * 16, source="", count=20, protocol=Protocol(), weights={"face": weights}
    )
    return Side(facts, 20, None, stored={"face": found})


def test_only_the_networks_of_the_metrics_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[Any] = []

    def load(*given: Any, **named: Any) -> Mean:
        loaded.append(given[1] if given else "face")
        return Mean()

    monkeypatch.setattr(collect, "load_attributes", load)
    monkeypatch.setattr(collect, "load_inception", load)
    assert len(extractors_of(["fd-face", "diversity"], [pictures()], None, "cpu")) == 1
    assert len(extractors_of(["fid768", "kid768"], [pictures()], "weights", "cpu")) == 1
    assert extractors_of(["fd-face"], [stored(True), stored(True)], None, "cpu") == []
    assert loaded == ["face", ["inception768"]]


def test_statistics_without_single_features_serve_frechet_distances_alone() -> None:
    sides = [stored(False), stored(False)]
    check_sides(["fd-face"], sides, [], 20, shrinkage=True)
    with pytest.raises(UsageError, match="mean and a covariance only, and kd-face needs single features"):
        check_sides(["kd-face"], sides, [], 20, shrinkage=True)
    with pytest.raises(
        UsageError, match="has no inception768 features, which fid768 needs; it has those of face"
    ):
        check_sides(["fid768"], sides, [], 20, shrinkage=True)


def test_statistics_of_other_weights_are_refused() -> None:
    with pytest.raises(UsageError, match="are of other weights"):
        check_sides(["fd-face"], [stored(True, "3" * 16), pictures()], [Mean()], 20, shrinkage=True)
    for weights in (None, Mean.hash):
        check_sides(["fd-face"], [stored(True, weights), pictures()], [Mean()], 20, shrinkage=True)


def test_too_few_pictures_are_refused_before_any_is_read() -> None:
    network = Mean()
    check_sides(["fd-face"], [pictures(), pictures()], [network], 4, shrinkage=False)
    with pytest.raises(DataError, match="noise has 3 pictures, too few for fd-face: at least 4"):
        check_sides(["fd-face"], [pictures(), pictures()], [network], 3, shrinkage=False)
    assert network.seen == 0


def test_the_first_faces_are_kept_for_the_memorization_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "MEMORIZATION_FACES", 10)
    advanced: list[int] = []
    features, faces = generated_side(pictures(), [Mean()], 25, lambda _, n, __: advanced.append(n))
    np.testing.assert_array_equal(faces, NOISE[:10])
    np.testing.assert_allclose(features["face"].features, NOISE[:25].mean((1, 2)), rtol=1e-5)
    assert sum(advanced) == 25
    kept, none = generated_side(stored(True), [], 25, lambda *_: None)
    assert (kept["face"].statistics.count, len(none)) == (20, 0)


def test_features_of_a_prepared_set_are_computed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    side = open_side(prepare("synthetic:9", tmp_path / "set", size=16, workers=1, progress=False).path)
    network = Mean()
    first = reference_side(side, [network], 9, lambda *_: None)
    second = reference_side(side, [network], 9, lambda *_: None)
    assert network.seen == 9
    np.testing.assert_array_equal(first["face"].features, second["face"].features)
    reference_side(pictures(), [network], 9, lambda *_: None)
    assert network.seen == 18
