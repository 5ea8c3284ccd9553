"""DeviceLoader: batches of a prepared set on the device of the networks.

A set that fits into a GPU's memory is copied there once, as bytes. After that a batch is one lookup in the
GPU's own memory, without disk or bus.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from strangers.data.prepared import PreparedSet

MAX_MEMORY_FRACTION = 0.25
"""Fraction of a GPU's free memory that a set may occupy; the networks need the rest."""

COPY_BATCH = 4096
"""Images copied to a GPU at once."""


class DeviceLoader:
    """Batches of a set on a device.

    Attributes:
        resident: all of the set's images on the device, uint8 (n, size, size, 3); None if they are read from
            disk batch by batch.
    """

    def __init__(self, data: PreparedSet, device: torch.device, *, max_bytes: int | None = None) -> None:
        """max_bytes: device memory that the set may occupy; `memory_for_images` decides if None."""
        self.data, self.device = data, device
        self.resident: Tensor | None = None
        if data.images.nbytes <= (memory_for_images(device) if max_bytes is None else max_bytes):
            self.resident = torch.empty(data.images.shape, dtype=torch.uint8, device=device)
            parts = self.resident.split(COPY_BATCH)  # type: ignore[no-untyped-call]
            for part, images in zip(parts, data.blocks(COPY_BATCH), strict=True):
                part.copy_(torch.from_numpy(images))

    def batch(self, positions: NDArray[np.int64], next_positions: NDArray[np.int64]) -> Tensor:
        """Return the images at `positions`, uint8 (n, size, size, 3) on the device.

        next_positions: the following batch, for which the disk reads ahead.
        """
        if self.resident is not None:
            return self.resident[self._to_device(positions)]
        pixels = self.data.batch(positions)
        self.data.read_ahead(next_positions)
        return self._to_device(pixels)

    def _to_device(self, values: NDArray[Any]) -> Tensor:
        tensor = torch.from_numpy(values)
        if self.device.type == "cuda":  # pinned memory lets the copy run beside the step before
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor.to(self.device)

    def __str__(self) -> str:
        where = "disk" if self.resident is None else f"the memory of {self.device}"
        return f"Photographs are read from {where}."


def memory_for_images(device: torch.device) -> int:
    """Return the bytes of device memory for a set; 0 on a CPU, where the system caches files anyway."""
    if device.type != "cuda":
        return 0
    free, _ = torch.cuda.mem_get_info(device)
    return int(MAX_MEMORY_FRACTION * free)
