"""Commands of `strangers` as processes that begin at once, for tests that kill and crowd them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..support import started

WARM = Path(__file__).with_name("warm.py")

SETTINGS = {
    "network.generator_widths": "[8,8,8]",
    "network.discriminator_widths": "[8,8,8]",
    "batch": "125",
    "generator_batch": "125",
}
"""Changes that make dcgan-32 train in half a second."""


def prepare(out: Path) -> list[object]:
    """The words that prepare the set `out`."""
    return ["prepare", "synthetic:48", "--size", "32", "--workers", "1", "--out", out]


def train(out: Path, *more: object) -> list[object]:
    """The words that train the run `out`, of photographs that have to be prepared first."""
    settings = [word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")]
    return [
        *(
            "train",
            "synthetic:40",
            "--recipe",
            "dcgan-32",
            *settings,
            "--device",
            "cpu",
            "--log-every",
            "500",
        ),
        *("--images", "3000", "--every", "1000", "--keep", "2", "--out", out, *more),
    ]


def export(folder: Path) -> list[object]:
    """The words that export the run in a folder to the same folder."""
    return ["export", folder / "run", "--to", "file", "--force", "--out", folder / "faces.safetensors"]


def evaluate(folder: Path) -> list[object]:
    """The words that measure the run in a folder on the set there, to the same folder."""
    return [
        *("evaluate", folder / "run", folder / "set", "--count", "16", "--device", "cpu"),
        *("--metrics", "kd-face,diversity", "--out", folder / "result.json"),
    ]


class Started:
    """A process that runs a command."""

    def __init__(self, commands: Commands, pid: int) -> None:
        self.pid, self._commands = pid, commands

    def wait(self) -> int:
        """Its exit code when it has ended; -9 if it was killed."""
        return int(self._commands.ask(wait=self.pid)["code"])


class Commands:
    """Starts commands, which find their caches, and leave what they print, in `folder`."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self.folder, self.log = folder, folder / "log"

    def ask(self, **request: object) -> dict[str, int]:
        """Return the answer of warm.py."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(request), file=self._process.stdin, flush=True)
        answer: dict[str, int] = json.loads(self._process.stdout.readline())
        return answer

    def warm(self, *words: object) -> None:
        """Run the command in the process that is forked later, so that forks have its imports behind them."""
        assert self.ask(warm=[*map(str, words)], **self._places(None)) == {"code": 0}, self.said()

    def start(self, *words: object, log: Path | None = None, killed_after: float | None = None) -> Started:
        """Start the command; with `killed_after`, return when so many seconds are over and it is killed."""
        answer = self.ask(words=[*map(str, words)], after=killed_after, **self._places(log))
        return Started(self, answer["pid"])

    def run(self, *words: object, killed_after: float | None = None) -> int:
        """The command's exit code."""
        return self.start(*words, killed_after=killed_after).wait()

    def seconds(self, *words: object) -> float:
        """Return how long the command takes, which must succeed."""
        began = time.monotonic()
        assert self.run(*words) == 0, self.said()
        return time.monotonic() - began

    def said(self) -> str:
        """Return what was printed since the last call."""
        text = self.log.read_text() if self.log.exists() else ""
        self.log.unlink(missing_ok=True)
        return text

    def _places(self, log: Path | None) -> dict[str, str]:
        return {"cache": str(self.folder / "cache"), "log": str(log or self.log)}


@contextmanager
def commands(folder: Path) -> Iterator[Commands]:
    """Commands in processes of one thread, until the block ends."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    words = [sys.executable, str(WARM)]
    with started(
        words, seconds=7200, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        yield Commands(process, folder)


def bytes_of(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file below a folder, by its name from there."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def leftovers(folder: Path) -> list[str]:
    """The names of all that is unfinished below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob(".partial-*"))


def trained_bits(run: Path) -> dict[str, str]:
    """All that a run holds and that interruptions must not change, as `bytes_of` gives it.

    That something could not be written, a log tells for good.
    """
    changing = (".jsonl", ".log", "state.json", "lock", "run.json")
    found = {name: content for name, content in bytes_of(run).items() if not name.endswith(changing)}
    means = [
        {name: value for name, value in entry.items() if name not in ("seconds", "images_per_second")}
        for path in sorted(run.rglob("log.jsonl"))
        for entry in map(json.loads, path.read_text().splitlines())
        if entry.get("kind") != "not written"
    ]
    return found | {"means": json.dumps(means)}
