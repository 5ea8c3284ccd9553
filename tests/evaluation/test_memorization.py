"""Memorization: a model that repeats training pictures is called out, and one that does not is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet
from strangers.evaluation.attributes import load_attributes
from strangers.evaluation.memorization import memorization, wilson
from strangers.images import Pixels


def drawn(place: Path, count: int) -> PreparedSet:
    return prepare(f"synthetic:{count}", place, size=64, workers=1, progress=False)


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    return drawn(tmp_path_factory.mktemp("sets") / "training", 300)


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory, training: PreparedSet) -> Pixels:
    """Drawn faces that are not in the set: those of the seeds after its own."""
    more = drawn(tmp_path_factory.mktemp("sets") / "more", 420)
    assert (more.images[:300] == training.images).all()
    return np.array(more.images[300:])


def blurred(pixels: Pixels) -> Pixels:
    """Each pixel the mean of itself and its neighbors, as generators draw."""
    wide = pixels.astype(np.float64)
    for axis in (1, 2):
        wide = (np.roll(wide, 1, axis) + wide + np.roll(wide, -1, axis)) / 3
    return wide.round().astype(np.uint8)


def test_faces_that_are_no_copies_are_original(training: PreparedSet, others: Pixels) -> None:
    found = memorization(others, training, load_attributes())
    assert found.verdict in ("original", "doubtful")
    assert all(likeness.share < 0.1 for likeness in found.spaces)
    assert found.control == "training"


@pytest.mark.parametrize("change", ["none", "mirrored", "blurred"])
def test_repeated_training_pictures_are_called_out(training: PreparedSet, change: str) -> None:
    copies = np.array(training.images[40:160])
    if change == "mirrored":
        copies = np.ascontiguousarray(copies[:, :, ::-1])
    if change == "blurred":
        copies = blurred(copies)
    found = memorization(copies, training, load_attributes())
    assert found.verdict == "memorizes"
    pixels = found.spaces[0]
    assert pixels.space == "pixels"
    assert pixels.share > 0.8
    assert pixels.median < 0.5 < pixels.control_median
    assert "memorizes" in found.sentence
    for pair in found.pairs:
        assert pair.picture == 40 + pair.face


def test_a_few_copies_among_many_are_found_and_shown(training: PreparedSet, others: Pixels) -> None:
    faces = others.copy()
    faces[:12] = training.images[100:112]
    found = memorization(faces, training, load_attributes())
    assert sorted(pair.picture for pair in found.pairs) == sorted({pair.face + 100 for pair in found.pairs})
    assert found.spaces[0].share >= 0.1
    assert found.verdict != "original"


def test_a_held_out_set_serves_as_control(training: PreparedSet, others: Pixels, tmp_path: Path) -> None:
    held_out = drawn(tmp_path / "held", 60)
    found = memorization(others[:50], training, load_attributes(), held_out)
    assert found.control == "held-out"
    assert found.controls == 50


def test_a_set_with_twins_does_not_divide_by_nothing(tmp_path: Path) -> None:
    pictures = drawn(tmp_path / "twins", 30)
    twins = np.zeros((30, 64, 64, 3), np.uint8)
    same = PreparedSet(pictures.path, pictures.manifest, twins)
    found = memorization(twins[:8], same, load_attributes())
    assert all(np.isfinite(likeness.median) for likeness in found.spaces)


def test_wilsons_interval_of_shares() -> None:
    assert wilson(15, 100) == pytest.approx((0.0931, 0.2328), abs=2e-4)
    assert wilson(0, 50)[0] == 0
    assert wilson(50, 50)[1] == 1
