"""A service opens one model and any number of runs, and ends its threads."""

from __future__ import annotations

from pathlib import Path

import pytest

from strangers.errors import ModelError, UsageError
from strangers.sampling.model import Model
from strangers.web.errors import RequestError
from strangers.web.service import Service, open_service

from ..support import write_model


def test_a_run_without_a_checkpoint_is_served(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    service = open_service([str(tmp_path)])
    assert [reader.title for reader in service.runs.values()] == [tmp_path.name]
    assert "no model" in service.reason


def test_two_models_and_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere"):
        open_service([str(tmp_path / "nowhere")])
    models = [str(write_model(tmp_path / f"{name}.safetensors")) for name in "ab"]
    with pytest.raises(UsageError, match="serve takes one model"):
        open_service(models)


def test_a_run_is_served_with_its_model(trained: Path) -> None:
    service = open_service([str(trained)])
    try:
        assert service.model_service.name == trained.name
        assert service.run("1").title == trained.name
    finally:
        assert service.close(20)


def test_without_a_model_requests_get_the_reason() -> None:
    with pytest.raises(RequestError, match="a reason") as caught:
        _ = Service(None, reason="a reason").model_service
    assert caught.value.status == 404
    with pytest.raises(RequestError, match="no run '1'"):
        Service(None).run("1")


def test_a_closed_service_has_no_threads(model: Model, quick_directions: None) -> None:
    del quick_directions
    service = Service(model)
    threads = service.model_service.threads
    assert service.close(20)
    assert not any(thread.is_alive() for thread in threads)
