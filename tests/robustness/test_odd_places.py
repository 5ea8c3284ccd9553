"""The main commands where things are not as on the author's desk: names, locales, umasks, streams, homes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ..support import SMALL

pytestmark = pytest.mark.skipif(os.name != "posix", reason="these are the oddities of POSIX")

JOURNEY = """
import json, sys
from strangers.cli import run
for words in json.loads(sys.argv[1]):
    sys.argv[1:] = words
    try:
        run()
    except SystemExit as end:
        if end.code:
            raise
"""
"""Runs commands one after another, as if each were started alone, but for the seconds that starting takes."""

SCRIPT = 'eval "$ODD"; exec "$0" -c "$JOURNEY" "$COMMANDS"'
"""Shell commands, followed by all commands of the package."""

LONG = "/".join("long" * 50 for _ in range(6))
UNICODE = "a b/ç 顔 😀 'q\" $x `y` [1] {z} #1%20&;*?/-x"

WRITTEN = (
    "set/manifest.json",
    "run/log.jsonl",
    "faces.png",
    "result.json",
    "result.html",
    "small.safetensors",
)


@dataclass(frozen=True)
class Place:
    """An odd place: its folder, the environment's changes (None: without it), what the shell does first."""

    name: str
    folder: str = "here"
    environment: dict[str, str | None] = field(default_factory=dict)
    shell: str = ""


PLACES = [
    Place("spaces, quotes and other scripts in names", UNICODE),
    Place("very long paths", LONG),
    Place("the C locale", UNICODE, {"LC_ALL": "C", "LANG": None}),
    Place("a German locale", UNICODE, {"LC_ALL": "de_DE.UTF-8"}),
    Place("ASCII alone", UNICODE, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    Place("a terminal of Latin-1", UNICODE, {"PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"}),
    Place("umask 077", shell="umask 077"),
    Place("umask 000", shell="umask 000"),
    Place("no HOME", environment={"HOME": None, "XDG_CACHE_HOME": None}),
    Place("a HOME that is not there", environment={"HOME": "/proc/nowhere", "XDG_CACHE_HOME": None}),
    Place("no environment", environment=dict.fromkeys(os.environ)),
    Place(
        "a TMPDIR that is not there", environment=dict.fromkeys(("TMPDIR", "TMP", "TEMP"), "/proc/nowhere")
    ),
    Place("standard input closed", shell="exec <&-"),
    Place("standard output closed", shell="exec >&-"),
    Place("all standard streams closed", shell="exec <&- >&- 2>&-"),
    Place(
        "another working directory", "../elsewhere", shell="mkdir -p away && cd away && mkdir -p ../elsewhere"
    ),
    Place("a run's folder behind a link", shell="mkdir -p here/far && ln -s far here/run"),
]

AT_ONCE = Place(
    "all of it at once",
    f"{UNICODE}/{LONG}",
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "HOME": "/proc/nowhere",
     "XDG_CACHE_HOME": None, "TMPDIR": "/proc/nowhere", "PYTHONWARNINGS": ""},
    "umask 077; exec <&- >&-",
)  # fmt: skip


def commands(folder: str) -> list[list[str]]:
    """From drawn faces to a model taken away."""
    data, run, changes = f"{folder}/set", f"{folder}/run", [word for one in SMALL for word in ("--set", one)]
    return [
        ["prepare", "synthetic:64", "--size", "32", "--workers", "1", "--out", data],
        ["train", data, "--recipe", "dcgan-32", "--images", "64", "--threads", "1", "--out", run, *changes],
        ["sample", run, "--seeds", "0-3", "--out", f"{folder}/faces.png"],
        ["evaluate", run, data, "--count", "64", "--metrics", "fd-face", "--shrinkage",
         "--out", f"{folder}/result.json"],
        ["export", run, "--to", "file", "--out", f"{folder}/small.safetensors"],
    ]  # fmt: skip


def travel(place: Place, start: Path) -> subprocess.CompletedProcess[str]:
    """The journey, begun in the folder `start`, in a session that has no terminal."""
    changed = os.environ | place.environment
    environment = {name: value for name, value in changed.items() if value is not None}
    needed = {name: os.environ.get(name, "") for name in ("PATH", "PYTHONPATH", "OMP_NUM_THREADS")}
    given = {
        "ODD": place.shell,
        "JOURNEY": JOURNEY,
        "COMMANDS": json.dumps(commands(place.folder), ensure_ascii=False),
    }
    return subprocess.run(
        ["sh", "-c", SCRIPT, sys.executable],
        capture_output=True, text=True, check=False, cwd=start, env=environment | needed | given,
        errors="replace", timeout=600, start_new_session=True,
    )  # fmt: skip


def modes(folder: Path) -> Iterator[int]:
    """The permissions of all that a journey wrote."""
    for path in folder.rglob("*"):
        yield path.stat().st_mode & 0o777


def _check(place: Place, start: Path) -> None:
    came = travel(place, start)
    assert came.returncode == 0, (place.name, came.stdout[-2000:], came.stderr[-3000:])
    assert "Traceback" not in came.stderr
    folder = start / "away" / place.folder if place.folder.startswith("..") else start / place.folder
    for name in WRITTEN:
        assert (folder / name).stat().st_size > 0, (place.name, name)
    if "umask 077" in place.shell:
        assert all(mode & 0o077 == 0 and mode & 0o600 == 0o600 for mode in modes(folder)), place.name
    if "umask 000" in place.shell:
        assert all(mode & 0o111 in (0, 0o111) for mode in modes(folder)), place.name
    assert not list(start.rglob(".partial-*")), place.name


def test_all_commands_work_in_odd_places(
    tmp_path: Path, pytestconfig: pytest.Config, tally: Callable[..., None]
) -> None:
    places = PLACES if pytestconfig.getoption("--robustness") else []
    for number, place in enumerate([AT_ONCE, *places]):
        (tmp_path / str(number)).mkdir()
        _check(place, tmp_path / str(number))
    what = "; ".join(place.name for place in places or [AT_ONCE])
    tally("commands in odd places", 5 * (1 + len(places)), what)


def test_a_closed_pipe_does_not_harm_a_training(
    trained: Path, tmp_path: Path, pytestconfig: pytest.Config, tally: Callable[..., None]
) -> None:
    if not pytestconfig.getoption("--robustness"):
        pytest.skip("with --robustness; tests/test_cli.py has a command that reads")
    _, train, *_ = commands(str(tmp_path))
    train[1] = str(trained.with_name("drawn"))
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.run(
        [sys.executable, "-m", "strangers", *train],
        stdout=writing, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writing)
    assert (process.returncode, process.stderr) == (1, "")
    assert "Trained on 64 images" in (tmp_path / "run/console.log").read_text()
    assert (tmp_path / "run/latest").exists()
    tally("`train` with a reader who has left", 1)
