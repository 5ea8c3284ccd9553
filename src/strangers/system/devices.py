"""Devices, precisions and threads; each choice comes with its reason."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import shutil
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import nn

from strangers.errors import UsageError
from strangers.system.machine import usable_cores

T = TypeVar("T")

DEVICES = ("auto", "cpu", "cuda", "cuda:N", "mps")
"""The names that a device can be asked for by; N counts from 0."""

PRECISIONS = ("auto", "bf16", "fp32")
"""The names that a precision can be asked for by. fp16 is not among them: its range is too small."""


_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # the names of malloc.h


@dataclass(frozen=True)
class Choice(Generic[T]):
    """A chosen value and the reason, as a sentence."""

    value: T
    reason: str


def choose_device(name: str = "auto", local_rank: int = 0, local_count: int = 1) -> Choice[torch.device]:
    """The device of that name; "auto" is CUDA, else MPS, else the CPU. Raises UsageError if absent.

    local_rank, local_count: which of how many processes on this machine asks; each gets a GPU of its own.
    """
    if local_count > 1 and name in ("auto", "cuda") and torch.cuda.is_available():
        _require_cuda(f"cuda:{local_count - 1}", local_count - 1)
        torch.cuda.set_device(local_rank)
        return Choice(torch.device("cuda", local_rank), "Each process has a GPU of its own.")
    if local_count > 1 and name not in ("cpu", "auto"):
        raise UsageError(f"{local_count} processes cannot share device {name!r}; leave --device out.")
    if name == "auto":
        if torch.cuda.is_available():
            return Choice(torch.device("cuda"), f"CUDA is available: {torch.cuda.get_device_name()}.")
        if local_count > 1:
            return Choice(torch.device("cpu"), "CUDA is not available, and processes cannot share MPS.")
        if torch.backends.mps.is_available():
            return Choice(torch.device("mps"), "MPS is available, and CUDA is not.")
        return Choice(torch.device("cpu"), "Neither CUDA nor MPS is available.")

    kind, colon, index = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (colon and (kind != "cuda" or not index.isdecimal())):
        raise UsageError(f"There is no device {name!r}. A device is one of {', '.join(DEVICES)}.")
    if kind == "cuda":
        _require_cuda(name, int(index or 0))
    if kind == "mps" and not torch.backends.mps.is_available():
        raise UsageError("Device 'mps' is not available: it needs an Apple processor. Try --device auto.")
    return Choice(torch.device(name), "It was asked for.")


def choose_precision(name: str, device: torch.device) -> Choice[torch.dtype]:
    """bfloat16 or float32 for the networks' arithmetic on `device`; weights and losses stay float32.

    "auto" is bfloat16 where the hardware computes in it: elsewhere it is emulated, which on a CPU is tens
    of times slower than float32. Raises UsageError for a name that is not in PRECISIONS.
    """
    if name not in PRECISIONS:
        raise UsageError(f"There is no precision {name!r}. A precision is one of {', '.join(PRECISIONS)}.")
    if name == "fp32":
        return Choice(torch.float32, "It was asked for.")
    has_bf16, because = _bf16_hardware(device)
    if has_bf16:
        return Choice(torch.bfloat16, because)
    if name == "bf16":
        return Choice(torch.bfloat16, f"It was asked for, but expect it to be slow: {because}")
    return Choice(torch.float32, because)


def choose_threads(count: int | None, local_count: int = 1) -> Choice[int]:
    """Choose the number of CPU threads of torch: `count`, or this process's share of the cores.

    local_count: how many processes of one training share this machine; torchrun gives each one thread, which
    is not what was meant. Raises UsageError for fewer than one, or for more than there are cores.
    """
    cores = usable_cores()
    if count is not None:
        if not 1 <= count <= cores:
            raise UsageError(f"This machine computes on 1 to {cores} threads, not {count}.")
        return Choice(count, "It was asked for.")
    if local_count > 1:
        return Choice(max(1, cores // local_count), f"{local_count} processes share {cores} cores.")
    threads = min(torch.get_num_threads(), cores)
    asked = os.environ.get("OMP_NUM_THREADS")
    return Choice(threads, f"OMP_NUM_THREADS is {asked}." if asked else f"{cores} cores may be used.")


def require_compiler(device: torch.device) -> None:
    """Raise UsageError if torch would find nothing here to compile networks with."""
    if device.type == "cpu" and not any(map(shutil.which, (os.environ.get("CXX", "g++"), "clang++"))):
        raise UsageError("--compile needs a C++ compiler, and none was found; install g++, or leave it out.")
    if device.type == "cuda" and importlib.util.find_spec("triton") is None:
        raise UsageError("--compile on a GPU needs triton, which is not installed; leave it out.")


def keep_freed_memory() -> None:
    """Ask the C library to keep what is freed, for the next step: giving it back costs a page fault a page.

    Only glibc is asked; elsewhere nothing happens. A training step on a CPU gains a tenth to a quarter.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    library = ctypes.CDLL(None)
    for parameter, value in (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 2**28), (_M_MMAP_MAX, 0):
        library.mallopt(parameter, value)


def _require_cuda(name: str, index: int) -> None:
    if not torch.cuda.is_available():
        version = torch.version.cuda or torch.version.hip
        why = "no GPU was found" if version else f"torch {torch.__version__} is built without CUDA"
        raise UsageError(f"Device {name!r} is not available: {why}. Try --device auto.")
    count = torch.cuda.device_count()
    if index >= count:
        raise UsageError(f"Device {name!r} is not available: this machine has {count}, numbered from 0.")


def _bf16_hardware(device: torch.device) -> tuple[bool, str]:
    """Return whether the device computes in bfloat16, with a sentence that says so."""
    if device.type == "cuda":
        with torch.cuda.device(device):
            if torch.cuda.is_bf16_supported(including_emulation=False):
                return True, "This GPU computes in bf16."
        return False, "This GPU does not compute in bf16."
    if device.type == "cpu":
        instructions = _bf16_instructions()
        if instructions:
            return True, f"This processor has bf16 instructions ({', '.join(instructions)})."
        return False, "This processor has no bf16 instructions (AVX512-BF16 or AMX-BF16)."
    return False, "On MPS, bf16 is untested here."


def _bf16_instructions() -> list[str]:
    if hasattr(torch.cpu, "get_capabilities"):  # newer than torch 2.6
        has = torch.cpu.get_capabilities()
        names = {"AVX512-BF16": "avx512_bf16", "AMX-BF16": "amx_bf16"}
        return [name for name, key in names.items() if has.get(key, False)]
    return ["AVX512-BF16"] if torch.cpu._is_avx512_bf16_supported() else []


def to_device(network: nn.Module, device: torch.device) -> nn.Module:
    """The network, moved to the device, its weights in channels-last order: convolutions run fastest so."""
    placed: nn.Module = network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return placed
