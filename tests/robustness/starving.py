"""Forks of this process with limited resources, so that limits and mounts end with them."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import io
import json
import os
import resource
import select
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest

UNSHARE_MOUNTS, UNSHARE_USER = 0x20000, 0x10000000
READ_ONLY, REMOUNT, BIND, RECURSIVE, PRIVATE = 1, 32, 4096, 16384, 1 << 18
"""Flags of Linux' unshare(2) and mount(2)."""


class NotAllowedError(Exception):
    """The system does not let this process do what a test needs."""


class KilledError(AssertionError):
    """A child that a signal has ended."""


class CommandResult(NamedTuple):
    """The exit code and standard error of a command."""

    code: int
    err: str


def in_child(work: Callable[[], object], seconds: float = 300) -> Any:
    """Return what `work` gives, as JSON brings it, done in a fork of this process.

    Skip where it is not allowed.

    Fails where the work raises, and with KilledError where it is killed or takes longer than that.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which wait for nothing here
        child = os.fork()
    if child == 0:
        os.close(reading)
        _end_with(work, writing)
    os.close(writing)
    answered, _, _ = select.select([reading], [], [], seconds)
    if not answered:
        os.kill(child, signal.SIGKILL)
    with open(reading, "rb") as answers:
        answer = answers.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        raise KilledError(f"The child was ended by signal {os.WTERMSIG(status)}.")
    result = json.loads(answer)
    if "skip" in result:
        pytest.skip(result["skip"])
    assert "failure" not in result, result["failure"]
    return result["value"]


def _end_with(work: Callable[[], object], writing: int) -> None:
    faulthandler.disable()  # the parent tells it
    try:
        result = {"value": work()}
    except NotAllowedError as error:
        result = {"skip": str(error)}
    except BaseException:
        for kind in (resource.RLIMIT_AS, resource.RLIMIT_NOFILE):
            resource.setrlimit(kind, (resource.getrlimit(kind)[1],) * 2)
        result = {"failure": traceback.format_exc()}
    os.write(writing, json.dumps(result).encode()[:60_000])  # a pipe holds as much
    os._exit(0)


def run_command(*words: object) -> CommandResult:
    """Run `strangers` in this process; a traceback fails the test. The next step is left out."""
    from strangers.cli import main

    err = io.StringIO()
    with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
        code = main([str(word) for word in words])
    lines = err.getvalue().splitlines(keepends=True)
    return CommandResult(code, "".join(line for line in lines if not line.startswith("Next: ")))


def is_one_error(ended: CommandResult) -> bool:
    """Return True for a failed command with a single error message."""
    lines = ended.err.splitlines()
    return ended.code == 1 and len(lines) == 1 and lines[0].startswith("error: ") and lines[0].endswith(".")


def limit(kind: int, most: int) -> None:
    """Lower the soft limit, which can be raised again."""
    resource.setrlimit(kind, (most, resource.getrlimit(kind)[1]))


def own_mounts() -> ctypes.CDLL:
    """Give this child process its own mounts. Raises NotAllowedError."""
    if sys.platform != "linux":
        raise NotAllowedError("Mounts of a process alone are Linux'.")
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(UNSHARE_MOUNTS | (UNSHARE_USER if user else 0)):
        raise NotAllowedError(f"This process may not mount: {os.strerror(ctypes.get_errno())}.")
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    _mount(libc, "none", Path("/"), "", RECURSIVE | PRIVATE)
    return libc


def mount_disk(place: Path, bytes_of_room: int) -> None:
    """In a child: a disk of that size at `place`, or another size for the one that is there."""
    flags = REMOUNT if os.path.ismount(place) else 0
    libc = ctypes.CDLL(None, use_errno=True) if flags else own_mounts()
    _mount(libc, "tmpfs", place, "tmpfs", flags, f"size={bytes_of_room}")


def mount_read_only(place: Path) -> None:
    """In a child: the folder cannot be written, not even by root."""
    libc = own_mounts()
    _mount(libc, str(place), place, "", BIND)
    _mount(libc, "none", place, "", BIND | REMOUNT | READ_ONLY)


def _mount(libc: ctypes.CDLL, source: str, place: Path, kind: str, flags: int, options: str = "") -> None:
    words = [str(word).encode() for word in (source, place, kind)]
    if libc.mount(*words, ctypes.c_ulong(flags), options.encode()):
        raise NotAllowedError(f"This process may not mount: {os.strerror(ctypes.get_errno())}.")


IMAGES = 2048
"""Images of each training: two checkpoints, and pictures with each."""


def training(drawn: Path, run: Path, batch: int = 128) -> list[str]:
    """The words of a small training."""
    changes = (
        "network.generator_widths=[8,8,8]", "network.discriminator_widths=[8,8,8]",
        f"batch={batch}", f"generator_batch={batch}",
    )  # fmt: skip
    words = ["train", drawn, "--recipe", "dcgan-32", "--images", IMAGES, "--every", 1000, "--log-every", 256]
    words += ["--threads", 1, "--device", "cpu", "--precision", "fp32", "--out", run]
    return [str(word) for word in (*words, *(part for change in changes for part in ("--set", change)))]


def outcome(run: Path) -> str:
    """The hash of all tensors of the newest checkpoint."""
    newest = run / "checkpoints" / (run / "latest").read_text()
    return sha256((newest / "training.safetensors").read_bytes()).hexdigest()


def halves(place: Path) -> list[str]:
    """Return incomplete files below `place`: leftovers, damaged checkpoints, truncated lines."""
    found = [path.name for path in place.rglob(".partial-*")]
    for state in place.rglob("state.json"):
        described = json.loads(state.read_text())["sha256"]
        found += [
            f"{state.parent.name}/{name}"
            for name, digest in described.items()
            if sha256((state.parent / name).read_bytes()).hexdigest() != digest
        ]
    for log in place.rglob("log.jsonl"):
        found += [line for line in log.read_text().splitlines(keepends=True) if not whole(line)]
    return found


def whole(line: str) -> bool:
    try:
        return line.endswith("\n") and isinstance(json.loads(line), dict)
    except ValueError:
        return False


def commands(place: Path, drawn: Path, model: Path) -> dict[str, list[Any]]:
    """Commands that write to `place`, by name."""
    return {
        "prepare": ["prepare", "synthetic:48", "--size", 32, "--workers", 1, "--out", place / "set"],
        "train": training(drawn, place / "run"),
        "sample": ["sample", model, "--seeds", "0-63", "--out", place / "faces.png"],
        "each": ["sample", model, "--seeds", "0-15", "--out", place / "faces"],
        "export": ["export", model, "--to", "file", "--out", place / "half.safetensors"],
        "explore": ["explore", drawn, "--size", 32, "--out", place / "found.html"],
    }
