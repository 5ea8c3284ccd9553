"""A small file is a model like any other, with a card that tells of that very file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
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
    assert "Not evaluated" in text


def test_a_second_export_adds_what_was_measured_and_changes_no_byte(tmp_path: Path) -> None:
    pictures = prepare("synthetic:60", tmp_path / "set", size=32, workers=1, progress=False)
    out, result = tmp_path / "small.safetensors", tmp_path / "faces.json"
    crop, filter_ = pictures.manifest.crop, pictures.manifest.filter
    whole = write_model(tmp_path / "whole.safetensors", crop=crop, filter=filter_)
    export_file(load(whole, device="cpu"), out)
    first = out.read_bytes()
    settings = Settings(metrics=("kd-face",), count=40, device="cpu")
    measured = evaluate(out, pictures.path, settings=settings, progress=False).result
    result.write_text(measured.model_dump_json())
    other = load(write_model(tmp_path / "other.safetensors"), device="cpu")
    with pytest.raises(UsageError, match="belongs to the model"):
        export_file(other, out, result=result)
    assert out.read_bytes() == first
    export_file(load(out, device="cpu"), out, result=result)
    assert out.read_bytes() == first
    assert "`kd-face`" in out.with_suffix(".md").read_text()


def test_values_that_float16_cannot_hold_stay_in_float32(tmp_path: Path) -> None:
    """The same function with other scales: a variance of 1e8, and weights of 1e-8."""
    path = write_model(tmp_path / "whole.safetensors")
    model = load(path, device="cpu")
    values = model.generator.state_dict()
    norm = next(name.removesuffix(".running_var") for name in values if name.endswith("running_var"))
    before = f"{int(norm.split('.')[0]) - 1}.weight"
    for scale in (1e5, 1e-6):
        scaled = {name: value.clone() for name, value in values.items()}
        scaled[before] *= scale
        scaled[f"{norm}.running_mean"] *= scale
        scaled[f"{norm}.running_var"] *= scale**2
        model.generator.load_state_dict(scaled)
        out = tmp_path / f"half {scale}.safetensors"
        export_file(model, out)
        half = load(out, device="cpu")
        difference = np.abs(half.sample(range(8)).astype(int) - model.sample(range(8)))
        assert difference.max() <= 4
        assert out.stat().st_size < 0.9 * path.stat().st_size
