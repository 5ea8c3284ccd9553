"""The quality of faster arithmetic: the same training in several precisions, with the same seeds.

    .venv/bin/python benchmarks/arithmetic.py celeba32 --out runs/arithmetic

The recipe is the ablation's `rates 5e-4`. "bf16" rounds inputs and outputs of convolutions and matrix
products to bfloat16, forward and backward, and sums in float32, as bf16 hardware does; it runs anywhere.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from ablation import BY_FACES, VARIANTS, measured, recipe_of
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from strangers.evaluation.evaluate import Settings
from strangers.system.devices import keep_freed_memory
from strangers.training.loop import train

RECIPE = recipe_of(next(variant for variant in VARIANTS if variant.name == "rates 5e-4"))

PRODUCTS = {F.conv2d, F.conv_transpose2d, F.linear, torch.matmul, Tensor.matmul, Tensor.__matmul__}


class Rounded(TorchFunctionMode):
    """A mode in which products, and their gradients, take and return values rounded to bfloat16."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if function not in PRODUCTS:
            return function(*args, **(kwargs or {}))
        rounded = [_rounded(value) if isinstance(value, Tensor) else value for value in args]
        return _rounded(function(*rounded, **(kwargs or {})))


def _rounded(values: Tensor) -> Tensor:
    """Round to the nearest bfloat16, keeping the type; autograd rounds the gradient too."""
    return values.to(torch.bfloat16).to(values.dtype)


ARITHMETIC: dict[str, tuple[bool, Callable[[], AbstractContextManager[object]]]] = {
    "fp32": (False, nullcontext),
    "fp32, compiled": (True, nullcontext),
    "bf16": (False, Rounded),
}
"""Compilation of the networks, and the context in which they are trained."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the same recipe in other arithmetic.")
    parser.add_argument("data", type=Path, help="a prepared set of 32 px")
    parser.add_argument("--out", type=Path, required=True, help="a folder for the runs and arithmetic.json")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--images", type=int, default=30_000)
    parser.add_argument("--inception", type=Path, help="weights, for fid768 and kid768 too")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    rows: list[dict[str, Any]] = []
    for seed in (int(seed) for seed in arguments.seeds.split(",")):
        for name, (compiled, context) in ARITHMETIC.items():
            folder = arguments.out / f"{name.replace(', ', '-')}-{seed}"
            with context():
                run = train(
                    arguments.data, RECIPE, folder, images=arguments.images, seed=seed, device="cpu",
                    precision="fp32", threads=1, compiled=compiled, every=arguments.images, progress=False,
                )  # fmt: skip
            rows.append({"arithmetic": name, "seed": seed} | measured(run.model, arguments.data, BY_FACES))
            if arguments.inception:
                wanted = Settings(("fid768", "kid768"), 1_000, weights=arguments.inception)
                rows[-1] |= measured(run.model, arguments.data, wanted)
            print(json.dumps(rows[-1]), flush=True)
            (arguments.out / "arithmetic.json").write_text(json.dumps(rows, indent=1))
    for name in ARITHMETIC:
        values = [row["fd-face"] for row in rows if row["arithmetic"] == name]
        print(f"{name}: fd-face {', '.join(f'{value:.1f}' for value in values)}; "
              f"mean {statistics.mean(values):.1f}")  # fmt: skip


if __name__ == "__main__":
    main()
