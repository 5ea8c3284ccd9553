"""Numbers that are not finite: the health monitor acts, the log reports it, and no checkpoint has them."""

from __future__ import annotations

import json
import math
import random
import shutil
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch
from safetensors.torch import load_file

from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet
from strangers.errors import RunError
from strangers.images import to_signed
from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import Recipe, with_overrides
from strangers.training import health as monitor
from strangers.training import loop, pictures
from strangers.training.health import MAX_ROLLBACKS, ON_COLLAPSE, ROLLBACK_FACTOR
from strangers.training.log import read_log
from strangers.training.loop import train
from strangers.training.session import TrainingSession
from strangers.training.step import StepReport, apply_schedule, training_step

Injure = Callable[[TrainingSession, float, random.Random, pytest.MonkeyPatch], None]
"""Before a step, see to it that a number in it will be that one."""

IMAGES = 2048


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    out = tmp_path_factory.mktemp("sets") / "drawn"
    return prepare("synthetic:48", out, size=32, workers=1, progress=False)


@pytest.fixture(scope="module", autouse=True)
def no_curves() -> Iterator[None]:
    """They take longer to draw than the rest of such a training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "curves", lambda run: None)
        yield


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    changes = {"network.generator_widths": "[8,8,8]", "network.discriminator_widths": "[8,8,8]"}
    return with_overrides(RECIPES["dcgan-32"], changes | {"batch": "128", "generator_batch": "128"})


def trained(drawn: PreparedSet, recipe: Recipe, run: Path, on_collapse: str = "warn") -> None:
    train(
        drawn.path, recipe, run, images=IMAGES, every=1000, log_every=256, on_collapse=on_collapse,
        device="cpu", precision="fp32", threads=1, progress=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def straight(drawn: PreparedSet, recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The outcome of an undisturbed training."""
    run = tmp_path_factory.mktemp("runs") / "straight"
    trained(drawn, recipe, run)
    return outcome(run)


def outcome(run: Path) -> str:
    newest = run / "checkpoints" / (run / "latest").read_text()
    return sha256((newest / "training.safetensors").read_bytes()).hexdigest()


def broken_checkpoints(run: Path) -> list[str]:
    """Return the values that are not finite in the checkpoints of the run."""
    found = []
    for folder in (run / "checkpoints").iterdir():
        for file in folder.glob("*.safetensors"):
            found += [
                f"{file}: {name}" for name, value in load_file(file).items() if not value.isfinite().all()
            ]
        json.loads((folder / "state.json").read_text(), parse_constant=refuse)
    return found


def refuse(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} in state.json")


def one_of(session: TrainingSession, chance: random.Random) -> torch.nn.Parameter:
    """A parameter of one of the networks that are trained."""
    network = chance.choice([session.state.generator, session.state.discriminator])
    return chance.choice(list(network.parameters()))


def break_one(weights: torch.nn.Parameter, value: float, chance: random.Random) -> None:
    weights.data[tuple(map(chance.randrange, weights.shape))] = value


def weight(session: TrainingSession, value: float, chance: random.Random, patch: pytest.MonkeyPatch) -> None:
    del patch
    break_one(one_of(session, chance), value, chance)


def average(session: TrainingSession, value: float, chance: random.Random, patch: pytest.MonkeyPatch) -> None:
    del patch
    break_one(chance.choice(list(session.state.ema.parameters())), value, chance)


def gradient(
    session: TrainingSession, value: float, chance: random.Random, patch: pytest.MonkeyPatch
) -> None:
    del patch
    times = iter([value])  # once, then 1
    one_of(session, chance).register_hook(  # type: ignore[no-untyped-call]
        lambda computed: computed * next(times, 1.0)
    )


def image(session: TrainingSession, value: float, chance: random.Random, patch: pytest.MonkeyPatch) -> None:
    del session

    def broken(pixels: torch.Tensor) -> torch.Tensor:
        images = to_signed(pixels)
        images[chance.randrange(len(images)), 0, 5, 7] = value
        return images

    patch.setattr(loop, "to_signed", broken)


def loss(session: TrainingSession, value: float, chance: random.Random, patch: pytest.MonkeyPatch) -> None:
    del session
    which = chance.choice(["real_loss", "fake_loss", "generator_loss"])

    def broken(*given: Any) -> StepReport:
        return training_step(*given)._replace(**{which: torch.tensor(value)})

    patch.setattr(loop, "training_step", broken)


def rate(session: TrainingSession, value: float, chance: random.Random, patch: pytest.MonkeyPatch) -> None:
    """Set a learning rate at which the weights overflow."""
    del value, chance, session

    def broken(state: Any, recipe: Recipe) -> None:
        apply_schedule(state, recipe)
        for group in state.discriminator_optimizer.param_groups:
            group["lr"] = 3e38

    patch.setattr(loop, "apply_schedule", broken)


INJURIES: dict[str, tuple[Injure, tuple[float, ...]]] = {
    "weights": (weight, (math.nan, math.inf)),
    "the average": (average, (math.nan, -math.inf)),
    "gradients": (gradient, (math.nan, math.inf, 1e30)),
    "images": (image, (math.nan, math.inf)),
    "losses": (loss, (math.nan, math.inf)),
    "learning rates": (rate, (math.inf,)),
}


