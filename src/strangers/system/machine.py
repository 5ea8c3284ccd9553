"""The machine: processor, cores, memory, versions of the software, processes, and locks between them."""

from __future__ import annotations

import errno
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from strangers._version import __version__

if sys.platform != "win32":
    import fcntl

PACKAGES = ("torch", "numpy", "pillow", "simplejpeg", "safetensors", "pydantic", "huggingface_hub")
"""Packages that results depend on; their versions are recorded."""

REPEATED_SIGNAL_SECONDS = 2.0
"""Signals that follow one within this time repeat it, such as a second Ctrl-C of an impatient person."""


def versions() -> dict[str, str]:
    """Return the versions of Python, of strangers and of PACKAGES."""
    return {"python": platform.python_version(), "strangers": __version__, **installed(PACKAGES)}


def installed(packages: tuple[str, ...]) -> dict[str, str]:
    """Return each package's version; "missing" for one that is not installed."""
    versions = {}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "missing"
    return versions


def usable_cores() -> int:
    """Return the number of cores that this process may use: by its affinity, and by its container's quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cpu_quota()
    return cores if quota is None else max(1, min(cores, int(quota)))


def cpu_quota(root: Path = Path("/sys/fs/cgroup"), process: Path = Path("/proc/self/cgroup")) -> float | None:
    """Return the number of cores that control groups grant this process, v1 or v2; None without a limit."""
    try:
        groups = [line.split(":", 2)[1:] for line in process.read_text().splitlines()]
    except (OSError, ValueError):
        return None
    limits = []
    for controllers, group in groups:
        if controllers and "cpu" not in controllers.split(","):
            continue
        mount = root
        if controllers:  # not every system links cpu to the common folder of several controllers
            mount = root / ("cpu" if (root / "cpu").is_dir() else controllers)
        for folder in (mount / group.lstrip("/"), *(mount / group.lstrip("/")).parents):
            limits += [limit] if (limit := _quota_of(folder)) else []
            if folder == mount:
                break
    return min(limits, default=None)


def _quota_of(folder: Path) -> float | None:
    """Return the limit of one control group in cores, if it has one."""
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        return int(quota) / int(period) if int(quota) > 0 else None
    except (OSError, ValueError):  # no file, or "max"
        return None


def process_number() -> int:
    """Return the rank that torchrun gave this process; 0 without torchrun."""
    return int(os.environ.get("RANK", "0")) if "TORCHELASTIC_RUN_ID" in os.environ else 0


def is_out_of_memory(error: BaseException) -> bool:
    """Return True if Python, torch or the dynamic loader ran out of memory; the latter two say so in text."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or any(
        sign in words
        for sign in (
            "out of memory",
            "can't allocate memory",
            "cannot allocate memory",
            "failed to map segment",
            "could not create a primitive",  # oneDNN, without memory for its code
        )
    )


def processor_name() -> str:
    """Return the CPU's name, from /proc where there is one."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def free_memory() -> float | None:
    """Return the memory that a new process could get, in GiB; None where the system does not report it."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    free = [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    return free[0] / 2**20 if free else None


def is_running(process: str) -> bool:
    """Return True if another process with this number is running on this machine."""
    if os.name != "posix" or int(process) == os.getpid():
        return False
    try:
        os.kill(int(process), 0)  # only checks
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


# Unfinished files and folders are locked themselves, which tells leftovers from the work of another machine
# or container on the same disk, whose process numbers are unknown here. `filelock` needs a separate file,
# which would be renamed with the folder; `lock` uses it where a lock file may remain.


def lock_open_file(descriptor: int, *, wait: bool = False) -> None:
    """Lock an open file or folder, if system and disk support it. Raises BlockingIOError unless `wait`."""
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        raise
    except OSError:
        pass  # the disk has no locks


@contextmanager
def locked(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Lock a file or folder itself during the block. Raises BlockingIOError unless `wait`."""
    if sys.platform == "win32":  # it cannot open folders, nor remove them while a file in them is open
        yield
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        lock_open_file(descriptor, wait=wait)
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Return True if a process, perhaps on another machine, has locked the file or folder."""
    try:
        with locked(path):
            return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def lock(path: Path, *, wait: bool = False) -> AbstractContextManager[object]:
    """Lock the file `path` against other processes until the block or the process ends.

    The file is not removed. Raises BlockingIOError while another process holds the lock, unless `wait`. Disks
    without support for locks are not locked.
    """
    from filelock import FileLock, Timeout

    held = FileLock(path, thread_local=False, fallback_to_soft=False)
    try:
        return held.acquire(blocking=wait)
    except Timeout:
        raise BlockingIOError(f"{path} is locked by another process") from None
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
        return nullcontext()
