"""The command `train-attributes`: an attribute network and its card."""

from __future__ import annotations

from pathlib import Path

import pytest

from strangers.evaluation import attribute_training

from ..support import Strangers


def test_train_attributes_writes_a_network_and_its_card(
    strangers: Strangers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attribute_training, "TRAINING_BATCH", 8)
    for name, count in (("drawn", 24), ("others", 16)):
        prepared = strangers("prepare", f"synthetic:{count}", "--out", tmp_path / name, "--workers", 1)
        assert prepared.code == 0
    out = tmp_path / "attributes.safetensors"
    words = ("--validation", tmp_path / "others", "--out", out, "--epochs", 1, "--precision", "fp32")
    ran = strangers("train-attributes", tmp_path / "drawn", *words)
    assert ran.code == 0, ran.err
    assert "Balanced accuracy: " in ran.out
    assert out.is_file()
    assert "| Smiling |" in out.with_suffix(".md").read_text()


def test_a_set_without_attributes_is_refused(strangers: Strangers, trained: Path, tmp_path: Path) -> None:
    drawn = trained.with_name("drawn")
    out = tmp_path / "attributes.safetensors"
    ran = strangers("train-attributes", drawn, "--validation", drawn, "--out", out)
    assert ran.code == 1
    assert "--size 64" in ran.err
    assert not out.exists()