def injured(injure: Injure, value: float, at: int, chance: random.Random, times: int) -> pytest.MonkeyPatch:
    """From now on trainings are hurt once they have seen so many images, before so many rollbacks."""
    patch, next_step = pytest.MonkeyPatch(), loop.next_step

    def step(session: TrainingSession) -> StepReport:
        with pytest.MonkeyPatch.context() as once:
            if session.state.images_seen == at and session.health.rollbacks < times:
                injure(session, value, chance, once)
            return next_step(session)

    patch.setattr(loop, "next_step", step)
    return patch


@pytest.mark.parametrize("what", INJURIES)
def test_a_number_that_is_not_finite(
    what: str, drawn: PreparedSet, recipe: Recipe, straight: str, tmp_path: Path, trials: Any, tally: Any
) -> None:
    injure, values = INJURIES[what]
    chance, run = random.Random(what), tmp_path / "run"
    few = list(INJURIES).index(what)  # each of the policies is tried with two of them
    for trial in trials(1, 18):
        on_collapse = ON_COLLAPSE[(few + trial) % 3]
        value, at = values[trial % len(values)], 128 * chance.randrange(IMAGES // 128)
        case = what, value, at, on_collapse
        patch = injured(injure, value, at, chance, times=1)
        try:
            if on_collapse == "rollback":
                trained(drawn, recipe, run, on_collapse)
            else:
                with pytest.raises(RunError, match="collapsed after"):
                    trained(drawn, recipe, run, on_collapse)
        finally:
            patch.undo()
        assert broken_checkpoints(run) == [], case
        check_log(run, on_collapse, at, case)
        if on_collapse != "rollback":  # a run can always be taken up
            trained(drawn, recipe, run)
            assert outcome(run) == straight, case
        shutil.rmtree(run)
    tally(f"trainings with {what} that are no numbers", len(trials(1, 18)))


def check_log(run: Path, on_collapse: str, at: int, case: object) -> None:
    """Check that log.jsonl says what happened, once, and no later than at the next pictures."""
    warnings = read_log(run, "warning")
    if on_collapse == "rollback":
        [back] = warnings
        assert (back["rollback"], back["learning_rate_multiplier"]) == (1, ROLLBACK_FACTOR), case
        assert back["images_seen"] in (0, 1024), case
        assert back["images_seen"] <= at < back["rolled_back_from"] <= at + 1024, case
    else:
        assert [warning["kind"] for warning in warnings] == ["not finite"], case
        assert at < warnings[0]["images_seen"] <= at + 1024, case


def test_the_number_of_rollbacks_is_limited(
    drawn: PreparedSet, recipe: Recipe, straight: str, tmp_path: Path, trials: Any, tally: Any
) -> None:
    if not trials(0, 12):
        pytest.skip("with --robustness; tests/training/test_health.py has it once")
    chance = random.Random(7)
    for trial in trials(0, 12):
        name = list(INJURIES)[trial % len(INJURIES)]
        injure, values = INJURIES[name]
        run, at = tmp_path / str(trial), 128 * chance.randrange(IMAGES // 128)
        patch = injured(injure, values[0], at, chance, times=MAX_ROLLBACKS + 1)
        try:
            with pytest.raises(RunError, match=f"collapsed again after {MAX_ROLLBACKS} rollbacks"):
                trained(drawn, recipe, run, "rollback")
        finally:
            patch.undo()
        multipliers = [entry["learning_rate_multiplier"] for entry in read_log(run, "rollback")]
        assert multipliers == [ROLLBACK_FACTOR**n for n in range(1, MAX_ROLLBACKS + 1)]
        assert broken_checkpoints(run) == [], name
        trained(drawn, recipe, run)  # from its last checkpoint, which knows of no rollback
        assert broken_checkpoints(run) == [], name
        assert (run / "latest").read_text() == f"{IMAGES:09d}"
    tally("trainings that broke again after each rollback", len(trials(0, 12)))


@pytest.mark.parametrize("on_collapse", ON_COLLAPSE)
def test_a_saturated_discriminator_is_only_warned_of(
    on_collapse: str,
    drawn: PreparedSet,
    recipe: Recipe,
    tmp_path: Path,
    trials: Any,
    tally: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(monitor, "SATURATED_IMAGES", 512)

    def won(*given: Any) -> StepReport:
        right = torch.ones(())
        return training_step(*given)._replace(
            real_accuracy=right, fake_accuracy=right, generator_loss=9 * right, generator_accuracy=0 * right
        )

    monkeypatch.setattr(loop, "training_step", won)
    if on_collapse != "rollback" and not trials(0, 1):
        pytest.skip("with --robustness")
    trained(drawn, recipe, tmp_path / "run", on_collapse)
    assert [entry["kind"] for entry in read_log(tmp_path / "run", "warning")] == ["saturation"]
    assert (tmp_path / "run/latest").read_text() == f"{IMAGES:09d}"
    tally(f"discriminators that won, --on-collapse {on_collapse}", 1)
