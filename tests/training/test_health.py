"""The health monitor on given numbers, and on trainings that really collapse."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from strangers.data.prepared import PreparedSet
from strangers.errors import RunError
from strangers.recipes.recipe import Recipe, with_overrides
from strangers.sampling.load import load
from strangers.training import health as monitor
from strangers.training import loop, pictures
from strangers.training.health import MAX_ROLLBACKS, SATURATED_IMAGES, HealthMonitor
from strangers.training.log import read_log
from strangers.training.loop import train
from strangers.training.session import TrainingSession
from strangers.training.step import StepReport

from .support import train_until

HEALTHY = {"real_accuracy": 0.9, "fake_accuracy": 0.8, "generator_loss": 2.0, "real_loss": 0.4}
WON = HEALTHY | {"real_accuracy": 1.0, "fake_accuracy": 1.0}

SETTINGS: dict[str, Any] = {"every": 1000, "log_every": 300, "precision": "fp32", "progress": False}

REAL_RUNS = {
    "dcgan-64": {
        20: 0.183,
        40: 0.376,
        60: 0.425,
        100: 0.494,
        220: 0.527,
        500: 0.756,
        900: 0.862,
        1000: 0.849,
    },
    "compact-32": {20: 0.453, 40: 0.447, 43: 0.432, 280: 0.611, 320: 0.630},
    "two-step-32": {280: 0.745, 290: 0.734, 300: 0.746},
}
"""The variety of ordinary trainings on CelebA, by thousands of images."""


@pytest.fixture
def short_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small networks have to make faces that differ after 4,000 images; `quick_recipe` does."""
    monkeypatch.setattr(monitor, "YOUNG_IMAGES", 4000)


@pytest.fixture
def no_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the curves, which take longer to plot than faces to judge; the attribute network stays."""
    monkeypatch.setattr(pictures, "curves", lambda run: None)


@pytest.fixture
def collapsing(small_recipe: Recipe) -> Recipe:
    """The generator races ahead of a discriminator that hardly learns: its faces are all the same."""
    changes = {"generator_optimizer.learning_rate": "0.02", "discriminator_optimizer.learning_rate": "1e-5"}
    return with_overrides(small_recipe, changes)


def warnings_of(run: Path) -> list[str]:
    return [line for line in (run / "console.log").read_text().splitlines() if line.startswith("warning:")]


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_a_collapse_and_warned_of_once(broken: float) -> None:
    health = HealthMonitor()
    assert health.after_line(HEALTHY, 100) == []
    [warning] = health.after_line(HEALTHY | {"real_loss": broken}, 200)
    assert warning.kind == "not finite"
    assert "learning_rate" in warning.message
    assert health.collapsed
    assert health.after_line(HEALTHY | {"real_loss": broken}, 300) == []


def test_saturation_is_warned_of_once_each_time() -> None:
    health, told = HealthMonitor(), []
    for images in range(0, 5 * SATURATED_IMAGES, 1000):
        lost = images == 3 * SATURATED_IMAGES  # errs once
        told += [(images, warning.kind) for warning in health.after_line(HEALTHY if lost else WON, images)]
    assert told == [
        (SATURATED_IMAGES, "saturation"),
        (4 * SATURATED_IMAGES + 1000, "saturation"),
    ]
    assert not health.collapsed


def test_a_winning_discriminator_is_fine_while_the_generator_learns() -> None:
    health = HealthMonitor()
    for images in range(0, 3 * SATURATED_IMAGES, 1000):
        assert health.after_line(WON | {"generator_loss": 9 - images / SATURATED_IMAGES}, images) == []


def test_faces_that_become_alike_are_warned_of_once_each_time() -> None:
    health = HealthMonitor()
    varieties = [0.3, 0.6, 0.1, 0.1, 0.5, 0.2]
    told = [health.after_samples(variety, 20_000 * n) for n, variety in enumerate(varieties)]
    assert [len(warnings) for warnings in told] == [0, 0, 1, 0, 0, 1]
    assert "10.0% of the photographs', down from 60.0%" in told[2][0].message
    assert health.good_at == 80_000


def test_variety_that_never_rises_is_warned_of_after_the_first_images() -> None:
    health = HealthMonitor()
    told = [images for images in range(20_000, 200_000, 20_000) if health.after_samples(0.05, images)]
    assert told == [100_000]


@pytest.mark.parametrize("name", REAL_RUNS)
def test_ordinary_trainings_on_photographs_are_not_warned_of(name: str) -> None:
    health = HealthMonitor()
    for thousands, variety in REAL_RUNS[name].items():
        assert health.after_samples(variety, 1000 * thousands) == []
        assert health.good_at == 1000 * thousands


def test_the_monitor_survives_a_checkpoint() -> None:
    health = HealthMonitor()
    health.after_line(WON, 10)
    health.after_samples(0.5, 20)
    health.after_samples(0.1, 40)
    assert HealthMonitor(**json.loads(json.dumps(asdict(health)))) == health


@pytest.mark.whole
@pytest.mark.usefixtures("short_lives", "no_curves")
def test_an_ordinary_short_training_is_not_warned_of(
    drawn_set: PreparedSet, quick_recipe: Recipe, tmp_path: Path
) -> None:
    train(drawn_set.path, quick_recipe, tmp_path / "run", images=5000, **SETTINGS)
    assert warnings_of(tmp_path / "run") == []
    looked = [entry["images_seen"] for entry in read_log(tmp_path / "run", "variety")]
    assert looked == [1024, 2048, 3008, 4032, 5056]


@pytest.mark.whole
@pytest.mark.usefixtures("short_lives", "no_curves")
def test_a_real_collapse_is_warned_of_and_training_continues(
    drawn_set: PreparedSet, collapsing: Recipe, tmp_path: Path
) -> None:
    train(drawn_set.path, collapsing, tmp_path / "run", images=5000, **SETTINGS)
    [warning] = warnings_of(tmp_path / "run")
    assert "have become alike" in warning
    assert "--on-collapse rollback" in warning
    [entry] = read_log(tmp_path / "run", "warning")
    assert entry["kind"] == "collapse"
    assert load(tmp_path / "run").header.images_seen == 5056


@pytest.mark.whole
@pytest.mark.usefixtures("short_lives", "no_curves")
def test_a_real_collapse_stops_the_training_on_request(
    drawn_set: PreparedSet, collapsing: Recipe, tmp_path: Path
) -> None:
    for _ in range(2):  # the second call resumes from the previous checkpoint, with the same end
        with pytest.raises(RunError, match="collapsed after "):
            train(drawn_set.path, collapsing, tmp_path / "run", images=9000, on_collapse="stop", **SETTINGS)
    [entry] = read_log(tmp_path / "run", "warning")
    assert int((tmp_path / "run/latest").read_text()) < entry["images_seen"] <= 4032
    assert (tmp_path / f"run/samples/{entry['images_seen'] // 1000:06d}k.png").exists()  # to be seen


@pytest.mark.whole
@pytest.mark.usefixtures("no_curves")
def test_a_real_collapse_is_rolled_back_with_lower_rates_and_not_forever(
    drawn_set: PreparedSet, collapsing: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs killed and stopped in the middle of it end with the same bits."""
    monkeypatch.setattr(monitor, "YOUNG_IMAGES", 3000)
    settings = SETTINGS | {"images": 20_000, "every": 1000, "keep": 1, "on_collapse": "rollback"}
    ends = []
    for name, interruptions in (("straight", ()), ("interrupted", ("killed", "stopped"))):
        run = tmp_path / name
        for rollbacks, ending in enumerate(interruptions):

            def moment(session: TrainingSession, rollbacks: int = rollbacks) -> bool:
                return session.health.rollbacks == rollbacks and session.state.images_seen > 2500

            train_until(moment, ending, drawn_set.path, collapsing, run, **settings)
        with pytest.raises(RunError, match=f"collapsed again after {MAX_ROLLBACKS} rollbacks"):
            train(drawn_set.path, collapsing, run, **settings)
        told = read_log(run, "rollback")
        assert [entry["learning_rate_multiplier"] for entry in told] == [0.5, 0.25, 0.125]
        assert all(entry["images_seen"] < entry["rolled_back_from"] for entry in told)
        kept = sorted(run.glob("checkpoints/*"))
        assert len(kept) <= 2  # the newest, and the last good one
        log = [{**entry, "seconds": 0, "images_per_second": 0} for entry in read_log(run, "images_seen")]
        ends.append((log, [(path.name, (path / "training.safetensors").read_bytes()) for path in kept]))
    assert ends[0] == ends[1]
    state = json.loads((kept[-1] / "state.json").read_text())
    assert state["learning_rate_multiplier"] == monitor.ROLLBACK_FACTOR ** state["health"]["rollbacks"] < 1


