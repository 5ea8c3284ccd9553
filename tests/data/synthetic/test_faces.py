"""Drawn faces: a seed names a face, and a label names what the drawing shows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from strangers.data.synthetic import faces as synthetic
from strangers.data.synthetic.drawing import Traits
from strangers.data.synthetic.portrait import portrait
from strangers.errors import UsageError

SEEDS = st.integers(0, 2**64 - 1)


def test_the_same_seed_gives_the_same_bytes() -> None:
    first, labels = synthetic.draw(range(6), 64)
    again, labels_again = synthetic.draw(range(6), 64)
    assert np.array_equal(first, again)
    assert np.array_equal(labels, labels_again)


@pytest.mark.parametrize("size", [32, 64, 128])
def test_a_face_does_not_depend_on_its_batch(size: int) -> None:
    pixels, labels = synthetic.draw(range(40), size)
    for seed in range(0, 40, 3):
        alone, its_labels = synthetic.draw([seed], size)
        assert np.array_equal(alone[0], pixels[seed])
        assert np.array_equal(its_labels[0], labels[seed])
    shuffled, _ = synthetic.draw([31, 4, 4, 17], size)
    assert np.array_equal(shuffled, pixels[[31, 4, 4, 17]])


@settings(max_examples=15, deadline=None)
@given(st.lists(SEEDS, min_size=1, max_size=5))
def test_any_seed_gives_a_face(seeds: list[int]) -> None:
    pixels, labels = synthetic.draw(seeds, 32)
    assert pixels.shape == (len(seeds), 32, 32, 3)
    assert labels.shape == (len(seeds), len(synthetic.ATTRIBUTES))
    assert set(np.unique(labels)) <= {-1, 1}
    assert pixels.std(axis=(1, 2)).min() > 5, "a flat picture is no face"
    assert np.array_equal(pixels[:1], synthetic.draw(seeds[:1], 32)[0])


def test_different_seeds_give_different_faces() -> None:
    pixels, _ = synthetic.draw([0, 1, 2**32, 2**32 + 1, 2**63, 2**64 - 1], 32)
    assert len({face.tobytes() for face in pixels}) == 6


@pytest.mark.parametrize("size", [8, 20, 32, 64, 96, 128, 200])
def test_every_size_shows_the_same_picture(size: int) -> None:
    pixels, _ = synthetic.draw(range(4), size)
    reference, _ = synthetic.draw(range(4), 64)
    assert pixels.shape == (4, size, size, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.mean(axis=(1, 2)) - reference.mean(axis=(1, 2))).max() < 1.5


def test_no_seeds_give_no_faces() -> None:
    pixels, labels = synthetic.draw([], 64)
    assert pixels.shape == (0, 64, 64, 3)
    assert labels.shape == (0, len(synthetic.ATTRIBUTES))


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_raises_an_error(seed: int) -> None:
    with pytest.raises(UsageError, match="whole number from 0 to"):
        synthetic.draw([0, seed], 64)


@pytest.mark.parametrize("size", [0, 7, 1025])
def test_a_size_out_of_range_raises_an_error(size: int) -> None:
    with pytest.raises(UsageError, match="8 to 1024 pixels"):
        synthetic.draw([0], size)


def test_attribute_frequencies_are_plausible() -> None:
    labels = synthetic.label(synthetic.sample_traits(range(3000)))
    shares = dict(zip(synthetic.ATTRIBUTES, (labels == 1).mean(axis=0), strict=True))
    assert all(0.02 < share < 0.98 for share in shares.values()), shares
    assert 0.4 < shares["Smiling"] < 0.56
    assert 0.1 < shares["Eyeglasses"] < 0.22


def test_labels_do_not_contradict_each_other() -> None:
    labels = synthetic.label(synthetic.sample_traits(range(3000))) == 1
    has = dict(zip(synthetic.ATTRIBUTES, labels.T, strict=True))
    colors = has["Black_Hair"].astype(int) + has["Blond_Hair"] + has["Brown_Hair"] + has["Gray_Hair"]
    assert colors.max() == 1
    assert not (has["Bald"] & (colors > 0)).any()
    for hair in ("Bangs", "Wavy_Hair", "Straight_Hair", "Wearing_Hat"):
        assert not (has["Bald"] & has[hair]).any()
    assert not (has["No_Beard"] & (has["Goatee"] | has["5_o_Clock_Shadow"])).any()
    assert not (has["Wearing_Hat"] & has["Bangs"]).any()


EYES = (slice(20, 42), slice(10, 54))
MOUTH = (slice(38, 56), slice(16, 48))
BELOW = (slice(28, 64), slice(2, 62))
TOP = (slice(0, 30), slice(4, 60))
SHOWN = {
    "glasses": (0.0, EYES),
    "hat": (0.0, TOP),
    "bangs": (0.0, TOP),
    "bald": (1.0, (slice(0, 64), slice(0, 64))),  # long hair reaches the foot of the picture
    "earrings": (0.0, BELOW),
    "beard": (0.0, BELOW),
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_labeled_feature_is_drawn_in_its_place(name: str) -> None:
    absent, place = SHOWN[name]
    traits = synthetic.sample_traits(range(300))
    worn = np.flatnonzero(traits.column(name) > 0 if absent == 0.0 else ~traits.flag(name))
    shown = traits.rows(worn)
    change = _change(shown, name, np.full(len(worn), absent, dtype=shown.column(name).dtype))
    assert (change[:, *place].max(axis=(1, 2)) > 8).all(), "the label must be visible"
    outside = change.copy()
    outside[:, *place] = 0
    assert outside.max() < 90, "and nothing else may change much"


def test_an_open_mouth_shows_and_a_shut_mouth_does_not() -> None:
    traits = synthetic.sample_traits(range(200))
    opened = traits.flag("open_mouth")
    change = _change(traits, "mouth_gap", np.zeros(200))
    assert (change[opened][:, *MOUTH].max(axis=(1, 2)) > 10).all()
    assert not change[~opened].any()


def test_smiles_turn_the_corners_up() -> None:
    traits = synthetic.sample_traits(range(500))
    smiling = traits.flag("smiling")
    assert traits.column("smile")[smiling].min() > 2 * traits.column("smile")[~smiling].max()


def test_skin_tones_cover_the_human_range() -> None:
    brightness = synthetic.sample_traits(range(2000)).column("skin").mean(axis=1)
    assert brightness.min() < 70
    assert brightness.max() > 220
    assert np.histogram(brightness, bins=8, range=(60, 230))[0].min() > 60


def _change(traits: Traits, name: str, value: NDArray[np.generic]) -> NDArray[np.floating]:
    """Return the largest change of any channel of each pixel when one trait is set to another value."""
    other = traits.rows(np.arange(len(value)))
    setattr(other, name, value)
    return np.asarray(np.abs(portrait(traits, 64) - portrait(other, 64)).max(axis=1))
