"""What computes here: the processor, its cores and memory, and the versions of the software."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from strangers._version import __version__

PACKAGES = ("torch", "numpy", "pillow", "simplejpeg", "safetensors", "pydantic", "huggingface_hub")
"""What results depend on, and what trouble comes from."""


def versions() -> dict[str, str]:
    """Of Python, of strangers and of the packages that it computes with."""
    return {"python": platform.python_version(), "strangers": __version__, **installed(PACKAGES)}


def installed(packages: tuple[str, ...]) -> dict[str, str]:
    """Each package's version; "missing" for one that is not there."""
    versions = {}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "missing"
    return versions


def usable_cores() -> int:
    """How many cores this process may run on, which in a container may be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def process_number() -> int:
    """Which process of one training this is, by torchrun's word; 0 for one that torchrun did not start."""
    return int(os.environ.get("RANK", "0")) if "TORCHELASTIC_RUN_ID" in os.environ else 0


def is_out_of_memory(error: BaseException) -> bool:
    """Whether Python, torch or the system's loader, which tell it in words, could not get memory."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or any(
        sign in words
        for sign in (
            "out of memory",
            "can't allocate memory",
            "cannot allocate memory",
            "failed to map segment",
            "could not create a primitive",  # oneDNN, when its code finds no place
        )
    )


def processor_name() -> str:
    """The CPU's name, from /proc where there is one."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def free_memory() -> float | None:
    """Memory that a new process could have, in GiB; None where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    free = [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    return free[0] / 2**20 if free else None
