"""Snapshots: the checkpoint comes first, and no picture ends or changes a training."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest

from strangers.data.prepared import PreparedSet
from strangers.recipes.recipe import Recipe
from strangers.sampling import model_file
from strangers.training import checkpoint, session, snapshots
from strangers.training.log import read_log
from strangers.training.loop import train

SETTINGS: dict[str, Any] = {"images": 2048, "every": 1024, "precision": "fp32", "progress": False}


class KilledError(BaseException):
    """The end of a process at this point."""


def weights(run: Path) -> bytes:
    return (run / "checkpoints/000002048/training.safetensors").read_bytes()


@pytest.fixture
def straight(drawn_set: PreparedSet, small_recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undisturbed run, trained once."""
    out = tmp_path_factory.getbasetemp() / "straight-snapshots"
    train(drawn_set.path, small_recipe, out, **SETTINGS)
    return out


def test_failing_pictures_neither_end_nor_change_a_training(
    straight: Path, drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip

    def broken(*_: object) -> NoReturn:
        raise SyntaxError("broken PNG file")

    for module, name in ((session, "save_reals"), (snapshots, "save_samples"), (snapshots, "save_animation")):
        monkeypatch.setattr(module, name, broken)
    train(drawn_set.path, small_recipe, tmp_path / "run", **SETTINGS)
    assert weights(tmp_path / "run") == weights(straight)
    warnings = [entry["warning"] for entry in read_log(tmp_path / "run", "warning")]
    assert len(warnings) == 4  # photographs, two grids, animation
    assert all("broken PNG file" in warning for warning in warnings)


def test_a_grid_that_a_kill_prevented_is_drawn_on_resume(
    straight: Path, drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip

    def killed(*_: object) -> NoReturn:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(snapshots, "save_samples", killed)
        with pytest.raises(KilledError):
            train(drawn_set.path, small_recipe, tmp_path / "run", **SETTINGS)
    assert (tmp_path / "run/checkpoints/000001024").exists()  # written before its grid
    train(drawn_set.path, small_recipe, tmp_path / "run", **SETTINGS)
    for name in ("000001k.png", "000002k.png"):
        assert (tmp_path / "run/samples" / name).read_bytes() == (straight / "samples" / name).read_bytes()


def test_a_model_is_serialized_and_hashed_once_per_checkpoint(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its header has a hash of the tensors, and checkpoints one of the whole file."""
    calls: Counter[str] = Counter()

    def count(module: ModuleType, name: str) -> None:
        counted = getattr(module, name)

        def call(*given: Any, **named: Any) -> Any:
            calls[name] += 1
            return counted(*given, **named)

        monkeypatch.setattr(module, name, call)

    count(model_file, "save")
    count(model_file, "with_digest")
    count(checkpoint, "serialize")
    count(checkpoint, "sha256_of")
    train(drawn_set.path, small_recipe, tmp_path / "run", evaluate_every=1024, evaluate_count=257, **SETTINGS)
    assert calls == {"save": 2, "with_digest": 2, "serialize": 2, "sha256_of": 2}
