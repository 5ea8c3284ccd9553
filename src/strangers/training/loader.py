"""DeviceLoader: a set's photographs where the networks are.

A GPU that has room for the whole set is given it once, as bytes: from then on a batch is one look-up in its
own memory, and neither the disk nor the bus has a part in a step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from strangers.data.prepared import PreparedSet

SHARE = 0.25
"""The largest part of a GPU's free memory that a set may take; networks need the rest."""


BLOCK = 4096
"""Images on their way to a GPU at once."""


class DeviceLoader:
    """Batches of a set on a device.

    Attributes:
        resident: all of the set's images on the device, uint8 (n, size, size, 3); None where they are read
            from the disk as they are asked for.
    """

    def __init__(self, data: PreparedSet, device: torch.device, *, room: int | None = None) -> None:
        """room: bytes of the device's memory that the set may take; what `room_on` says if None."""
        self.data, self.device = data, device
        self.resident: Tensor | None = None
        if data.images.nbytes <= (room_on(device) if room is None else room):
            self.resident = torch.empty(data.images.shape, dtype=torch.uint8, device=device)
            for part, images in zip(self.resident.split(BLOCK), data.blocks(BLOCK), strict=True):  # type: ignore[no-untyped-call]
                part.copy_(torch.from_numpy(images))

    def batch(self, positions: NDArray[np.int64], next_positions: NDArray[np.int64]) -> Tensor:
        """The images at `positions`, uint8 (n, size, size, 3) on the device.

        next_positions: which will be asked for next; the disk is told.
        """
        if self.resident is not None:
            return self.resident[self._brought(positions)]
        pixels = self.data.batch(positions)
        self.data.read_ahead(next_positions)
        return self._brought(pixels)

    def _brought(self, values: NDArray[Any]) -> Tensor:
        """The values on the device."""
        tensor = torch.from_numpy(values)
        if self.device.type == "cuda":  # from pinned memory, so that nobody waits for the step before
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor.to(self.device)

    def __str__(self) -> str:
        where = "the disk" if self.resident is None else f"the memory of {self.device}"
        return f"Photographs come from {where}."


def room_on(device: torch.device) -> int:
    """Bytes of the device's memory that a set may take; of a CPU's none: the system keeps what it read."""
    if device.type != "cuda":
        return 0
    free, _ = torch.cuda.mem_get_info(device)
    return int(SHARE * free)
