"""A small file is a model like any other, with a card that tells of that very file."""

from __future__ import annotations

from pathlib import Path

import pytest

from strangers.data.prepare import prepare
from strangers.errors import UsageError
from strangers.evaluation.evaluate import Settings, evaluate
from strangers.export.file import export_file
from strangers.sampling.load import load

from ..support import write_model


def test_the_file_is_half_as_large_and_draws_the_same_faces(tmp_path: Path) -> None:
    model = load(write_model(tmp_path / "whole.safetensors"), device="cpu")
    export_file(model, tmp_path / "small.safetensors")
    small = load(tmp_path / "small.safetensors", device="cpu")
    assert (tmp_path / "small.safetensors").stat().st_size < 0.6 * (
        tmp_path / "whole.safetensors"
    ).stat().st_size
    assert abs(small.sample(range(8)).astype(int) - model.sample(range(8))).max() <= 2
    text = (tmp_path / "small.md").read_text()
    assert small.hash in text
    assert 'strangers.load("small.safetensors")' in text
    assert "Nothing was measured" in text


def test_a_second_export_adds_what_was_measured_and_changes_no_byte(tmp_path: Path) -> None:
    pictures = prepare("synthetic:60", tmp_path / "set", size=32, workers=1, progress=False)
    out, result = tmp_path / "small.safetensors", tmp_path / "faces.json"
    crop, filter_ = pictures.manifest.crop, pictures.manifest.filter
    whole = write_model(tmp_path / "whole.safetensors", crop=crop, filter=filter_)
    export_file(load(whole, device="cpu"), out)
    first = out.read_bytes()
    settings = Settings(metrics=("kd",), count=40, device="cpu")
    measured = evaluate(out, pictures.path, settings=settings, progress=False).result
    result.write_text(measured.model_dump_json())
    other = load(write_model(tmp_path / "other.safetensors"), device="cpu")
    with pytest.raises(UsageError, match="of the model"):
        export_file(other, out, result=result)
    assert out.read_bytes() == first
    export_file(load(out, device="cpu"), out, result=result)
    assert out.read_bytes() == first
    assert "`kd-face`" in out.with_suffix(".md").read_text()
