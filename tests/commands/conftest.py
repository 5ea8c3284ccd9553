"""A tiny model and an attribute reader for the tests of the commands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from strangers.evaluation import attributes
from strangers.evaluation.attributes import AttributeNetwork, Attributes, Reading
from strangers.images import Pixels
from strangers.latent import directions, effects, filtering, inversion
from strangers.sampling.load import load
from strangers.sampling.model import Model

from ..support import write_model


@pytest.fixture(scope="package")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model file of an untrained generator of 32 px."""
    return write_model(tmp_path_factory.mktemp("models") / "tiny.safetensors")


@pytest.fixture(scope="package")
def tiny_model(tiny_file: Path) -> Model:
    """The model in `tiny_file`, on the CPU."""
    return load(tiny_file, device="cpu")


@dataclass(frozen=True)
class BrightnessReader(Attributes):
    """Reports Smiling for a bright upper half, Male for a bright lower half, and never Bald."""

    usual: tuple[float, float] = (0, 0)

    def read(self, pixels: Pixels) -> Reading:
        above, below = (pixels[:, rows].mean((1, 2, 3)) for rows in (slice(16), slice(16, None)))
        lighter = np.stack([above - self.usual[0], below - self.usual[1], np.full(len(pixels), -100.0)], 1)
        seen = (1 / (1 + np.exp(-lighter))).astype(np.float32)
        return Reading(seen[:, :2], seen)


@pytest.fixture
def eye(tiny_model: Model, monkeypatch: pytest.MonkeyPatch) -> BrightnessReader:
    """A BrightnessReader in place of the attribute network, adjusted to the tiny model's faces."""
    faces = tiny_model.sample(range(64))
    usual = float(faces[:, :16].mean()), float(faces[:, 16:].mean())
    network = BrightnessReader(AttributeNetwork(3, (4,)), ("Smiling", "Male", "Bald"), "0" * 16, usual=usual)
    # `inversion` imported the loader earlier and keeps the real network.
    assert vars(inversion)["load_attributes"] is attributes.load_attributes
    for module in (attributes, filtering, directions, effects):
        monkeypatch.setattr(module, "load_attributes", lambda device="cpu": network)
    monkeypatch.setattr(directions, "LABELED_FACES", 600)
    return network


def read_pixels(path: Path) -> np.ndarray:
    """Return the pixels of a picture file."""
    return np.asarray(Image.open(path))
