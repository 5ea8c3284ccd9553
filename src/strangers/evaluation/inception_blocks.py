"""Blocks of the FID Inception network: convolutions, parallel branches, and the stages they form."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

Kernel = tuple[int, int]
Layer = tuple[int, *tuple[Kernel, ...]]
"""Output channels and one kernel, or several parallel kernels with that many channels each."""


class Convolution(nn.Sequential):
    """Convolution, batch norm, ReLU: (n, before, h, w) -> (n, after, h', w')."""

    conv: nn.Conv2d
    bn: nn.BatchNorm2d

    def __init__(self, before: int, after: int, kernel: Kernel, stride: int = 1, padding: Kernel = (0, 0)):
        super().__init__(
            OrderedDict(
                conv=nn.Conv2d(before, after, kernel, stride, padding, bias=False),
                bn=nn.BatchNorm2d(after, eps=0.001),
                relu=nn.ReLU(inplace=True),
            )
        )


class Mixed(nn.Module):
    """Inception block of parallel branches: (n, before, h, w) -> (n, sum of the branches, h', w').

    branches: layers by branch name; "branch_pool" starts with `pool`.
    halves: each branch ends with stride 2 and no padding.
    """

    def __init__(
        self, before: int, branches: Mapping[str, Sequence[Layer]], pool: nn.Module, *, halves: bool = False
    ) -> None:
        super().__init__()
        self.pool = pool
        self.names: dict[str, list[list[str]]] = {}
        for branch, layers in branches.items():
            width, self.names[branch] = before, []
            for number, (channels, *kernels) in enumerate(layers, 1):
                suffix = f"_{number}" if len(layers) > 1 else ""
                names = [branch + suffix + letter for letter in ("ab" if len(kernels) > 1 else [""])]
                stride = 2 if halves and number == len(layers) else 1
                for name, kernel in zip(names, kernels, strict=True):
                    padding = (0, 0) if stride == 2 else (kernel[0] // 2, kernel[1] // 2)
                    self.add_module(name, Convolution(width, channels, kernel, stride, padding))
                self.names[branch].append(names)
                width = channels * len(kernels)

    def forward(self, maps: Tensor) -> Tensor:
        sides = []
        for branch, layers in self.names.items():
            side = self.pool(maps) if branch == "branch_pool" else maps
            for first, *others in layers:
                beside = [self.get_submodule(name)(side) for name in (first, *others)]
                side = torch.cat(beside, 1) if others else beside[0]
            sides.append(side)
        return torch.cat(sides, 1)


def _average() -> nn.Module:
    return nn.AvgPool2d(3, 1, padding=1, count_include_pad=False)


def _mixed_5(before: int, pooled: int) -> Mixed:
    branches: dict[str, list[Layer]] = {
        "branch1x1": [(64, (1, 1))],
        "branch5x5": [(48, (1, 1)), (64, (5, 5))],
        "branch3x3dbl": [(64, (1, 1)), (96, (3, 3)), (96, (3, 3))],
        "branch_pool": [(pooled, (1, 1))],
    }
    return Mixed(before, branches, _average())


def _mixed_6a() -> Mixed:
    branches: dict[str, list[Layer]] = {
        "branch3x3": [(384, (3, 3))],
        "branch3x3dbl": [(64, (1, 1)), (96, (3, 3)), (96, (3, 3))],
        "branch_pool": [],
    }
    return Mixed(288, branches, nn.MaxPool2d(3, 2), halves=True)


def _mixed_6(narrow: int) -> Mixed:
    one, row, column = (1, 1), (1, 7), (7, 1)
    branches: dict[str, list[Layer]] = {
        "branch1x1": [(192, one)],
        "branch7x7": [(narrow, one), (narrow, row), (192, column)],
        "branch7x7dbl": [(narrow, one), (narrow, column), (narrow, row), (narrow, column), (192, row)],
        "branch_pool": [(192, one)],
    }
    return Mixed(768, branches, _average())


def _mixed_7a() -> Mixed:
    branches: dict[str, list[Layer]] = {
        "branch3x3": [(192, (1, 1)), (320, (3, 3))],
        "branch7x7x3": [(192, (1, 1)), (192, (1, 7)), (192, (7, 1)), (192, (3, 3))],
        "branch_pool": [],
    }
    return Mixed(768, branches, nn.MaxPool2d(3, 2), halves=True)


def _mixed_7(before: int, pool: nn.Module) -> Mixed:
    branches: dict[str, list[Layer]] = {
        "branch1x1": [(320, (1, 1))],
        "branch3x3": [(384, (1, 1)), (384, (1, 3), (3, 1))],
        "branch3x3dbl": [(448, (1, 1)), (384, (3, 3)), (384, (1, 3), (3, 1))],
        "branch_pool": [(192, (1, 1))],
    }
    return Mixed(before, branches, pool)


def inception_stages() -> dict[int, dict[str, nn.Module]]:
    """Return the layers in order, grouped by the dimensions of the features they end in."""
    return {
        64: {
            "Conv2d_1a_3x3": Convolution(3, 32, (3, 3), stride=2),
            "Conv2d_2a_3x3": Convolution(32, 32, (3, 3)),
            "Conv2d_2b_3x3": Convolution(32, 64, (3, 3), padding=(1, 1)),
            "pool_2": nn.MaxPool2d(3, 2),
        },
        192: {
            "Conv2d_3b_1x1": Convolution(64, 80, (1, 1)),
            "Conv2d_4a_3x3": Convolution(80, 192, (3, 3)),
            "pool_4": nn.MaxPool2d(3, 2),
        },
        768: {
            "Mixed_5b": _mixed_5(192, 32),
            "Mixed_5c": _mixed_5(256, 64),
            "Mixed_5d": _mixed_5(288, 64),
            "Mixed_6a": _mixed_6a(),
            "Mixed_6b": _mixed_6(128),
            "Mixed_6c": _mixed_6(160),
            "Mixed_6d": _mixed_6(160),
            "Mixed_6e": _mixed_6(192),
        },
        2048: {
            "Mixed_7a": _mixed_7a(),
            "Mixed_7b": _mixed_7(1280, _average()),
            "Mixed_7c": _mixed_7(2048, nn.MaxPool2d(3, 1, padding=1)),
        },
    }
