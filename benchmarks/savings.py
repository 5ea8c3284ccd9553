"""The gain of each optimization of the training step: our way and the usual one, in turns.

    .venv/bin/python benchmarks/savings.py                    dcgan-64, batches of 128
    .venv/bin/python benchmarks/savings.py --batch 16

One thread, in processor time, so that other work on the machine hardly matters. A saving is the extra time of
the usual way, as a fraction of our whole step.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import torch
from torch import Tensor, nn

from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet
from strangers.images import to_signed
from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import Recipe, with_overrides
from strangers.system.devices import keep_freed_memory
from strangers.training.loader import DeviceLoader
from strangers.training.log import RunLog
from strangers.training.loop import next_step
from strangers.training.options import TrainingOptions
from strangers.training.plan import make_plan
from strangers.training.run import open_run
from strangers.training.session import start_session
from strangers.training.snapshots import take_snapshot
from strangers.training.step import State, draw_latents, new_state, training_step, update_ema
from strangers.training.threads import ThreadSchedule

CPU = torch.device("cpu")

PHOTOGRAPHS = 2_000
"""Drawn faces in the set that batches are taken from."""

EVERY = 20_000
"""Images between two checkpoints, by default."""

Way = Callable[[], object]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the gain of each optimization of a training step.")
    parser.add_argument("--recipe", choices=["dcgan-32", "dcgan-64", "dcgan-128"], default="dcgan-64")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    batch = {"batch": str(arguments.batch), "generator_batch": str(arguments.batch)}
    recipe = with_overrides(RECIPES[arguments.recipe], batch)
    with TemporaryDirectory() as folder:
        data = prepare(f"synthetic:{PHOTOGRAPHS}", Path(folder) / "set", size=recipe.size, progress=False)
        state, real = new_state(recipe, 0, CPU), batch_of(data, recipe)
        whole = milliseconds([lambda: training_step(state, real, recipe)], arguments.repeats)[0]
        print(f"{recipe.name}, batches of {recipe.batch}: a step takes {whole:,.1f} ms\n")
        print("| | ours, ms | the usual way, ms | saved, of the step |\n|---|---|---|---|")
        for what, ours, usual in savings(data, state, real, recipe):
            taken, more = milliseconds([ours, usual], arguments.repeats)
            print(f"| {what} | {taken:,.2f} | {more:,.2f} | {(more - taken) / whole:.1%} |", flush=True)
        snapshot = snapshot_time(Path(folder), recipe, arguments.repeats)
        share = snapshot / (snapshot + whole * EVERY / recipe.batch)
        print(
            f"\nPictures and a checkpoint take {snapshot:,.0f} ms: {share:.1%} of {EVERY:,} images with them."
        )


def savings(data: PreparedSet, state: State, real: Tensor, recipe: Recipe) -> Iterator[tuple[str, Way, Way]]:
    """Yield each optimization, our way and the usual one."""
    yield (
        "no gradients of the discriminator's weights in the generator's update",
        lambda: training_step(state, real, recipe),
        lambda: with_useless_gradients(state, real, recipe),
    )
    yield "fakes drawn once for both updates", lambda: None, lambda: state.generator(latents_for(recipe))
    yield "channels-last networks and batches", *layouts(real, recipe)
    yield "fused Adam, both networks, beside foreach", *optimizers(state, foreach=True)
    yield "fused Adam, both networks, beside a loop", *optimizers(state, foreach=False)
    yield (
        "the EMA by `lerp_`, beside sums and products of new tensors",
        lambda: update_ema(state.ema, state.generator, 0.999),
        lambda: update_ema_plainly(state.ema, state.generator, 0.999),
    )
    yield (
        "the EMA tensor by tensor, beside one foreach call",
        lambda: update_ema(state.ema, state.generator, 0.999),
        lambda: update_ema_at_once(state.ema, state.generator, 0.999),
    )
    yield (
        "a batch gathered as bytes, beside float pictures stacked one by one",
        lambda: batch_of(data, recipe),
        lambda: stacked(data, recipe),
    )
    report = training_step(state, real, recipe)
    yield "no `.item()` between the log's lines", lambda: None, lambda: [value.item() for value in report]


def snapshot_time(folder: Path, recipe: Recipe, repeats: int) -> float:
    """Return the milliseconds of a snapshot: pictures, their checks, and a checkpoint."""
    options = TrainingOptions(recipe, device="cpu", precision="fp32", threads=1, progress=False)
    plan = make_plan(folder / "set", options)
    schedule = ThreadSchedule(((0, plan.threads.value),))
    run, _ = open_run(folder / "run", plan, schedule)
    log = RunLog(
        run.path, images_per_epoch=PHOTOGRAPHS, images_per_step=recipe.batch, budget=recipe.images,
        progress=False,
    )  # fmt: skip
    session = start_session(run, plan, options, log, schedule)
    taken = []
    for _ in range(repeats + 1):
        log.add(next_step(session), session.state.images_seen)
        log.write_means(session.state.images_seen)
        started = time.process_time()
        take_snapshot(session, evaluate=False)
        taken.append(1000 * (time.process_time() - started))
    return statistics.median(taken[1:])


def batch_of(data: PreparedSet, recipe: Recipe) -> Tensor:
    """Return photographs as the loop reads them."""
    where, after = torch.randint(len(data), (2, recipe.batch)).numpy()
    return to_signed(DeviceLoader(data, CPU).batch(where, after))


def stacked(data: PreparedSet, recipe: Recipe) -> Tensor:
    """Return photographs as a tutorial's DataLoader makes a batch."""
    return torch.stack([
        torch.from_numpy(data.images[position].copy()).permute(2, 0, 1).contiguous().float() / 127.5 - 1
        for position in torch.randint(len(data), (recipe.batch,)).tolist()
    ])  # fmt: skip


