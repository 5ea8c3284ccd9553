"""Many processes, as torchrun starts them: each trains on its share of every batch, all to the same weights.

Gradients are averaged after backward rather than by hooks during it, which is safe for penalties whose
gradient is itself differentiated (R1, R2), and is the whole of it: no wrapper round the networks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed
from torch import Tensor, nn

from strangers.errors import PeerError, UsageError

T = TypeVar("T")

PATIENCE = timedelta(hours=6)
"""How long a process waits for the others: the first may be measuring faces meanwhile."""


@dataclass(frozen=True)
class Processes:
    """The processes of one training, seen from one of them.

    Attributes:
        rank, count: which of how many this is; the first, of rank 0, writes the run's files.
        local_rank, local_count: the same among those on this machine.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    local_count: int = 1

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def shard(self, batch: Tensor) -> Tensor:
        """This process's part of a batch (n, ...) that all of them have drawn alike: (n / count, ...)."""
        size = len(batch) // self.count
        return batch[self.rank * size : (self.rank + 1) * size]

    def average_gradients(self, network: nn.Module) -> None:
        """Replace the gradients of the network's parameters by their means over the processes."""
        if self.count == 1:
            return
        gradients = [value.grad for value in network.parameters() if value.grad is not None]
        means = self.all_reduce_mean(torch.cat([gradient.flatten() for gradient in gradients]))
        parts = torch.split(means, [gradient.numel() for gradient in gradients])
        torch._foreach_copy_(gradients, [p.view_as(g) for p, g in zip(parts, gradients, strict=True)])

    def all_reduce_mean(self, values: Tensor) -> Tensor:
        """The mean of each process's `values`, the same bits in all."""
        if self.count == 1:
            return values
        _together(lambda: torch.distributed.all_reduce(values))
        return values / self.count

    def all_reduce_max(self, number: int) -> int:
        """The greatest of each process's `number`."""
        if self.count == 1:
            return number
        values = torch.tensor(number)
        _together(lambda: torch.distributed.all_reduce(values, torch.distributed.ReduceOp.MAX))
        return int(values)

    def broadcast(self, value: T) -> T:
        """What the first process has for `value`; the others wait for it."""
        if self.count == 1:
            return value
        told = [value]
        _together(lambda: torch.distributed.broadcast_object_list(told, device=torch.device("cpu")))
        return told[0]

    @contextmanager
    def local_rank_zero_first(self) -> Iterator[None]:
        """The first of each machine goes ahead, for what it makes on the disk serves the others too."""
        if self.local_rank:
            self.all_reduce_max(0)
        yield
        if not self.local_rank:
            self.all_reduce_max(0)

    def check(self, batches: Sequence[int]) -> None:
        """Raise UsageError for batches that cannot be shared evenly, in parts of at least two images."""
        for batch in batches:
            if batch % self.count or batch < 2 * self.count:
                raise UsageError(
                    f"A batch of {batch} images cannot be shared by {self.count} processes; "
                    "choose a number that divides it, or change --set batch=N and generator_batch=N."
                )


SINGLE_PROCESS = Processes()
"""A training in one process."""


@contextmanager
def process_group() -> Iterator[Processes]:
    """This process among those that torchrun started; SINGLE_PROCESS if it did not start it."""
    if "TORCHELASTIC_RUN_ID" not in os.environ or int(os.environ["WORLD_SIZE"]) == 1:
        yield SINGLE_PROCESS
        return
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    processes = Processes(*(int(os.environ[name]) for name in names))
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    torch.distributed.init_process_group(backend, timeout=PATIENCE)
    try:
        yield processes
    finally:
        torch.distributed.destroy_process_group()


def _together(collective: Callable[[], object]) -> None:
    """Do what all processes do at once. Raises PeerError if one of them has ended."""
    try:
        collective()
    except RuntimeError as error:
        raise PeerError(f"Another process of this training has ended: {error}") from None
