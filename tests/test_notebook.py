"""The notebook runs from top to bottom, and shows generated and drawn faces only."""

from __future__ import annotations

import json
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[1] / "examples" / "quickstart.ipynb"


def cells(kind: str) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == kind]


def test_it_is_committed_as_it_ran_from_top_to_bottom() -> None:
    code = cells("code")
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert not any(output["output_type"] == "error" for output in outputs)
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 8


def test_its_pictures_are_of_generated_and_drawn_faces() -> None:
    code = "".join("".join(cell["source"]) for cell in cells("code"))
    assert 'SOURCE = "synthetic:' in code
    assert 'strangers.load("celeba-64")' in code


def test_it_installs_the_package_where_there_is_none() -> None:
    first = "".join(cells("code")[0]["source"])
    assert "except ImportError:\n    %pip install --quiet {PACKAGE}" in first


def test_it_covers_data_training_measuring_and_editing() -> None:
    headings = [line for cell in cells("markdown") for line in cell["source"] if line.startswith("## ")]
    assert [heading.strip("# \n") for heading in headings] == [
        "A bundled model", "Data", "Networks", "Training", "Curves", "Faces", "Distance", "Editing",
        "What next",
    ]  # fmt: skip


def test_its_links_are_alive() -> None:
    links = re.findall(r"\]\(([^)]+)\)", NOTEBOOK.read_text())
    assert links
    assert all((NOTEBOOK.parent / link).exists() for link in links)


def test_it_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    notebook = shortened(nbformat.read(NOTEBOOK, as_version=4))
    notebook.metadata.kernelspec.name = this_python(tmp_path, monkeypatch)
    with warnings.catch_warnings():  # of what starts kernels; in the kernel our own stay errors
        warnings.simplefilter("ignore")
        nbclient.NotebookClient(
            notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}
        ).execute()
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in shown) >= 8
    assert any("fd-face" in output.get("text", "") for output in shown)


def shortened(notebook: Any) -> Any:
    """The notebook with fewer pictures and a shorter training; everything else is as committed."""
    shorter = {"synthetic:3000": "synthetic:64", "IMAGES = 30_000": "IMAGES = 256", "count=400": "count=64"}
    for long, short in shorter.items():
        [code] = [cell for cell in notebook.cells if cell.cell_type == "code" and long in cell.source]
        code.source = code.source.replace(long, short)
    return notebook


def this_python(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a kernel that is the Python of the tests."""
    kernel = folder / "kernels" / "tests"
    kernel.mkdir(parents=True)
    command = [
        sys.executable,
        "-W",
        "error::FutureWarning",
        "-m",
        "ipykernel_launcher",
        "-f",
        "{connection_file}",
    ]
    (kernel / "kernel.json").write_text(
        json.dumps({"argv": command, "display_name": "t", "language": "python"})
    )
    monkeypatch.setenv("JUPYTER_PATH", str(folder))
    return "tests"
