"""A checkpoint is used only if it is complete."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from strangers.data.prepared import PreparedSet
from strangers.errors import RunError
from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import Recipe, with_overrides
from strangers.sampling.model_file import ModelHeader
from strangers.training import checkpoint
from strangers.training.log import read_log
from strangers.training.loop import train
from strangers.training.run import read_recipe, read_run
from strangers.training.state_file import Progress, parse_progress
from strangers.training.step import new_state, training_step

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def finished(drawn_set: PreparedSet, small_recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two checkpoints: after 1,024 and 2,048 images."""
    out = tmp_path_factory.mktemp("runs") / "run"
    return train(drawn_set.path, small_recipe, out, images=2048, every=1024, progress=False).path


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of the run, to be damaged."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


def damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "flip":
        data[len(data) // 2] ^= 0xFF
        path.write_bytes(data)
    elif how == "truncate":
        path.write_bytes(data[: len(data) // 2])
    else:
        path.unlink()


@pytest.mark.parametrize("file", ["model.safetensors", "training.safetensors", "state.json"])
@pytest.mark.parametrize("how", ["flip", "truncate", "remove"])
def test_a_damaged_checkpoint_is_reported_and_the_previous_one_is_used(
    run: Path, small_recipe: Recipe, file: str, how: str
) -> None:
    damage(run / "checkpoints/000002048" / file, how)
    state = new_state(small_recipe, 0, CPU)
    _, [problem] = checkpoint.restore(run, state)
    assert "000002048 is damaged" in problem
    assert state.images_seen == 1024


def test_weights_that_another_process_replaces_while_they_are_read_are_not_used(
    run: Path, small_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse_and_replace(folder: Path, description: dict[str, Any]) -> Progress:
        if folder.name == "000002048":
            shutil.copy(run / "checkpoints/000001024/training.safetensors", folder)
        return parse_progress(folder, description)

    monkeypatch.setattr(checkpoint, "parse_progress", parse_and_replace)
    state = new_state(small_recipe, 0, CPU)
    _, [problem] = checkpoint.restore(run, state)
    assert "training.safetensors has changed" in problem
    assert state.images_seen == 1024


def test_a_training_from_the_previous_checkpoint_ends_with_the_same_bits(
    run: Path, finished: Path, drawn_set: PreparedSet, small_recipe: Recipe
) -> None:
    damage(run / "checkpoints/000002048/training.safetensors", "flip")
    train(drawn_set.path, small_recipe, run, images=2048, every=1024, progress=False)
    assert "000002048 is damaged" in (run / "console.log").read_text()
    assert "Resuming after 1,024 images." in (run / "console.log").read_text()
    name = "checkpoints/000002048/training.safetensors"
    assert (run / name).read_bytes() == (finished / name).read_bytes()


def test_deeply_nested_or_undecodable_files_are_reported(run: Path) -> None:
    for state in run.glob("checkpoints/*/state.json"):
        state.write_text("[" * 100_000)
    (run / "run.json").write_text("[" * 100_000)
    with pytest.raises(RunError, match=r"run.json is damaged"):
        read_run(run)
    (run / "recipe.json").write_bytes(b"\xff\xfe")
    with pytest.raises(RunError, match=r"recipe.json is damaged"):
        read_recipe(run)
    with (run / "log.jsonl").open("ab") as file:
        file.write(b"[" * 100_000 + b"\n\xff\xfe\n")
    assert read_log(run)


def test_a_run_without_usable_checkpoint_is_not_restarted(run: Path, small_recipe: Recipe) -> None:
    for path in run.glob("checkpoints/*/state.json"):
        path.write_text("{}")
    with pytest.raises(RunError, match="No checkpoint"):
        checkpoint.restore(run, new_state(small_recipe, 0, CPU))


def test_leftovers_of_a_killed_save_are_removed(
    run: Path, drawn_set: PreparedSet, small_recipe: Recipe
) -> None:
    no_process = 2**22 + 1  # above every process number
    shutil.copytree(run / "checkpoints/000002048", run / f"checkpoints/.partial-000002500-{no_process}-abcd")
    (run / f"samples/.partial-000003k.png-{no_process}-abcd").write_bytes(b"half")
    train(drawn_set.path, small_recipe, run, images=3072, every=1024, progress=False)
    assert not list(run.rglob(".partial-*"))


def test_checkpoints_that_a_killed_save_did_not_prune_are_removed(
    run: Path, drawn_set: PreparedSet, small_recipe: Recipe
) -> None:
    train(drawn_set.path, small_recipe, run, images=2048, every=1024, keep=1, progress=False)  # it is over
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["000002048"]


def header_of(recipe: Recipe) -> ModelHeader:
    return ModelHeader(
        software="test",
        recipe=recipe,
        images_seen=2,
        crop="square",
        size=recipe.size,
        filter="drawn",
        data_hash="",
    )


def tiny_checkpoint(run: Path, recipe: Recipe, images_seen: int, keep: int = 1) -> Path:
    """Save a checkpoint of untrained networks."""
    state = new_state(recipe, 0, CPU)
    state.images_seen = images_seen
    file = checkpoint.serialize(state.ema, header_of(recipe))
    return checkpoint.save(run, state, file, Progress(), keep=keep)


def test_copies_by_a_person_are_neither_restored_nor_removed(small_recipe: Recipe, tmp_path: Path) -> None:
    first = tiny_checkpoint(tmp_path, small_recipe, 64)
    names = ("000000064-keep", "2024-best", "best", "000099999")
    for name in names:
        shutil.copytree(first, first.with_name(name))
    tiny_checkpoint(tmp_path, small_recipe, 128)
    state = new_state(small_recipe, 1, CPU)
    assert checkpoint.restore(tmp_path, state)[1] == []
    assert state.images_seen == 128
    tiny_checkpoint(tmp_path, small_recipe, 192)
    assert {path.name for path in first.parent.iterdir()} == {*names, "000000192"}


def test_files_that_a_person_put_into_a_checkpoint_stay(small_recipe: Recipe, tmp_path: Path) -> None:
    first = tiny_checkpoint(tmp_path, small_recipe, 64)
    (first / "notes.txt").write_text("the best so far")
    tiny_checkpoint(tmp_path, small_recipe, 128)
    assert [path.name for path in first.iterdir()] == ["notes.txt"]


def test_a_checkpoint_never_replaces_a_copy_of_its_name(small_recipe: Recipe, tmp_path: Path) -> None:
    first = tiny_checkpoint(tmp_path, small_recipe, 64)
    copy = shutil.copytree(first, first.with_name("000000128"))
    with pytest.raises(FileExistsError, match="000000128 is something else; move it"):
        tiny_checkpoint(tmp_path, small_recipe, 128)
    assert (copy / "state.json").read_bytes() == (first / "state.json").read_bytes()


@pytest.mark.parametrize("name", ["best", "latest"])
def test_a_file_of_a_person_named_like_a_pointer_stays(
    name: str, small_recipe: Recipe, tmp_path: Path
) -> None:
    tiny_checkpoint(tmp_path, small_recipe, 64)
    (tmp_path / name).write_text("seed 17")
    with pytest.raises(FileExistsError, match=f"{name} is something else; move it"):
        tiny_checkpoint(tmp_path, small_recipe, 128)
    assert (tmp_path / name).read_text() == "seed 17"
    (tmp_path / name).write_bytes(bytes(9))
    tiny_checkpoint(tmp_path, small_recipe, 192)
    assert (tmp_path / "latest").read_text() == "000000192"


def test_all_files_of_a_checkpoint_have_the_mode_of_the_umask(small_recipe: Recipe, tmp_path: Path) -> None:
    before = os.umask(0o002)
    try:
        folder = tiny_checkpoint(tmp_path, small_recipe, 64)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o664}


@pytest.mark.parametrize("where", ["moments", "sums"])
def test_no_checkpoint_is_written_of_numbers_that_are_not_finite(
    where: str, small_recipe: Recipe, tmp_path: Path
) -> None:
    """This holds for moments and sums too, since a training that resumes from them is lost."""
    state = new_state(small_recipe, 0, CPU)
    training_step(state, torch.rand(small_recipe.images_per_step, 3, 32, 32), small_recipe)
    if where == "moments":
        next(iter(state.generator_optimizer.state.values()))["exp_avg_sq"].fill_(torch.inf)
    sums = {"steps": 1, "sums": [torch.inf if where == "sums" else 0.0]}
    file = checkpoint.serialize(state.ema, header_of(small_recipe))
    with pytest.raises(RunError, match="some weights or losses are not finite"):
        checkpoint.save(tmp_path, state, file, Progress(log=sums), keep=1)
    assert not (tmp_path / "latest").exists()


@pytest.mark.parametrize("name", ["dcgan-32", "nadam-128", "two-step-32"])
def test_every_optimizer_resumes_bit_for_bit(name: str, tmp_path: Path) -> None:
    recipe = with_overrides(RECIPES[name], {"batch": "2", "generator_batch": "2"})
    torch.manual_seed(0)
    real = torch.rand(recipe.images_per_step, 3, recipe.size, recipe.size)
    straight, resumed = new_state(recipe, 0, CPU), new_state(recipe, 1, CPU)
    training_step(straight, real, recipe)
    file = checkpoint.serialize(straight.ema, header_of(recipe))
    checkpoint.save(tmp_path, straight, file, Progress(), keep=1)
    checkpoint.restore(tmp_path, resumed)
    weights = []
    for state in (straight, resumed):
        torch.manual_seed(3)
        training_step(state, real, recipe)
        networks = (state.generator, state.discriminator, state.ema)
        weights.append([value.clone() for network in networks for value in network.state_dict().values()])
    assert all(torch.equal(value, other) for value, other in zip(*weights, strict=True))