def latents_for(recipe: Recipe) -> Tensor:
    return draw_latents(recipe, recipe.generator_batch or recipe.batch, CPU)


def with_useless_gradients(state: State, real: Tensor, recipe: Recipe) -> None:
    """Run the step with the discriminator's gradients in the generator's update."""
    with mock.patch.object(state.discriminator, "requires_grad_"):
        training_step(state, real, recipe)


def layouts(real: Tensor, recipe: Recipe) -> tuple[Way, Way]:
    """Return a step in each memory format."""
    ways = []
    for order in (torch.channels_last, torch.contiguous_format):
        state, pictures = new_state(recipe, 0, CPU), real.contiguous(memory_format=order)
        for network in (state.generator, state.discriminator, state.ema):
            network.to(memory_format=order)  # type: ignore[call-overload]
        ways.append(lambda state=state, pictures=pictures: training_step(state, pictures, recipe))
    return ways[0], ways[1]


def optimizers(state: State, *, foreach: bool) -> tuple[Way, Way]:
    """Return a step of both networks' Adam, fused and not."""
    parameters = [*state.generator.parameters(), *state.discriminator.parameters()]
    for parameter in parameters:
        parameter.grad = torch.full_like(parameter, 1e-3)
    ours = torch.optim.Adam(parameters, lr=1e-6, betas=(0.5, 0.999), fused=True)
    usual = torch.optim.Adam(parameters, lr=1e-6, betas=(0.5, 0.999), foreach=foreach)
    return ours.step, usual.step


@torch.no_grad()
def update_ema_plainly(ema: nn.Module, network: nn.Module, decay: float) -> None:
    """Update the EMA with new tensors, as many write it."""
    values = network.state_dict()
    ema.load_state_dict({
        name: decay * mean + (1 - decay) * values[name] if mean.is_floating_point() else values[name]
        for name, mean in ema.state_dict().items()
    })  # fmt: skip


@torch.no_grad()
def update_ema_at_once(ema: nn.Module, network: nn.Module, decay: float) -> None:
    """Update the EMA in one call for all tensors."""
    means, values = (
        [value for value in each.state_dict().values() if value.is_floating_point()]
        for each in (ema, network)
    )
    torch._foreach_lerp_(means, values, 1 - decay)


def milliseconds(ways: list[Way], repeats: int) -> list[float]:
    """Return the time of each way: medians of `repeats` rounds in turns, the first discarded.

    A round is as many calls as take a tenth of a second.
    """
    calls, taken = [], [[] for _ in ways]  # type: ignore[var-annotated]
    for way in ways:
        way()
        started = time.process_time()
        way()
        calls.append(max(1, round(0.1 / max(time.process_time() - started, 1e-7))))
    for _ in range(repeats):
        for number, way in enumerate(ways):
            count = min(calls[number], 10_000)
            started = time.process_time()
            for _ in range(count):
                way()
            taken[number].append(1000 * (time.process_time() - started) / count)
    return [statistics.median(values) for values in taken]


if __name__ == "__main__":
    main()
