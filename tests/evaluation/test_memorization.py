"""Memorization: a model that repeats training pictures is called out, and one that does not is not."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet
from strangers.evaluation.attributes import Attributes, Reading, load_attributes
from strangers.evaluation.memorization import memorization, wilson
from strangers.images import Pixels


class Remembering(Attributes):
    """The attribute network, which reads a picture once, whichever sets it is in."""

    known: ClassVar[dict[bytes, tuple[NDArray[np.float32], ...]]] = {}

    def read(self, pixels: Pixels) -> Reading:
        names = [sha256(picture.tobytes()).digest() for picture in pixels]
        new = {name: picture for name, picture in zip(names, pixels, strict=True) if name not in self.known}
        if new:
            rows = zip(*super().read(np.array([*new.values()])), strict=True)
            self.known.update(zip(new, rows, strict=True))
        return Reading(*(np.array(part) for part in zip(*(self.known[name] for name in names), strict=True)))


@pytest.fixture(scope="module")
def attributes() -> Attributes:
    """The bundled attribute network."""
    network = load_attributes()
    return Remembering(network.network, network.names, network.hash)


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


def test_faces_that_are_no_copies_are_original(
    training: PreparedSet, others: Pixels, attributes: Attributes
) -> None:
    found = memorization(others, training, attributes)
    assert found.verdict in ("original", "doubtful")
    assert all(likeness.fraction < 0.1 for likeness in found.spaces)
    assert found.control_set == "training"


@pytest.mark.parametrize("change", ["none", "mirrored", "blurred"])
def test_repeated_training_pictures_are_called_out(
    training: PreparedSet, change: str, attributes: Attributes
) -> None:
    copies = np.array(training.images[40:160])
    if change == "mirrored":
        copies = np.ascontiguousarray(copies[:, :, ::-1])
    if change == "blurred":
        copies = blurred(copies)
    found = memorization(copies, training, attributes)
    assert found.verdict == "memorizes"
    pixels = found.spaces[0]
    assert pixels.space == "pixels"
    assert pixels.fraction > 0.8
    assert pixels.median < 0.5 < pixels.control_median
    assert "memorizes" in str(found)
    for pair in found.pairs:
        assert pair.picture == 40 + pair.face


def test_a_few_copies_among_many_are_found_and_shown(
    training: PreparedSet, others: Pixels, attributes: Attributes
) -> None:
    faces = others.copy()
    faces[:12] = training.images[100:112]
    found = memorization(faces, training, attributes)
    assert sorted(pair.picture for pair in found.pairs) == sorted({pair.face + 100 for pair in found.pairs})
    assert found.spaces[0].fraction >= 0.1
    assert found.verdict != "original"


def test_a_held_out_set_serves_as_control(
    training: PreparedSet, others: Pixels, attributes: Attributes
) -> None:
    found = memorization(others[60:110], training, attributes, changed(training, others[:60]))
    assert found.control_set == "held-out"
    assert found.verdict is None  # 60 controls are too few
    assert "the held-out set has 60 distinct pictures" in str(found)


def changed(training: PreparedSet, images: Pixels) -> PreparedSet:
    """A set of other images in memory."""
    return PreparedSet(training.path, training.manifest.model_copy(update={"count": len(images)}), images)


def test_duplicates_in_the_set_do_not_hide_copies(training: PreparedSet, attributes: Attributes) -> None:
    images = np.array(training.images)
    data = changed(training, np.concatenate([images, images[:15]]))
    noise = np.random.default_rng(0).integers(-2, 3, images[100:250].shape)
    found = memorization(np.clip(images[100:250] + noise, 0, 255).astype(np.uint8), data, attributes)
    assert found.verdict == "memorizes"
    assert (found.pictures, found.distinct_pictures) == (315, 300)
    assert found.spaces[0].threshold > 0.3  # the control has distinct pictures only


@pytest.mark.parametrize("kind", ["equal", "noisy", "mirrored"])
def test_copies_of_a_popular_picture_are_called_out(
    training: PreparedSet, kind: str, attributes: Attributes
) -> None:
    images = np.array(training.images)
    more = np.repeat(images[:1], 15, 0)
    if kind == "noisy":
        noise = np.random.default_rng(0).integers(-3, 4, more.shape)
        more = np.clip(more + noise, 0, 255).astype(np.uint8)
    if kind == "mirrored":
        more = np.ascontiguousarray(more[:, :, ::-1])
    data = changed(training, np.concatenate([images, more]))
    found = memorization(np.repeat(images[:1], 60, 0), data, attributes)
    assert found.verdict == "memorizes"
    assert found.copies == 60
    assert found.distinct_pictures <= 302  # the search for near duplicates may miss some


def test_a_mirrored_set_is_judged_as_the_set_itself(
    training: PreparedSet, others: Pixels, attributes: Attributes
) -> None:
    images = np.array(training.images)
    data = changed(training, np.concatenate([images, images[:, :, ::-1]]))
    found = memorization(others, data, attributes)
    assert found.distinct_pictures == 300
    assert found.verdict in ("original", "doubtful")
    assert memorization(blurred(images[:60]), data, attributes).verdict == "memorizes"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [1, 2, 11, 39])
def test_a_tiny_set_gives_no_verdict_except_on_copies(
    training: PreparedSet, others: Pixels, count: int, attributes: Attributes
) -> None:
    data = changed(training, np.array(training.images[:count]))
    found = memorization(others[:20], data, attributes)
    assert found.verdict is None
    assert str(found).startswith(f"no verdict: the training set has {count} distinct picture")
    assert found.spaces == ()
    assert len(found.pairs) == 10
    copies = memorization(np.repeat(data.images[:1], 20, 0), data, attributes)
    assert copies.verdict == "memorizes"
    assert copies.pairs[0].distance == 0


def test_fifty_pictures_suffice_for_a_verdict(
    training: PreparedSet, others: Pixels, attributes: Attributes
) -> None:
    few = changed(training, np.array(training.images[:50]))
    found = memorization(others, few, attributes)
    assert found.verdict in ("original", "doubtful")
    assert f"as the nearest of {found.controls} distinct real pictures is to theirs" in str(found)
    assert memorization(blurred(few.images), few, attributes).verdict == "memorizes"


def test_near_copies_in_the_set_do_not_make_copies_original(
    training: PreparedSet, attributes: Attributes
) -> None:
    """Every picture occurs again, moved by two pixels."""
    images = np.array(training.images)
    data = changed(training, np.concatenate([images, np.roll(images, 2, axis=2)]))
    assert memorization(blurred(images[:60]), data, attributes).verdict != "original"


@pytest.mark.parametrize("control", ["the training set", "its near copies", "one picture"])
def test_a_control_of_copies_gives_no_verdict(
    training: PreparedSet, others: Pixels, attributes: Attributes, control: str
) -> None:
    images = np.array(training.images[:120])
    if control == "its near copies":
        images = np.clip(images.astype(int) + 9, 0, 255).astype(np.uint8)
    if control == "one picture":
        images = np.repeat(others[:1], 120, 0)
    found = memorization(others[60:], training, attributes, changed(training, images))
    assert found.verdict is None
    assert "distinct picture" in found.reason or "near copies" in found.reason


def test_wilsons_interval_of_shares() -> None:
    assert wilson(15, 100) == pytest.approx((0.0931, 0.2328), abs=2e-4)
    assert wilson(0, 50)[0] == 0
    assert wilson(50, 50)[1] == 1