@pytest.mark.parametrize("broken_at", [700, 1500])
def test_weights_that_are_not_finite_are_rolled_back(
    drawn_set: PreparedSet,
    small_recipe: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    broken_at: int,
) -> None:
    """Also to the very beginning; the rates are halved, other random numbers drawn, and the run succeeds."""
    next_step, rates = loop.next_step, set()

    def step(session: TrainingSession) -> StepReport:
        report = next_step(session)
        if session.health.rollbacks == 0 and session.state.images_seen > broken_at:
            session.state.generator.get_parameter("1.weight").data.fill_(torch.nan)
        rates.add(session.state.generator_optimizer.param_groups[0]["lr"])
        return report

    monkeypatch.setattr(loop, "next_step", step)
    run = train(
        drawn_set.path, small_recipe, tmp_path / "run", images=2000, on_collapse="rollback", **SETTINGS
    )
    assert rates == {2e-4, 1e-4}
    [rollback] = read_log(run.path, "rollback")
    assert rollback["images_seen"] == (0 if broken_at < 1000 else 1024)
    assert rollback["rolled_back_from"] < broken_at + 400
    assert run.model.header.images_seen == 2048
    monkeypatch.undo()
    straight = train(drawn_set.path, small_recipe, tmp_path / "straight", images=2000, **SETTINGS)
    assert run.model.hash != straight.model.hash
    assert all(math.isfinite(entry["real_loss"]) for entry in read_log(run.path))


def test_weights_that_are_not_finite_end_a_training_and_spoil_no_checkpoint(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_step = loop.next_step

    def step(session: TrainingSession) -> StepReport:
        report = next_step(session)
        if session.state.images_seen >= 2000:
            session.state.ema.get_parameter("1.weight").fill_(torch.inf)
        return report

    monkeypatch.setattr(loop, "next_step", step)
    with pytest.raises(RunError, match="collapsed after 2,048 images"):
        train(drawn_set.path, small_recipe, tmp_path / "run", images=3000, **SETTINGS)
    assert "Weights or losses are no longer finite numbers" in warnings_of(tmp_path / "run")[0]
    assert load(tmp_path / "run").header.images_seen == 1024
