"""`strangers.export` writes any format, by the ending of the file."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

import strangers
from strangers.errors import UsageError
from strangers.sampling.load import load
from strangers.sampling.model import Model


def test_a_model_file_is_written_with_its_card(model: Model, tmp_path: Path) -> None:
    path = strangers.export(model, tmp_path / "faces.safetensors", title="Nobody", author="me")
    assert load(path, device="cpu").header.title == "Nobody"
    assert "Nobody" in path.with_suffix(".md").read_text()


def test_the_ending_names_the_format_and_a_path_names_the_model(model: Model, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    source = model.save(tmp_path / "model.safetensors")
    assert strangers.export(source, str(tmp_path / "faces.onnx")).stat().st_size > 1_000


def test_a_hub_repository_is_a_folder(model: Model, tmp_path: Path) -> None:
    folder = strangers.export(model, tmp_path / "repository", to="hub")
    assert (folder / "README.md").is_file()


def test_another_ending_is_a_wrong_call(model: Model, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"end it in \.safetensors, \.onnx, \.html, or pass to='page'"):
        strangers.export(model, tmp_path / "faces.bin")


def test_the_package_stays_a_package() -> None:
    assert import_module("strangers.export") is getattr(strangers, "export")  # noqa: B009 (mypy sees a function)
    assert import_module("strangers.export.onnx").TOLERANCE > 0
