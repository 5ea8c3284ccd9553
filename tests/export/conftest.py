"""A small model for the tests of exports."""

from __future__ import annotations

import pytest

from strangers.sampling.load import load
from strangers.sampling.model import Model

from ..support import write_model


@pytest.fixture(scope="session", autouse=True)
def quick_exports(traced_once: None) -> None:
    """Share what torch exports; tests/export/test_onnx.py exports every kind of generator."""


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """dcgan-32 with few channels, untrained."""
    return load(write_model(tmp_path_factory.mktemp("models") / "tiny.safetensors"), device="cpu")
