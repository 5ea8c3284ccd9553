"""Architectures, objectives, crops and metrics of other programs work as those of the package do."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
from torch.nn.functional import softplus

import strangers
from strangers import plugins
from strangers.data import crops
from strangers.errors import ModelError, StrangersError, UsageError
from strangers.evaluation import metric_table, values
from strangers.evaluation.features import FeatureSet
from strangers.evaluation.frechet import statistics
from strangers.networks import ARCHITECTURES
from strangers.networks.dcgan import DCGAN
from strangers.recipes import recipe as recipes
from strangers.training import losses

from .support import tiny, write_model


@pytest.fixture(autouse=True)
def restored_tables() -> Iterator[None]:
    """Let registrations end with the test."""
    tables = (
        ARCHITECTURES, losses.OBJECTIVES, crops.CROPS, metric_table.METRICS, metric_table.MEANINGS,
        values.FORMULAS, values.MIN_PICTURES,
    )  # fmt: skip
    before = [dict(table) for table in tables]
    names, higher = set(recipes.OBJECTIVE_NAMES), set(metric_table.HIGHER)
    yield
    for table, entries in zip(tables, before, strict=True):
        table.clear()  # type: ignore[attr-defined]
        table.update(entries)  # type: ignore[attr-defined]
    recipes.OBJECTIVE_NAMES.intersection_update(names)
    metric_table.HIGHER.intersection_update(higher)


SQUARES = strangers.Objective(
    discriminator=lambda real, fake, label: (
        (real - 1).float().square().mean(),
        fake.float().square().mean(),
    ),
    generator=lambda fake, real, label: softplus(-fake.float()).mean(),
    name="squares",
)


def test_an_objective_trains_and_its_model_opens_without_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no objective 'squares'"):
        tiny().replace(objective="squares")
    strangers.register(objective=SQUARES)
    recipe = tiny().replace(objective="squares", batch=16)
    run = strangers.train(
        "synthetic:32", recipe, tmp_path / "run", images=32, progress=False, device="cpu", precision="fp32"
    )
    faces = run.model.sample(2)
    del losses.OBJECTIVES["squares"]
    recipes.OBJECTIVE_NAMES.discard("squares")
    model = strangers.load(run.path, device="cpu")
    assert (model.sample(2) == faces).all()
    assert not isinstance(model.recipe, strangers.Recipe)
    with pytest.raises(UsageError, match="no objective 'squares'"):
        strangers.train("synthetic:32", run.path, tmp_path / "again", progress=False)


def test_a_model_without_its_architecture_says_what_is_missing(tmp_path: Path) -> None:
    class Renamed(DCGAN):
        architecture: str = "renamed"  # type: ignore[assignment]

    strangers.register(architecture=Renamed)
    narrow = {"generator_widths": [16, 16, 8], "discriminator_widths": [8, 16, 16]}
    recipe = tiny().replace(network={"architecture": "renamed", **narrow})
    path = write_model(tmp_path / "model.safetensors", recipe)
    assert isinstance(strangers.load(path, device="cpu").recipe.network, Renamed)
    del ARCHITECTURES["renamed"]
    with pytest.raises(ModelError, match=r"no architecture 'renamed'.*strangers\.register\(architecture"):
        strangers.load(path, device="cpu")


def test_a_crop_prepares_photographs() -> None:
    strangers.register(crop=strangers.Crop("tight", 64))
    assert crops.crop_named("tight").box(178, 218) == (57, 77, 121, 141)


def test_a_metric_is_computed_by_its_name() -> None:
    strangers.register(
        metric=strangers.NewMetric(
            "mean-distance", lambda real, fake: float(np.linalg.norm(real.mean(0) - fake.mean(0))),
            "Distance of the means of {}",
        )
    )  # fmt: skip
    assert metric_table.select_metrics(["mean-distance"]) == ("mean-distance",)
    assert metric_table.METRICS["mean-distance"].meaning.startswith("Distance of the means of features")
    zeros, ones = (
        FeatureSet(statistics(side), side)
        for side in (np.zeros((4, 2), np.float32), np.ones((4, 2), np.float32))
    )
    found = values.compute_values(["mean-distance"], {"face": zeros}, {"face": ones}, shrinkage=True)
    assert found["mean-distance"].value == pytest.approx(2**0.5)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("crop", strangers.Crop("c178")),
        ("objective", SQUARES._replace(name="bce")),
        ("objective", SQUARES._replace(name="")),
        ("architecture", DCGAN),
        ("architecture", strangers.Architecture),
        ("metric", strangers.NewMetric("fid", lambda real, fake: 0.0, "{}")),
        ("metric", strangers.NewMetric("mine", lambda real, fake: 0.0, "{}", features="hands")),
    ],
    ids=["crop", "objective", "nameless", "architecture", "abstract", "metric", "features"],
)
def test_names_of_the_package_and_incomplete_ones_are_refused(kind: str, value: object) -> None:
    with pytest.raises(UsageError, match=r"choose another|lacks|needs a name"):
        strangers.register(**{kind: value})  # type: ignore[arg-type]


def test_an_installed_plug_in_is_imported_when_its_name_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("mine", "tests.plug_in:add", plugins.GROUP)
    monkeypatch.setattr(
        EntryPoint, "load", lambda self: lambda: strangers.register(crop=strangers.Crop("far", 9))
    )
    monkeypatch.setattr(plugins, "entry_points", lambda group: [entry])
    plugins.load_plugins.cache_clear()
    assert crops.crop_named("far").side == 9
    plugins.load_plugins.cache_clear()


def test_a_plug_in_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("mine", "no_such_module_at_all", plugins.GROUP)
    monkeypatch.setattr(plugins, "entry_points", lambda group: [entry])
    plugins.load_plugins.cache_clear()
    with pytest.raises(
        StrangersError, match="The plug-in 'mine' of the package no_such_module_at_all failed"
    ):
        crops.crop_named("nowhere")
    plugins.load_plugins.cache_clear()
