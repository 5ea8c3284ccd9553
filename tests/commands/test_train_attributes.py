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
    prepared = strangers(
        "prepare", "synthetic:40", "--hold-out", "40%", "--out", tmp_path / "drawn", "--workers", 1
    )
    assert prepared.code == 0, prepared.err
    assert "chosen by picture" in prepared.out
    out = tmp_path / "attributes.safetensors"
    words = ("--out", out, "--epochs", 1, "--precision", "fp32")
    ran = strangers("train-attributes", tmp_path / "drawn", *words)
    assert ran.code == 0, ran.err
    assert "Balanced accuracy: " in ran.out
    assert out.is_file()
    assert "| Smiling |" in out.with_suffix(".md").read_text()


def test_without_a_held_out_part_a_validation_set_is_needed(strangers: Strangers, tmp_path: Path) -> None:
    assert strangers("prepare", "synthetic:4", "--out", tmp_path / "set", "--workers", 1).code == 0
    ran = strangers("train-attributes", tmp_path / "set", "--out", tmp_path / "a.safetensors")
    assert ran.code == 2
    assert "pass --validation" in ran.err


def test_a_set_without_attributes_is_refused(strangers: Strangers, trained: Path, tmp_path: Path) -> None:
    drawn = trained.with_name("drawn")
    out = tmp_path / "attributes.safetensors"
    ran = strangers("train-attributes", drawn, "--validation", drawn, "--out", out)
    assert ran.code == 1
    assert "--size 64" in ran.err
    assert not out.exists()
