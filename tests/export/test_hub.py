"""A model that is uploaded and downloaded draws the same faces; a local server replaces the hub."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import strangers
from strangers.errors import DataError, ModelError, StrangersError, UsageError
from strangers.evaluation.result import Result
from strangers.export.card import read_result
from strangers.export.hub import export_hub, push_hub
from strangers.images import read_provenance
from strangers.sampling.model import Model

from ..hub import Hub, point_to
from .test_card import result_of

pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def folder(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "faces"
    export_hub(model, out, repository="someone/faces")
    return out


def test_the_folder_has_the_model_its_card_its_onnx_file_and_its_faces(model: Model, folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md", "faces.onnx", "grid.png", "model.safetensors",
    ]  # fmt: skip
    again = strangers.load(folder / "model.safetensors", device="cpu")
    assert again.hash == model.hash
    assert read_provenance(folder / "grid.png").seeds == "0-63"
    with Image.open(folder / "grid.png") as picture:
        assert picture.size == (8 * 34 - 2, 8 * 34 - 2)
    text = (folder / "README.md").read_text()
    assert "![Faces of seeds 0 to 63, uncurated](grid.png)" in text
    assert 'strangers.load("hf:someone/faces")' in text


def test_the_measurement_in_the_folder_is_of_the_model_in_it(model: Model, tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(result_of(model).model_dump_json())
    titled = replace(model, header=model.header.model_copy(update={"title": "Nobody"}))
    export_hub(titled, tmp_path / "faces", result=tmp_path / "result.json")
    loaded = strangers.load(tmp_path / "faces" / "model.safetensors", device="cpu")
    assert loaded.header.title == "Nobody"
    assert read_result(tmp_path / "faces" / "evaluation.json", loaded).values == result_of(model).values


def test_an_uploaded_model_can_be_loaded_by_its_name(model: Model, folder: Path, hub: Hub) -> None:
    assert push_hub(folder, "someone/faces") == f"{hub.address}/someone/faces"
    assert hub.models["someone/faces"] == {path.name: path.read_bytes() for path in folder.iterdir()}
    loaded = strangers.load("hf:someone/faces", device="cpu")
    assert loaded.hash == model.hash
    np.testing.assert_array_equal(loaded.sample([17]), model.sample([17]))


def test_a_push_without_leave_keeps_the_folder_and_says_so(
    folder: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(
        StrangersError, match=r"^Wrote .*, but cannot upload it to hf:a/b .*`hf auth login`\.$"
    ):
        push_hub(folder, "a/b")


def test_a_model_that_is_not_on_the_hub_is_an_error(hub: Hub) -> None:
    with pytest.raises(ModelError, match=r"^Cannot download the model hf:no/body \(Repos.*login`\.$"):
        strangers.load("hf:no/body")


def test_without_a_network_a_downloaded_model_still_loads(
    model: Model, folder: Path, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.models["a/b"] = {"model.safetensors": (folder / "model.safetensors").read_bytes()}
    strangers.load("hf:a/b", device="cpu")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        point_to(f"http://127.0.0.1:{unused.getsockname()[1]}", tmp_path / "hub", monkeypatch)
        monkeypatch.setattr("time.sleep", lambda seconds: None)  # as the client does before it tries again
        assert strangers.load("hf:a/b", device="cpu").hash == model.hash
        with pytest.raises(ModelError, match=r"^Cannot download the model hf:c/d .* the network"):
            strangers.load("hf:c/d")


@pytest.mark.parametrize("name", ["", "faces", "a/b/c", "a b/c"])
def test_a_name_of_another_form_is_a_wrong_call(model: Model, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="OWNER/NAME"):
        strangers.load(f"hf:{name}")
    with pytest.raises(UsageError, match="OWNER/NAME"):
        export_hub(model, tmp_path / "out", repository=name)
    assert list(tmp_path.iterdir()) == []


def test_the_result_goes_along(model: Model, tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(result_of(model).model_dump_json())
    export_hub(model, tmp_path / "out", result=tmp_path / "result.json")
    kept = Result.model_validate_json((tmp_path / "out" / "evaluation.json").read_text())
    assert kept == result_of(model)
    assert "fd-face" in (tmp_path / "out" / "README.md").read_text()


def test_results_of_other_models_and_other_files_are_refused(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    other = result_of(model)
    path.write_text(
        other.model_copy(
            update={"model": other.model.model_copy(update={"hash": "f" * 16})}
        ).model_dump_json()
    )
    with pytest.raises(UsageError, match=rf"belongs to the model ffff.* not to {model.hash}"):
        export_hub(model, tmp_path / "out", result=path)
    path.write_text('{"results": []}')
    with pytest.raises(DataError, match="is not a result of `strangers evaluate` for one model"):
        export_hub(model, tmp_path / "out", result=path)
    with pytest.raises(UsageError, match=r"There is no result .*`strangers evaluate` writes one"):
        export_hub(model, tmp_path / "out", result=tmp_path / "absent.json")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_exists_is_not_replaced(model: Model, tmp_path: Path) -> None:
    with pytest.raises(StrangersError, match="exists already"):
        export_hub(model, tmp_path)
