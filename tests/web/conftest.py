"""A small model, a run, and a real server of both on this machine's own address."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from strangers.latent import ood
from strangers.latent.inversion import invert
from strangers.sampling.load import load
from strangers.sampling.model import Model
from strangers.web import jobs
from strangers.web.service import NamedModel, Service

from ..support import write_model
from .support import Served, directions_of, serving, wait_until


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """An untrained generator."""
    return load(write_model(tmp_path_factory.mktemp("models") / "model.safetensors"), device="cpu")


@pytest.fixture(scope="session")
def quick_directions() -> Iterator[None]:
    """Instant directions, few own faces, and inversions from one start, since tests run in parallel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "find_directions", directions_of)
        patch.setattr(jobs, "invert", partial(invert, starts=1))
        patch.setattr(jobs, "NICENESS", 0)
        patch.setattr(ood, "OWN_FACES", 4)
        yield


@pytest.fixture(scope="session")
def served(model: Model, trained: Path, quick_directions: None) -> Iterator[Served]:
    """A server of a model and a run, for all tests that leave it as it is."""
    del quick_directions
    with serving(Service([NamedModel("tiny", model)], [trained])) as served:
        wait_until(lambda: served.service.model_service.finder.found.state == "ready")
        yield served
