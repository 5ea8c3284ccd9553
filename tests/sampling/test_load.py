"""Models load from files, runs, checkpoints and the package."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from torch import nn

from strangers.errors import ModelError, UsageError
from strangers.sampling.load import load
from strangers.sampling.model_file import ModelHeader, read_model

from ..support import tiny, write_model


def test_the_hash_names_the_file(tmp_path: Path) -> None:
    one, same = write_model(tmp_path / "one"), write_model(tmp_path / "same")
    other = write_model(tmp_path / "other", images_seen=2_000)
    hashes = [load(path, device="cpu").hash for path in (one, same, other)]
    assert hashes[0] == hashes[1] != hashes[2]
    assert all(len(name) == 16 and int(name, 16) >= 0 for name in hashes)


def test_a_run_and_its_checkpoint_are_models(tmp_path: Path) -> None:
    run = tmp_path / "run"
    for name in ("000001000", "000002000"):
        (run / "checkpoints" / name).mkdir(parents=True)
        write_model(run / "checkpoints" / name / "model.safetensors", images_seen=int(name))
    (run / "recipe.json").write_text(tiny().model_dump_json())
    (run / "latest").write_text("000002000\n")
    assert load(run, device="cpu").header.images_seen == 2_000
    assert load(run / "checkpoints" / "000001000", device="cpu").header.images_seen == 1_000


@pytest.mark.parametrize("named", ["", "latest"])
def test_a_damaged_checkpoint_is_refused_and_the_one_before_it_named(tmp_path: Path, named: str) -> None:
    for number in (1, 2, 3):
        folder = tmp_path / "checkpoints" / f"{number:09d}"
        folder.mkdir(parents=True)
        write_model(folder / "model.safetensors", images_seen=number)
    (tmp_path / "latest").write_text("000000002")
    damaged = tmp_path / "checkpoints" / "000000002" / "model.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    before = tmp_path / "checkpoints" / "000000001"
    with pytest.raises(ModelError, match=f"{damaged} .*The checkpoint before it is {before}\\.$"):
        load(tmp_path / named, device="cpu")
    shutil.rmtree(before)
    with pytest.raises(ModelError, match=r"Copy or download it again\.$"):
        load(tmp_path / named, device="cpu")


@pytest.mark.parametrize("named", ["", "latest"])
def test_the_newest_checkpoint_is_loaded_even_if_it_changes_meanwhile(
    tmp_path: Path, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        folder = tmp_path / "checkpoints" / f"{number:09d}"
        folder.mkdir(parents=True)
        write_model(folder / "model.safetensors", images_seen=number)
    (tmp_path / "latest").write_text("000000001")

    def training_continues(path: Path) -> tuple[ModelHeader, nn.Module]:
        (tmp_path / "latest").write_text("000000002")
        shutil.rmtree(tmp_path / "checkpoints" / "000000001", ignore_errors=True)
        return read_model(path)

    monkeypatch.setattr("strangers.sampling.load.read_model", training_continues)
    assert load(tmp_path / named, device="cpu").header.images_seen == 2
    shutil.rmtree(tmp_path / "checkpoints")
    with pytest.raises(ModelError):
        load(tmp_path / named, device="cpu")


def test_an_unknown_name_is_no_model() -> None:
    with pytest.raises(ModelError, match="celeba-9000"):
        load("celeba-9000")


def test_an_absent_device_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="abacus"):
        load(write_model(tmp_path / "model"), device="abacus")
