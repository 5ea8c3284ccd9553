"""Convolutions of small maps as one matrix product, twice as fast in bf16 and in small batches.

On maps of 8x8 and less, a CPU's convolutions of stride 2 reach a third to a half of the matrix product's rate
(docs/research/performance.md). Here the 4x4 patches are gathered and multiplied at once. `Patches`
and `Fold` are linear and each other's adjoint, so gradients of any order are right.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

MAX_HEIGHT = 8
"""Height of the largest map for which a matrix product is faster."""

MAX_BATCH = 32
"""Images up to which it is faster in float32; in bf16 it always is."""

MAX_CHANNELS = 4
"""Channels of a picture: where no gradient is needed, upsampling to so few is faster at any height."""


def is_faster(images: Tensor, height: int, channels: int | None = None) -> bool:
    """Return whether these functions are faster than torch's.

    height: of the larger of both maps. channels: of the larger map, if it is made.
    """
    if images.device.type != "cpu" or torch.compiler.is_compiling():
        return False  # exported models take any batch size, and a compiled fold is megabytes of C++
    is_picture = channels is not None and channels <= MAX_CHANNELS and not torch.is_grad_enabled()
    if height > MAX_HEIGHT and not is_picture:
        return False
    return len(images) <= MAX_BATCH or torch.is_autocast_enabled("cpu")


def downsample(images: Tensor, weight: Tensor) -> Tensor:
    """Convolve with kernel 4, stride 2, padding 1: (n, c, 2h, 2w) and (o, c, 4, 4) -> (n, o, h, w)."""
    count, _, height, width = images.shape
    if torch.is_autocast_enabled("cpu"):
        # Cast before gathering, since the patches are four times as large.
        images = images.to(torch.get_autocast_dtype("cpu"))
    patches: Tensor = Patches.apply(images)  # type: ignore[no-untyped-call]
    product = patches @ _as_matrix(weight)
    return product.view(count, height // 2, width // 2, -1).permute(0, 3, 1, 2)


def upsample(images: Tensor, weight: Tensor) -> Tensor:
    """Apply the adjoint of `downsample`: (n, o, h, w) and (o, c, 4, 4) -> (n, c, 2h, 2w)."""
    count, channels, height, width = images.shape
    rows = images.permute(0, 2, 3, 1).reshape(-1, channels)
    folded: Tensor = Fold.apply(rows @ _as_matrix(weight).T, count, height, width)  # type: ignore[no-untyped-call]
    return folded


def _as_matrix(weight: Tensor) -> Tensor:
    """Reshape (o, c, 4, 4) to (16 c, o), in the order of a patch's values."""
    return weight.permute(2, 3, 1, 0).reshape(-1, len(weight))


class Patches(torch.autograd.Function):
    """4x4 patches, 2 pixels apart, of maps padded by 1: (n, c, 2h, 2w) -> (n h w, 16 c)."""

    @staticmethod
    def forward(context: Any, images: Tensor) -> Tensor:
        """Copy the patches; in channels-last order each of their rows is contiguous."""
        count, channels, height, width = images.shape
        context.shape = count, height // 2, width // 2
        padded = F.pad(images.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1)).contiguous()
        image, row, column, _ = padded.stride()
        patches = padded.as_strided((*context.shape, 4, 4 * channels), (image, 2 * row, 2 * column, row, 1))
        return patches.reshape(-1, 16 * channels)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Any:
        """Fold the gradients back."""
        return Fold.apply(gradients[0], *context.shape)  # type: ignore[no-untyped-call]


class Fold(torch.autograd.Function):
    """The sum over all patches of each pixel: (n h w, 16 c) -> (n, c, 2h, 2w)."""

    @staticmethod
    def forward(context: Any, rows: Tensor, count: int, height: int, width: int) -> Tensor:
        """Add the four quarters of every patch, each two pixels high and wide, at their pixels."""
        channels = rows.shape[1] // 16
        patches = rows.view(count, height, width, 2, 2, 2, 2, channels)
        padded = rows.new_zeros(count, height + 1, 2, width + 1, 2, channels)
        for down in (0, 1):
            for right in (0, 1):
                quarter = patches[:, :, :, down, :, right].permute(0, 1, 3, 2, 4, 5)
                padded[:, down : down + height, :, right : right + width] += quarter
        pixels = padded.view(count, 2 * height + 2, 2 * width + 2, channels)[:, 1:-1, 1:-1]
        return pixels.permute(0, 3, 1, 2)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Any:
        """Cut the gradient into patches."""
        return Patches.apply(gradients[0]), None, None, None  # type: ignore[no-untyped-call]
