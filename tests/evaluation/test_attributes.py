"""The attribute network: the bundled one, and its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet
from strangers.errors import ModelError
from strangers.evaluation.attributes import BUNDLED_ATTRIBUTES, AttributeNetwork, load_attributes
from strangers.images import Pixels
from strangers.sampling.model_file import with_digest


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    """Drawn faces with exact labels."""
    place = tmp_path_factory.mktemp("sets") / "drawn"
    return prepare("synthetic:160", place, size=64, workers=1, progress=False)


@pytest.fixture(scope="module")
def pixels(drawn: PreparedSet) -> Pixels:
    return np.asarray(drawn.images[:70])


def test_the_bundled_network_is_small() -> None:
    assert BUNDLED_ATTRIBUTES.stat().st_size <= 4_000_000
    network = load_attributes().network
    assert sum(parameter.numel() for parameter in network.parameters()) <= 2_000_000
    assert not network.training


def test_its_card_lists_every_attribute() -> None:
    card = BUNDLED_ATTRIBUTES.with_suffix(".md").read_text()
    assert load_attributes().hash in card
    for name in load_attributes().names:
        assert f"| {name} |" in card


def test_it_predicts_celebas_forty_attributes(pixels: Pixels) -> None:
    reader = load_attributes()
    features, probabilities = reader.read(pixels)
    assert len(reader.names) == len(set(reader.names)) == 40
    assert {"Smiling", "Eyeglasses", "Wearing_Hat"} <= set(reader.names)
    assert features.shape == (70, reader.dimensions["face"])
    assert probabilities.shape == (70, 40)
    assert features.dtype == probabilities.dtype == np.float32
    assert ((probabilities >= 0) & (probabilities <= 1)).all()


def test_it_predicts_glasses_on_drawn_faces(drawn: PreparedSet) -> None:
    assert drawn.attributes is not None
    column = drawn.manifest.attributes.index("Eyeglasses")
    has = drawn.attributes[:, column] > 0
    reader = load_attributes()
    predicted = reader.read(np.asarray(drawn.images)).probabilities[:, reader.names.index("Eyeglasses")]
    assert predicted[has].mean() > predicted[~has].mean() + 0.2


@pytest.mark.parametrize("count", [1, 31, 32, 33])
def test_a_reading_does_not_depend_on_the_other_pictures(pixels: Pixels, count: int) -> None:
    reader = load_attributes()
    for alone, among in zip(reader.read(pixels[:count]), reader.read(pixels), strict=True):
        np.testing.assert_array_equal(alone, among[:count])


def test_no_pictures_give_no_readings() -> None:
    features, probabilities = load_attributes().read(np.zeros((0, 64, 64, 3), np.uint8))
    assert features.shape == (0, 256)
    assert probabilities.shape == (0, 40)


@pytest.mark.parametrize("size", [32, 128])
def test_pictures_of_other_sizes_are_resized(size: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), np.uint8)
    assert load_attributes()(pixels).shape == (2, 256)


def test_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No attribute network at"):
        load_attributes(tmp_path / "absent.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(BUNDLED_ATTRIBUTES.read_bytes()[:-100])
    with pytest.raises(ModelError, match="damaged"):
        load_attributes(cut)
    page = tmp_path / "page.safetensors"
    page.write_text("<html>quota exceeded</html>")
    with pytest.raises(ModelError, match="damaged"):
        load_attributes(page)
    nameless = tmp_path / "nameless.safetensors"
    save_file({}, nameless, {"strangers-attributes": with_digest('{"attributes": []}', {})})
    with pytest.raises(ModelError, match="it names no attributes"):
        load_attributes(nameless)


def test_the_network_has_gradients_everywhere() -> None:
    network = AttributeNetwork()
    features, logits = network(torch.randn(4, 3, 64, 64))
    (features.mean() + logits.mean()).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
