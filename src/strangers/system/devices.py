"""Choose device, precision and threads, and give the reason of each choice."""

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

from strangers.errors import UsageError, did_you_mean
from strangers.system.machine import usable_cores

T = TypeVar("T")

DEVICES = ("auto", "cpu", "cuda", "cuda:N", "mps")
"""Accepted names of devices; N counts from 0."""

GPUS = {
    **dict.fromkeys(("gpu", "nvidia", "rocm", "hip", "amd", "0"), ("cuda",)),
    **dict.fromkeys(("metal", "apple", "m1"), ("mps",)),
}
"""Devices by what people call them."""

PRECISIONS = ("auto", "bf16", "fp32")
"""Accepted names of precisions. The range of fp16 is too small for training."""

FORMATS = {
    **dict.fromkeys(("fp16", "float16", "half", "bfloat16", "amp", "mixed", "16"), ("bf16",)),
    **dict.fromkeys(("float32", "float", "full", "32"), ("fp32",)),
}
"""Precisions by what people call them."""


_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # from malloc.h


@dataclass(frozen=True)
class Choice(Generic[T]):
    """A chosen value and the reason, as a sentence."""

    value: T
    reason: str


def choose_device(name: str = "auto", local_rank: int = 0, local_count: int = 1) -> Choice[torch.device]:
    """Return the device of that name; "auto" is CUDA, else MPS, else the CPU.

    local_rank, local_count: rank of this process on this machine, and number of processes; each uses one GPU.
    Raises UsageError for a device that is unknown or unavailable.
    """
    if local_count > 1 and name in ("auto", "cuda") and torch.cuda.is_available():
        _require_cuda(f"cuda:{local_count - 1}", local_count - 1)
        torch.cuda.set_device(local_rank)
        return Choice(torch.device("cuda", local_rank), "Each process uses its own GPU.")
    if local_count > 1 and name not in ("cpu", "auto"):
        raise UsageError(f"{local_count} processes cannot share device {name!r}; remove --device.")
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
        raise UsageError(f"Unknown device {name!r}. {did_you_mean(name, DEVICES, short_forms=GPUS)}")
    if kind == "cuda":
        _require_cuda(name, int(index or 0))
    if kind == "mps" and not torch.backends.mps.is_available():
        raise UsageError("Device 'mps' is not available: it needs an Apple processor; use --device auto.")
    return Choice(torch.device(name), "The device was requested.")


def choose_precision(name: str, device: torch.device) -> Choice[torch.dtype]:
    """Return the precision of the networks on `device`, bfloat16 or float32; weights and losses are float32.

    "auto" is bfloat16 if the hardware supports it. Without support it is emulated, which on a CPU is tens of
    times slower than float32. Raises UsageError for a name that is not in PRECISIONS.
    """
    if name not in PRECISIONS:
        raise UsageError(f"Unknown precision {name!r}. {did_you_mean(name, PRECISIONS, short_forms=FORMATS)}")
    if name == "fp32":
        return Choice(torch.float32, "The precision was requested.")
    has_bf16, reason = _bf16_hardware(device)
    if has_bf16:
        return Choice(torch.bfloat16, reason)
    if name == "bf16":
        return Choice(torch.bfloat16, f"The precision was requested, but will be slow: {reason}")
    return Choice(torch.float32, reason)


def choose_threads(count: int | None, local_count: int = 1) -> Choice[int]:
    """Choose the number of CPU threads of torch: `count`, or this process's share of the cores.

    local_count: number of processes on this machine; the default of torchrun, one thread each, is ignored.
    Raises UsageError for fewer than one thread, or for more than there are cores.
    """
    cores = usable_cores()
    if count is not None:
        if not 1 <= count <= cores:
            raise UsageError(f"--threads must be from 1 to {cores}, the number of cores (got {count}).")
        return Choice(count, "The number of threads was requested.")
    if local_count > 1:
        return Choice(max(1, cores // local_count), f"{local_count} processes share {cores} cores.")
    threads = min(torch.get_num_threads(), cores)
    requested = os.environ.get("OMP_NUM_THREADS")
    return Choice(
        threads, f"OMP_NUM_THREADS is {requested}." if requested else f"{cores} cores are available."
    )


def require_compiler(device: torch.device) -> None:
    """Raise UsageError if torch cannot compile networks on this machine."""
    if device.type == "cpu" and not any(map(shutil.which, (os.environ.get("CXX", "g++"), "clang++"))):
        raise UsageError("--compile needs a C++ compiler; install g++, or remove --compile.")
    if device.type == "cuda" and importlib.util.find_spec("triton") is None:
        raise UsageError("--compile on a GPU needs triton; install it, or remove --compile.")


def keep_freed_memory() -> None:
    """Let the C library keep freed memory for the next step, which saves page faults.

    It makes a training step on a CPU 10% to 25% faster. Systems without glibc are unchanged.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    library = ctypes.CDLL(None)
    for parameter, value in (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 2**28), (_M_MMAP_MAX, 0):
        library.mallopt(parameter, value)


def _require_cuda(name: str, index: int) -> None:
    if not torch.cuda.is_available():
        version = torch.version.cuda or torch.version.hip
        reason = "no GPU was found" if version else f"torch {torch.__version__} is built without CUDA"
        raise UsageError(f"Device {name!r} is not available: {reason}; use --device auto.")
    count = torch.cuda.device_count()
    if index >= count:
        raise UsageError(f"Device {name!r} is not available: this machine has {count} GPUs, numbered from 0.")


def _bf16_hardware(device: torch.device) -> tuple[bool, str]:
    """Return True if the hardware supports bfloat16, and a sentence about it."""
    if device.type == "cuda":
        with torch.cuda.device(device):
            if torch.cuda.is_bf16_supported(including_emulation=False):
                return True, "This GPU supports bf16."
        return False, "This GPU does not support bf16."
    if device.type == "cpu":
        instructions = _bf16_instructions()
        if instructions:
            return True, f"This processor has bf16 instructions ({', '.join(instructions)})."
        return False, "This processor has no bf16 instructions (AVX512-BF16 or AMX-BF16)."
    return False, "bf16 is untested on MPS."


def _bf16_instructions() -> list[str]:
    if hasattr(torch.cpu, "get_capabilities"):  # newer than torch 2.6
        has = torch.cpu.get_capabilities()
        names = {"AVX512-BF16": "avx512_bf16", "AMX-BF16": "amx_bf16"}
        return [name for name, key in names.items() if has.get(key, False)]
    return ["AVX512-BF16"] if torch.cpu._is_avx512_bf16_supported() else []


def to_device(network: nn.Module, device: torch.device) -> nn.Module:
    """Move the network to the device, with weights in channels-last order, which is fastest."""
    placed: nn.Module = network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return placed
