"""A training that starts from a model: its first weights, its recipe, and an exact resume."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from strangers.data.prepared import PreparedSet
from strangers.errors import ModelError, UsageError
from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import Adaptive, Recipe
from strangers.sampling.load import load, model_file
from strangers.training import plan
from strangers.training.ancestor import few_recipe, read_ancestor
from strangers.training.loop import train
from strangers.training.options import TrainingOptions
from strangers.training.plan import make_plan

FEW = {"batch": "16", "generator_batch": "16", "augmentation.probability": '{"images": 500}'}


@pytest.fixture(scope="module")
def first(drawn_set: PreparedSet, small_recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the small recipe."""
    out = tmp_path_factory.mktemp("runs") / "first"
    train(drawn_set.path, small_recipe, out, images=640, device="cpu", precision="fp32", progress=False)
    return out


def few(first: Path, data: PreparedSet, out: Path, images: int, **changes: str) -> dict[str, Tensor]:
    """Train from `first`, and return the tensors of the last checkpoint."""
    train(
        data.path, out=out, from_model=first, images=images, overrides=FEW | changes, evaluate_every=1000,
        evaluate_count=257, device="cpu", precision="fp32", progress=False,
    )  # fmt: skip
    return load_file(out / "checkpoints" / (out / "latest").read_text() / "training.safetensors")


def test_it_starts_with_both_networks_of_a_run_and_says_so(
    first: Path, drawn_set: PreparedSet, tmp_path: Path
) -> None:
    last = load_file(first / "checkpoints" / (first / "latest").read_text() / "training.safetensors")
    tensors = few(first, drawn_set, tmp_path / "run", 16)
    generator = load(first, device="cpu").generator.state_dict()
    for name, value in generator.items():
        if "running" not in name and "batches" not in name:  # batch norm counts what the generator draws
            assert torch.equal(tensors[f"generator.{name}"], value), name
    changed = [
        torch.dist(tensors[n], last[n]) for n in last if n.startswith("discriminator.") and "weight" in n
    ]
    assert 0 < max(changed) < 1
    console = (tmp_path / "run" / "console.log").read_text()
    assert "few-64 at 32 px on 500 pictures" in console
    assert "Starting from first (" in console
    assert "with its discriminator, which learns alone for 1,000 images." in console


def test_the_generator_is_frozen_until_the_discriminator_has_warmed_up(
    first: Path, drawn_set: PreparedSet, tmp_path: Path
) -> None:
    before = load(first, device="cpu").generator.state_dict()
    warm = few(first, drawn_set, tmp_path / "warm", 64, generator_after="48")
    weight = next(name for name in before if name.endswith("weight"))
    assert not torch.equal(warm[f"generator.{weight}"], before[weight])


def test_an_interrupted_training_resumes_to_the_bit(
    first: Path, drawn_set: PreparedSet, tmp_path: Path
) -> None:
    straight = few(first, drawn_set, tmp_path / "straight", 320, generator_after="96")
    for images in (160, 320):
        in_two = few(first, drawn_set, tmp_path / "in two", images, generator_after="96")
    assert straight.keys() == in_two.keys()
    for name, value in straight.items():
        assert torch.equal(value, in_two[name]), name
    assert 0 < straight["augmentation"] <= 0.8


def test_the_run_and_its_model_record_where_they_started_and_what_was_measured(
    first: Path, drawn_set: PreparedSet, tmp_path: Path
) -> None:
    few(first, drawn_set, tmp_path / "run", 1008)
    name = f"first ({load(first, device='cpu').hash})"
    assert json.loads((tmp_path / "run" / "run.json").read_text())["from"] == name
    header = load(tmp_path / "run", device="cpu").header
    assert header.ancestor == name
    assert header.recipe.name == "few-64"
    assert list(header.metrics) == ["kd-face"]
    console = (tmp_path / "run" / "console.log").read_text()
    assert "kd-face" in console
    assert "faces copy a training picture" in console or "as near to a training picture" in console
    assert (tmp_path / "run" / "best").exists()


def test_the_recipe_for_few_pictures_has_the_networks_of_the_model(first: Path) -> None:
    ancestor = read_ancestor(first)
    assert few_recipe(ancestor).network == ancestor.recipe.network
    assert few_recipe(ancestor).penalty == RECIPES["few-64"].penalty
    for name in ("celeba-64", "celeba-128"):
        bundled = read_ancestor(name)
        assert bundled.discriminator is None
        assert few_recipe(bundled) == RECIPES[f"few-{bundled.recipe.size}"]


def test_with_many_pictures_only_a_model_with_its_discriminator_keeps_its_own_recipe(
    first: Path,
    small_recipe: Recipe,
    drawn_set: PreparedSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plan, "FEW_PICTURES", len(drawn_set))
    alone = tmp_path / "alone.safetensors"
    alone.write_bytes(model_file(first).read_bytes())
    names = {
        source: make_plan(drawn_set.path, TrainingOptions(from_model=source, progress=False)).recipe.name
        for source in (first, alone)
    }
    assert names == {first: small_recipe.name, alone: "few-64"}


def test_a_damaged_discriminator_is_an_error_that_names_it(first: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(first, run)
    training = run / "checkpoints" / (run / "latest").read_text() / "training.safetensors"
    training.write_bytes(training.read_bytes()[:100])
    with pytest.raises(ModelError, match=re.escape(f"The discriminator in {training} cannot be read")):
        read_ancestor(run)


def test_a_recipe_of_other_networks_is_refused(first: Path, drawn_set: PreparedSet) -> None:
    options = TrainingOptions("dcgan-32", from_model=first, progress=False)
    with pytest.raises(UsageError, match="networks of recipe dcgan-32 are not those of first"):
        make_plan(drawn_set.path, options)


def test_with_few_pictures_it_measures_often_and_stops_early_unless_told_otherwise() -> None:
    options = TrainingOptions().for_few_pictures()
    assert (options.evaluate_every, options.evaluate_count, options.patience) == (2000, 512, 5)
    told = TrainingOptions(evaluate_every=9000, evaluate_count=600, patience=2).for_few_pictures()
    assert (told.evaluate_every, told.evaluate_count, told.patience) == (9000, 600, 2)


def test_the_probability_of_augmentation_follows_the_discriminator() -> None:
    adaptive = Adaptive(target=0.6, images=100, maximum=0.8)
    probability = torch.tensor(0.0)
    for accuracy, expected in ((0.9, 0.1), (1.0, 0.2), (0.7, 0.1), (0.0, 0.0), (0.0, 0.0)):
        probability = adaptive.follow(probability, torch.tensor(accuracy), 10)
        assert float(probability) == pytest.approx(expected)
    assert float(adaptive.follow(torch.tensor(0.75), torch.tensor(1.0), 50)) == pytest.approx(0.8)
