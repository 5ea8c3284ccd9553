"""The training step on a GPU in 90 seconds: a plain step, ours, and ours as CUDA graphs.

    .venv/bin/python benchmarks/gpu.py --out gpu.json
    .venv/bin/python benchmarks/gpu.py --device cpu --tiny --seconds 5      (a rehearsal)

Every measure gets an equal part of the time that is left, warming up included. It is printed and written at
once, so that a limit on the time loses the last ones only. One that fails is recorded with its error.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import plain
import torch
from torch import Tensor

from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import Recipe, with_overrides
from strangers.system.devices import choose_device
from strangers.system.machine import processor_name, versions
from strangers.training.plan import autocast
from strangers.training.step import State, new_state, training_step

WHOLE = "whole"
"""The mode that records the whole step as one CUDA graph."""

WARM_UP = 3
"""Steps before the clock starts: the first ones choose algorithms, compile and record."""

TINY = {
    "dcgan-64": {
        "network.generator_widths": "[16, 8, 8, 8]",
        "network.discriminator_widths": "[8, 8, 8, 16]",
    },
    "r3gan-64-small": {"network.widths": "[32, 16, 16, 16]", "network.group_width": "8"},
}
"""Changes to the recipes with which a CPU rehearses."""


@dataclass(frozen=True)
class Measure:
    """One variant of a training step.

    Attributes:
        kind: "plain", the tutorial's step, or "ours".
        mode: of torch.compile; not compiled if empty. "reduce-overhead" records CUDA graphs of the networks.
            `WHOLE` records the step, not compiled, as one graph.
    """

    recipe: str
    batch: int
    kind: str
    precision: torch.dtype
    mode: str = ""

    def __str__(self) -> str:
        dtype = "bf16" if self.precision == torch.bfloat16 else "fp32"
        compiled = f", compiled: {self.mode}" if self.mode else ""
        if self.mode == WHOLE:
            compiled = ", one CUDA graph"
        return f"{self.recipe}, batch {self.batch}, {self.kind}, {dtype}{compiled}"


FP32, BF16 = torch.float32, torch.bfloat16
MEASURES = (
    *(
        Measure("dcgan-64", batch, kind, dtype)
        for batch in (128, 512)
        for kind in ("plain", "ours")
        for dtype in (FP32, BF16)
    ),
    *(Measure("dcgan-64", batch, "ours", BF16, WHOLE) for batch in (128, 512)),
    Measure("r3gan-64-small", 256, "ours", FP32),
    Measure("r3gan-64-small", 256, "ours", BF16),
    Measure("r3gan-64-small", 256, "ours", BF16, WHOLE),
    Measure("dcgan-64", 128, "ours", BF16, "default"),
    Measure("dcgan-64", 128, "ours", BF16, "reduce-overhead"),
    Measure("dcgan-64", 512, "ours", BF16, "reduce-overhead"),
)
"""In the order of their worth, since compiling may use up the time."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure training steps on a GPU.")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=90)
    parser.add_argument("--tiny", action="store_true", help="narrow networks and batches of 4: a rehearsal")
    parser.add_argument("--out", type=Path, default=Path("gpu.json"))
    arguments = parser.parse_args()
    end = time.monotonic() + arguments.seconds
    device = choose_device(arguments.device).value
    report: dict[str, Any] = {
        "device": processor_name() if device.type == "cpu" else torch.cuda.get_device_name(device),
        "cuda": torch.version.cuda,
        "tiny": arguments.tiny,
        "versions": versions(),
        "images_per_second": {},
    }
    torch.set_float32_matmul_precision("high")  # as `strangers train` on a GPU; plain profits too
    for number, measure in enumerate(MEASURES):
        share = (end - time.monotonic()) / (len(MEASURES) - number)
        try:
            found: float | str = round(speed(measure, device, share, tiny=arguments.tiny), 1)
        except Exception as error:
            found = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        report["images_per_second"][str(measure)] = found
        print(f"{measure}: {found if isinstance(found, str) else f'{found:,.0f} images/s'}", flush=True)
        arguments.out.write_text(json.dumps(report, indent=1) + "\n")


def speed(measure: Measure, device: torch.device, seconds: float, *, tiny: bool) -> float:
    """Return images per second of a step, measured for the rest of `seconds` after warming up."""
    recipe = RECIPES[measure.recipe].replace(batch=measure.batch)
    if tiny:
        recipe = with_overrides(recipe, TINY[measure.recipe] | {"batch": 4})
    began = time.monotonic()
    step = new_step(measure, recipe, device)
    real = torch.rand(recipe.batch, 3, recipe.size, recipe.size, device=device) * 2 - 1
    if measure.kind == "ours":
        real = real.contiguous(memory_format=torch.channels_last)
    for _ in range(WARM_UP):
        step(real)
    wait(device)
    steps, started = 0, time.monotonic()
    while steps == 0 or time.monotonic() - began < seconds:
        for _ in range(recipe.penalty.every):  # as many with a penalty as in training
            step(real)
            steps += 1
        wait(device)
    return steps * recipe.batch / (time.monotonic() - started)


def new_step(measure: Measure, recipe: Recipe, device: torch.device) -> Callable[[Tensor], object]:
    """Return the step of new networks."""
    precision = autocast(device, measure.precision)
    if measure.kind == "plain":
        return within(precision, plain.training_step(recipe, device))
    state = new_state(recipe, 0, device)
    if measure.mode == WHOLE and device.type == "cuda":
        return graphed(state, within(precision, lambda real: training_step(state, real, recipe)))
    if measure.mode and measure.mode != WHOLE:
        torch.compiler.reset()
        for network in (state.generator, state.discriminator):
            network.forward = torch.compile(network.forward, dynamic=False, mode=measure.mode)
    return within(precision, lambda real: marked(measure, lambda: training_step(state, real, recipe)))


def graphed(state: State, step: Callable[[Tensor], object]) -> Callable[[Tensor], object]:
    """Return the step as one CUDA graph, recorded at its first call: one launch for all of its kernels.

    The decay of the average and the penalty's turn stay as they were recorded.
    """
    for optimizer in (state.generator_optimizer, state.discriminator_optimizer):
        for group in optimizer.param_groups:
            group["capturable"] = True  # counts its steps on the device
    graph = torch.cuda.CUDAGraph()
    static: list[Tensor] = []

    def replay(real: Tensor) -> None:
        if not static:
            static.append(real.clone())
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(WARM_UP):
                    step(static[0])
            torch.cuda.current_stream().wait_stream(stream)
            with torch.cuda.graph(graph):
                step(static[0])
        static[0].copy_(real)
        graph.replay()

    return replay


def within(
    context: AbstractContextManager[object], step: Callable[[Tensor], object]
) -> Callable[[Tensor], object]:
    def run(real: Tensor) -> object:
        with context:
            return step(real)

    return run


def marked(measure: Measure, step: Callable[[], object]) -> object:
    """Run a step after announcing it, since CUDA graphs reuse the memory of the step before."""
    if measure.mode == "reduce-overhead":
        torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
    return step()


def wait(device: torch.device) -> None:
    """Wait until the device has done all that was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
