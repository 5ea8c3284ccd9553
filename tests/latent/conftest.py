"""A generator whose directions are known, and a network that sees nothing else."""

from __future__ import annotations

import pytest

from strangers.evaluation.attributes import AttributeNetwork
from strangers.latent import directions, effects, filtering

from .support import NAMES, Eye


@pytest.fixture
def eye(monkeypatch: pytest.MonkeyPatch) -> Eye:
    """The network that `strangers` meets in place of its own."""
    network = Eye(AttributeNetwork(len(NAMES), (4,)), NAMES, "0" * 16)
    for module in (filtering, directions, effects):
        monkeypatch.setattr(module, "load_attributes", lambda device="cpu": network)
    return network
