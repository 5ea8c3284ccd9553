"""Directions: known directions of a generator are found, and edits follow them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from strangers.errors import UsageError
from strangers.latent.directions import Directions, find_directions, fit_classifier
from strangers.latent.effects import measure_effect
from strangers.sampling.latents import Distribution, latents
from strangers.sampling.load import load
from strangers.sampling.model import Model
from strangers.system.cache import cache_folder

from .support import SIZE, Eye, axis, painter

COUNT = 2_000


@pytest.fixture
def own_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return cache_folder() / "directions"


@pytest.mark.parametrize("latent", ["normal", "uniform"])
@pytest.mark.usefixtures("eye", "own_cache_folder")
def test_the_known_directions_of_a_generator_are_found(latent: Distribution, tmp_path: Path) -> None:
    directions = find_directions(painter(tmp_path, latent), count=COUNT)
    found = dict(zip(directions.names, directions.vectors, strict=True))
    assert np.allclose(np.linalg.norm(directions.vectors, axis=1), 1, atol=1e-6)
    assert found["Bright"] @ axis(1) > 0.97
    assert found["Red"] @ axis(0.6, 0.8) > 0.97
    assert min(directions.accuracies) > 0.9
    assert list(directions.accuracies) == sorted(directions.accuracies, reverse=True)


@pytest.mark.usefixtures("eye", "own_cache_folder")
def test_a_rare_attribute_is_left_out_with_the_reason(tmp_path: Path) -> None:
    directions = find_directions(painter(tmp_path), count=COUNT)
    assert directions.omitted == ("Striped",)
    with pytest.raises(UsageError, match="Striped: fewer than 50 of 2,000 faces") as raised:
        directions.edit(axis()[None].astype(np.float32), {"Striped": 1})
    assert "Bright" in str(raised.value)
    with pytest.raises(UsageError, match="no direction for 'Dotted'"):
        directions.index("Dotted")


@pytest.mark.usefixtures("eye", "own_cache_folder")
def test_orthogonal_directions_change_other_attributes_less(tmp_path: Path) -> None:
    model = painter(tmp_path)
    plain, apart = find_directions(model, count=COUNT), find_directions(model, count=COUNT, orthogonal=True)
    red, bright = apart.index("Red"), plain.index("Bright")
    assert abs(apart.vectors[red] @ plain.vectors[bright]) < 1e-5
    assert apart.vectors[red] @ axis(0, 1) > 0.95  # the part of red that is orthogonal to green
    before, after = (measure_effect(model, directions, "Red", 2, count=500) for directions in (plain, apart))
    assert before.changed > 0.9
    assert after.changed > 0.7
    assert after.others["Bright"] < 0.2 < before.others["Bright"]
    assert "at most Bright in" in str(before)


def directions_along(vectors: list[np.ndarray], latent: Distribution = "normal") -> Directions:
    names = tuple(f"number {row}" for row in range(len(vectors)))
    return Directions(names, np.array(vectors, np.float32), (0.9,) * len(vectors), latent)


def test_a_direction_in_the_span_of_the_held_ones_is_refused() -> None:
    directions = directions_along([axis(1), axis(0, 1), axis(0.6, 0.8)])
    with pytest.raises(
        UsageError, match=r"direction of number 2 lies in the span of the 2 held .* hold fewer"
    ):
        directions.orthogonal_to(["number 0", "number 1"])


def test_an_edit_keeps_the_length_of_a_normal_latent_and_the_bounds_of_a_uniform_one() -> None:
    z = latents(range(50), SIZE, "normal")
    moved = directions_along([axis(1), axis(0, 1)]).edit(z, {"number 0": 3, "number 1": -2})
    assert np.allclose(np.linalg.norm(moved, axis=1), np.linalg.norm(z, axis=1), rtol=1e-5)
    assert (moved[:, 0] > z[:, 0]).all()
    assert (moved[:, 1] < z[:, 1]).all()
    z = latents(range(50), SIZE, "uniform")
    moved = directions_along([axis(1)], "uniform").edit(z, {"number 0": 1})
    assert np.allclose(moved[:, 0], np.minimum(z[:, 0] + 3**-0.5, 1))  # by one standard deviation
    assert np.array_equal(moved[:, 1:], z[:, 1:])


def test_an_edit_of_strength_zero_changes_nothing() -> None:
    for latent in ("normal", "uniform"):
        z = latents(range(5), SIZE, latent)
        assert np.allclose(directions_along([axis(1)], latent).edit(z, {"number 0": 0}), z, rtol=1e-6)


def test_latents_of_another_size_are_refused() -> None:
    with pytest.raises(UsageError, match=r"\(n, 100\) \(got \(2, 7\)\)"):
        directions_along([axis(1)]).edit(np.zeros((2, 7), np.float32), {})


@pytest.mark.usefixtures("eye")
def test_cached_directions_equal_those_that_were_found(
    tmp_path: Path, own_cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = painter(tmp_path)
    fresh = find_directions(model, count=COUNT)
    [kept] = own_cache_folder.iterdir()
    with monkeypatch.context() as patch:
        patch.setattr(Model, "batches", None)  # drawing would fail
        cached = find_directions(model, count=COUNT)
    assert np.array_equal(cached.vectors, fresh.vectors)
    assert (cached.names, cached.accuracies, cached.omitted, cached.count) == (
        fresh.names, fresh.accuracies, fresh.omitted, fresh.count,
    )  # fmt: skip
    damaged = bytearray(kept.read_bytes())
    damaged[-1] ^= 1
    kept.write_bytes(damaged)
    assert np.array_equal(find_directions(model, count=COUNT).vectors, fresh.vectors)


@pytest.mark.usefixtures("own_cache_folder")
def test_each_number_of_faces_is_a_search_of_its_own(tmp_path: Path, eye: Eye) -> None:
    model = painter(tmp_path)
    drawn: list[int] = []
    for count in (500, 600):
        find_directions(model, count=count, advance=drawn.append)
    assert sum(drawn) == 1_100


def test_a_classifier_gives_both_classes_the_same_weight() -> None:
    z = latents(range(400), 5, "normal").astype(np.float64)
    labels = z[:, 0] > 1.3  # a tenth
    weights, bias = fit_classifier(z, labels)
    probability = 1 / (1 + np.exp(-(z @ weights + bias)))
    assert probability[labels].mean() == pytest.approx(1 - probability[~labels].mean(), abs=1e-6)
    assert np.abs(weights[1:]).max() < weights[0] / 4


@pytest.mark.usefixtures("own_cache_folder")
def test_the_bundled_models_directions_come_with_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Model, "batches", None)  # drawing would fail
    directions = find_directions(load("celeba-64", device="cpu"))
    assert {"Smiling", "Eyeglasses"} <= set(directions.names)
    assert directions.count == 10_000
