"""The machine's own limits, for any code."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import simplejpeg
import torch
from torch.nn.functional import conv2d
from torch.utils.flop_counter import FlopCounterMode

REPEATS = 5


def arithmetic(dtype: torch.dtype) -> dict[str, float]:
    """Measure FLOP per second of a 4096x4096 matrix product, and of the fastest of three convolutions."""
    left, right = torch.randn(2, 4096, 4096).to(dtype).unbind()
    rates = {"product": 2 * 4096**3 / seconds(lambda: left @ right), "convolution": 0.0}
    for channels, height in ((128, 64), (256, 32), (512, 16)):
        images = torch.randn(16, channels, height, height).to(dtype, memory_format=torch.channels_last)
        weight = torch.randn(channels, channels, 3, 3).to(dtype, memory_format=torch.channels_last)

        def convolve(images: torch.Tensor = images, weight: torch.Tensor = weight) -> torch.Tensor:
            return conv2d(images, weight, padding=1)

        rates["convolution"] = max(rates["convolution"], flops(convolve) / seconds(convolve))
    return rates


def decoding(files: list[bytes]) -> float:
    """Measure JPEGs decoded per second on one core, without cropping and resizing."""
    return len(files) / seconds(lambda: [simplejpeg.decode_jpeg(data) for data in files])


def flops(work: Callable[[], object]) -> float:
    """Count the floating-point operations of `work` with torch: matrix products and convolutions."""
    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())


def seconds(work: Callable[[], object]) -> float:
    """Return the median duration over a few calls, the first discarded."""
    work()
    taken = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)
