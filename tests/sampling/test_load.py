"""Names of models that are loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from strangers.sampling.load import source_name


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("celeba-64", "celeba-64"),
        ("models/mine.v2.safetensors", "mine.v2"),
        ("hf:somebody/faces-128", "faces-128"),
    ],
)
def test_the_name_of_a_model_is_that_of_its_source(source: str, name: str) -> None:
    assert source_name(source) == name


def test_a_checkpoint_has_the_name_of_its_run(tmp_path: Path) -> None:
    run = tmp_path / "my faces"
    (run / "checkpoints").mkdir(parents=True)
    (run / "run.json").write_text("{}")
    assert source_name(run) == source_name(run / "checkpoints" / "000100k.safetensors") == "my faces"
