"""Data parallelism with torchrun: each process trains on its shard of every batch, all with equal weights.

Gradients are averaged after backward rather than by hooks during it. This is safe for penalties whose
gradient is differentiated again (R1, R2), and needs no wrapper around the networks.
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

TIMEOUT = timedelta(hours=6)
"""Limit of waiting for the other processes: rank 0 may be evaluating meanwhile."""


@dataclass(frozen=True)
class Processes:
    """The processes of one training, seen from one of them.

    Attributes:
        rank, count: number of this process, and number of processes; rank 0 writes the run's files.
        local_rank, local_count: the same on this machine.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    local_count: int = 1

    @property
    def is_first(self) -> bool:
        """True for rank 0."""
        return self.rank == 0

    def shard(self, batch: Tensor) -> Tensor:
        """Return this process's part of a batch (n, ...) that all processes drew alike: (n / count, ...)."""
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
        """Return the mean of `values` over the processes, bit-identical in all of them."""
        if self.count == 1:
            return values
        _collective(lambda: torch.distributed.all_reduce(values))
        return values / self.count

    def all_reduce_max(self, number: int) -> int:
        """Return the maximum of `number` over the processes."""
        if self.count == 1:
            return number
        values = torch.tensor(number)
        _collective(lambda: torch.distributed.all_reduce(values, torch.distributed.ReduceOp.MAX))
        return int(values)

    def broadcast(self, value: T) -> T:
        """Broadcast `value` from rank 0."""
        if self.count == 1:
            return value
        values = [value]
        _collective(lambda: torch.distributed.broadcast_object_list(values, device=torch.device("cpu")))
        return values[0]

    @contextmanager
    def local_rank_zero_first(self) -> Iterator[None]:
        """Run the block in the first process of each machine, then in the others, who reuse its files."""
        if self.local_rank:
            self.all_reduce_max(0)
        yield
        if not self.local_rank:
            self.all_reduce_max(0)

    def check(self, batches: Sequence[int]) -> None:
        """Raise UsageError for batches that cannot be split evenly into shards of at least two images."""
        for batch in batches:
            if batch % self.count or batch < 2 * self.count:
                raise UsageError(
                    f"A batch of {batch} images cannot be split among {self.count} processes; "
                    "use a number of processes that divides it, or change batch and generator_batch "
                    "with --set."
                )


SINGLE_PROCESS = Processes()
"""A training in one process."""


@contextmanager
def process_group() -> Iterator[Processes]:
    """Join the processes that torchrun started; SINGLE_PROCESS if it did not start this one."""
    if "TORCHELASTIC_RUN_ID" not in os.environ or int(os.environ["WORLD_SIZE"]) == 1:
        yield SINGLE_PROCESS
        return
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    processes = Processes(*(int(os.environ[name]) for name in names))
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    torch.distributed.init_process_group(backend, timeout=TIMEOUT)
    try:
        yield processes
    finally:
        torch.distributed.destroy_process_group()


def _collective(operation: Callable[[], object]) -> None:
    """Run a collective operation. Raises PeerError if another process has ended."""
    try:
        operation()
    except RuntimeError as error:
        raise PeerError(f"Another process of this training has ended: {error}") from None
