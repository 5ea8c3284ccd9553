"""A Space is the web page with a README.md that the hub reads; a local server replaces the hub."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from strangers.errors import UsageError
from strangers.export.hub import push_hub
from strangers.export.page import export_page
from strangers.export.runtime import FILES
from strangers.export.space import space_files, space_readme
from strangers.sampling.load import load
from strangers.sampling.model import Model

from ..hub import Hub
from .test_card import result_of

pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files in place of onnxruntime-web: nobody opens the page here."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in FILES:
        (folder / name).write_bytes(b"// ort")
    return folder


def settings(readme: str) -> dict[str, object]:
    """Return the front matter, whose values are JSON."""
    lines = readme.split("---\n")[1].splitlines()
    return {name: json.loads(value) for name, value in (line.split(": ", 1) for line in lines)}


def test_the_readme_has_the_settings_of_a_static_space_and_the_card(model: Model) -> None:
    readme = space_readme(model, result_of(model), "someone/faces")
    found = settings(readme)
    assert (found["sdk"], found["app_file"]) == ("static", "index.html")
    assert len(str(found["short_description"])) <= 60
    assert "https://huggingface.co/spaces/someone/faces" in readme
    assert "## Intended use" in readme
    assert "fd-face" in readme


def test_a_space_can_be_written_pushed_and_replaced(
    model: Model, hub: Hub, tmp_path: Path, runtime: Path
) -> None:
    out = tmp_path / "space"
    export_page(model, out, runtime=runtime, more=space_files(model))
    assert {"README.md", "index.html", "faces.onnx", "model.safetensors"} <= {
        path.name for path in out.iterdir()
    }
    assert load(out / "model.safetensors", device="cpu").hash in (out / "README.md").read_text()
    assert push_hub(out, "someone/faces", "space") == f"{hub.address}/spaces/someone/faces"
    files = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert hub.spaces["someone/faces"] == files
    with pytest.raises(UsageError, match="exists already"):
        export_page(model, out, runtime=runtime)
    export_page(model, out, runtime=runtime, force=True)
    assert not (out / "README.md").exists()
