"""The speed of training steps on noise, and the faster number of CPU threads."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import torch

from strangers.recipes.recipe import Recipe
from strangers.system.devices import Choice
from strangers.training.plan import autocast
from strangers.training.step import compile_networks, new_state, training_step

COMPARED_SECONDS = 0.5
"""Duration of the measurement for each number of threads, which takes at least one step."""

MAX_STEP_SECONDS = 20.0
"""Duration of a step on one thread from which on threads are not compared: it would take minutes."""


def training_speed(
    recipe: Recipe, device: torch.device, precision: torch.dtype, seconds: float, compiled: bool = False
) -> float:
    """Measure images per second in training steps on noise, over at least one step and `seconds`."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        step = _noise_step(recipe, device, precision, compiled)
        step()  # includes start-up and does not count
        return recipe.images_per_step / _seconds_per_step(step, seconds)


def thread_speeds(
    recipe: Recipe,
    device: torch.device,
    precision: torch.dtype,
    threads: int,
    seconds: float = COMPARED_SECONDS,
) -> dict[int, float]:
    """Measure images per second on noise with one thread and with `threads`; empty for very slow steps."""
    before = torch.get_num_threads()
    try:
        with torch.random.fork_rng(devices=[]):
            step = _noise_step(recipe, device, precision)
            torch.set_num_threads(1)
            if _seconds_per_step(step, 0) > MAX_STEP_SECONDS:  # includes start-up
                return {}
            speeds = {}
            for count in sorted({1, threads}):
                torch.set_num_threads(count)
                speeds[count] = recipe.images_per_step / _seconds_per_step(step, seconds)
            return speeds
    finally:
        torch.set_num_threads(before)


def fastest_threads(
    recipe: Recipe, device: torch.device, precision: torch.dtype, threads: int
) -> Choice[int]:
    """Choose between one thread and `threads` by measurement: beside other work, one is often faster."""
    speeds = thread_speeds(recipe, device, precision, threads)
    if not speeds:
        return Choice(threads, "Steps are too slow to compare numbers of threads.")
    fastest = max(speeds, key=lambda count: speeds[count])
    return Choice(fastest, f"Measured {describe(speeds)}{load()}.")


def describe(speeds: dict[int, float]) -> str:
    """Return measured speeds in words: "90 images/s on 1 thread and 170 on 2", if 2 were compared."""
    (one, slow), *others = speeds.items()
    more = (f" and {fast:,.0f} on {many}" for many, fast in others)
    return f"{slow:,.0f} images/s on {one} thread{''.join(more)}"


def load() -> str:
    """Return the system's load in words, as ", at a load of 1.5"; empty where there is none."""
    return f", at a load of {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""


def _noise_step(
    recipe: Recipe, device: torch.device, precision: torch.dtype, compiled: bool = False
) -> Callable[[], None]:
    """Return a function that trains new networks for one step on noise, and waits for the device."""
    state = new_state(recipe, 0, device)
    if compiled:
        compile_networks(state, recipe)
    noise = torch.rand(recipe.images_per_step, 3, recipe.size, recipe.size, device=device) * 2 - 1
    noise = noise.contiguous(memory_format=torch.channels_last)

    def step() -> None:
        with autocast(device, precision):
            report = training_step(state, noise, recipe)
        report.generator_loss.item()

    return step


def _seconds_per_step(step: Callable[[], None], seconds: float) -> float:
    """Return the mean duration of a step, over at least one step and `seconds`."""
    started, steps, elapsed = time.perf_counter(), 0, 0.0
    while elapsed < seconds or steps == 0:
        step()
        steps += 1
        elapsed = time.perf_counter() - started
    return elapsed / steps
