"""A service opens models, runs and sets, and ends its threads."""

from __future__ import annotations

from pathlib import Path

import pytest

from strangers.data.prepare import prepare
from strangers.errors import UsageError
from strangers.sampling.model import Model
from strangers.web.errors import RequestError
from strangers.web.service import NamedModel, Service, open_service

from ..support import write_model


def test_a_run_without_a_checkpoint_is_served(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    service = open_service([str(tmp_path)])
    assert [reader.title for reader in service.runs.values()] == [tmp_path.name]
    assert "no checkpoint" in service.reason


def test_models_runs_and_sets_are_served_at_once(trained: Path, tmp_path: Path) -> None:
    model = write_model(tmp_path / "one.safetensors")
    prepare("synthetic:4", tmp_path / "drawn", size=32, progress=False)
    service = open_service([str(model), str(tmp_path / "drawn"), str(trained), str(model)])
    try:
        assert [named.name for named in service.models.values()] == ["one", trained.name]
        assert [reader.title for reader in service.runs.values()] == [trained.name]
        assert [reader.title for reader in service.sets.values()] == ["drawn"]
        assert service.of_model().name == "one"
        assert service.of_model(list(service.models)[1]).name == trained.name
        with pytest.raises(RequestError, match="reload the page"):
            service.of_model("another")
    finally:
        assert service.close(seconds=20)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        open_service([str(tmp_path / "nowhere")])


def test_a_run_is_served_with_its_model(trained: Path) -> None:
    service = open_service([str(trained)])
    try:
        assert service.model_service.name == trained.name
        assert service.run("1").title == trained.name
    finally:
        assert service.close(20)


def test_without_a_model_requests_get_the_reason() -> None:
    with pytest.raises(RequestError, match="a reason") as caught:
        _ = Service(reason="a reason").model_service
    assert caught.value.status == 404
    with pytest.raises(RequestError, match="no run '1'"):
        Service().run("1")


def test_a_closed_service_has_no_threads(model: Model, quick_directions: None) -> None:
    del quick_directions
    service = Service([NamedModel("tiny", model)])
    threads = service.model_service.threads
    assert service.close(20)
    assert not any(thread.is_alive() for thread in threads)
