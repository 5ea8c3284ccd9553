"""Networks for drawing: the same function as a trained generator in eval mode, in fewer and faster steps.

A batch norm in eval mode scales and shifts each channel, which the convolution before it can do. A transposed
convolution of a single pixel is a matrix product. A face alone needs the bits that it has among others.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from itertools import pairwise
from typing import TypeGuard

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from strangers.networks.dcgan import Upsample
from strangers.networks.layers import Reshape

FOLDABLE: tuple[type[nn.Module], ...] = (nn.Conv2d, nn.ConvTranspose2d, Upsample)
"""Layers that can take a batch norm; a subclass of them may compute otherwise."""

MIN_ROWS = 4
"""Rows of a matrix product from which libraries sum each row as in larger ones, as far as is known."""


class RowwiseLinear(nn.Linear):
    """A linear layer with equal bits for a row alone and among others: few rows are filled up with zeros."""

    @classmethod
    def of(cls, weight: Tensor, bias: Tensor | None) -> RowwiseLinear:
        """Return a layer with this weight (outputs, inputs) and bias."""
        outputs, inputs = weight.shape
        layer = cls(inputs, outputs, bias is not None, device="meta")
        layer.weight = nn.Parameter(weight, weight.requires_grad)
        if bias is not None:
            layer.bias = nn.Parameter(bias, bias.requires_grad)
        return layer

    def forward(self, rows: Tensor) -> Tensor:
        """Map (n, inputs) to (n, outputs)."""
        if torch.compiler.is_compiling() or len(rows) >= MIN_ROWS:
            return super().forward(rows)
        return super().forward(F.pad(rows, (0, 0, 0, MIN_ROWS - len(rows))))[: len(rows)]


def fold(network: nn.Module) -> nn.Module:
    """Return a network for drawing that computes the same as this one, which is in eval mode.

    Outputs differ by rounding. The network stays as it is, and shares the layers that need no change.
    """
    children = {name: child and fold(child) for name, child in network._modules.items()}
    if type(network) is nn.Sequential:
        sequence = nn.Sequential(*_with_linear_stem(_folded(filter(None, children.values()))))
        sequence.training = network.training  # without a change to the shared layers
        return sequence
    if all(child is network._modules[name] for name, child in children.items()):
        return network
    folded = copy.copy(network)
    folded._modules = children
    return folded


def _folded(layers: Iterable[nn.Module]) -> list[nn.Module]:
    """Return consecutive layers without the batch norms that others take, and with `RowwiseLinear`."""
    kept: list[nn.Module] = []
    for layer in layers:
        before = kept[-1] if kept else layer
        if isinstance(before, nn.Conv2d | nn.ConvTranspose2d) and _is_taken(layer, before):
            kept[-1] = fuse_conv_bn_eval(before, layer, isinstance(before, nn.ConvTranspose2d))
        elif type(layer) is nn.Linear:
            kept.append(RowwiseLinear.of(layer.weight, layer.bias))
        else:
            kept.append(layer)
    return kept


def _is_taken(norm: nn.Module, convolution: nn.Module) -> TypeGuard[nn.BatchNorm2d]:
    """Return whether a layer is a batch norm, not with the statistics of each batch, that the other takes."""
    return (
        type(convolution) in FOLDABLE
        and type(norm) is nn.BatchNorm2d
        and not norm.training
        and norm.running_mean is not None
    )


def _with_linear_stem(layers: list[nn.Module]) -> list[nn.Module]:
    """Replace a transposed convolution of maps of one pixel, which a Reshape makes, by a linear layer."""
    for index, (reshape, stem) in enumerate(pairwise(layers)):
        if type(reshape) is not Reshape or type(stem) is not nn.ConvTranspose2d or not _is_plain(stem):
            continue
        if reshape.shape == (stem.in_channels, 1, 1):
            height, width = stem.kernel_size[0], stem.kernel_size[1]
            weight = stem.weight.flatten(1).T.contiguous()
            bias = None if stem.bias is None else stem.bias.repeat_interleave(height * width)
            dense = RowwiseLinear.of(weight, bias)
            return [
                *layers[:index], dense, Reshape(stem.out_channels, height, width), *layers[index + 2 :]
            ]  # fmt: skip
    return layers


def _is_plain(stem: nn.ConvTranspose2d) -> bool:
    """Return whether the layer maps one pixel to one kernel, without padding, groups or gaps."""
    return (
        stem.padding == (0, 0) and stem.output_padding == (0, 0) and stem.groups == 1
        and stem.dilation == (1, 1)
    )  # fmt: skip
