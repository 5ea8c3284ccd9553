"""A command that SIGTERM or a closed terminal stops leaves nothing half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from strangers import cli
from strangers.images import read_provenance

from ..support import started
from .commands import bytes_of, leftovers

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP")

COMMANDS = {
    "prepare": "prepare synthetic:8 --size 32 --workers 1 --out {out}/set",
    "prepare into the cache": "explore synthetic:9 --size 32 --out {out}/explored.html",
    "explore": "explore {set} --out {out}/explored.html",
    "sample": "sample {model} --seeds 0-9 --device cpu --out {out}/faces.png",
    "interpolate": "interpolate {model} --seeds 1,2 --frames 4 --device cpu --out {out}/walk.webp",
    "evaluate": "evaluate {model} {set} --allow-mismatch --count 16 --metrics kd-face --out {out}/r.json",
    "export": "export {model} --to file --out {out}/faces.safetensors",
}
"""Commands that write into a folder, `out`."""


@pytest.fixture
def stopping() -> Iterator[None]:
    """Let signals stop this process as they stop the program, and end that with the test."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for number in before:
        signal.signal(number, signal.SIG_DFL)
    cli.stop_on_signals()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("stopping")
@pytest.mark.parametrize("line", COMMANDS.values(), ids=COMMANDS)
def test_a_signal_while_an_output_is_written_leaves_nothing_of_it(
    line: str, small_set: Path, small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("kept")
    before = bytes_of(tmp_path)
    number = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)[len(line) % 3]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "fsync", signalling(number))
    words = line.format(out=out, set=small_set, model=small_model).split()
    assert exit_code(words) == 128 + number
    left = {name: digest for name, digest in bytes_of(tmp_path).items() if not name.endswith(".lock")}
    assert left == before
    assert leftovers(tmp_path) == []


def exit_code(words: Sequence[str]) -> object:
    """Return the exit code of a command, also if it is raised."""
    try:
        return cli.main(words)
    except SystemExit as stopped:
        return stopped.code


@pytest.mark.usefixtures("stopping")
def test_faces_that_were_written_before_a_signal_are_whole(
    small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", signalling(signal.SIGHUP))
    words = ["sample", str(small_model), "--seeds", "0-9", "--device", "cpu", "--out", str(tmp_path)]
    with pytest.raises(SystemExit):
        cli.main(words)
    for path in tmp_path.iterdir():
        assert read_provenance(path).seeds == str(int(path.stem.removeprefix("seed")))


def signalling(number: int) -> Callable[[int], None]:
    """Return an fsync at which the signal comes, and comes again while the command cleans up."""

    def fsync(descriptor: int) -> None:
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(number)

    return fsync


def test_a_closed_terminal_ends_a_preparation_with_its_workers(tmp_path: Path) -> None:
    words = ["prepare", "synthetic:1000000", "--size", "16", "--workers", "2", "--out", str(tmp_path / "set")]
    with started([sys.executable, "-m", "strangers", *words], stderr=subprocess.PIPE) as process:
        while not written(tmp_path):
            assert process.poll() is None
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGHUP)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (128 + signal.SIGHUP, "")
    assert list(tmp_path.iterdir()) == []


def written(folder: Path) -> int:
    """Return the number of bytes of images in an unfinished set."""
    return sum(path.stat().st_size > 10_000 for path in folder.glob(".partial-*/images.npy"))


def test_ctrl_c_ends_a_command_that_a_shell_started_in_the_background() -> None:
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); from strangers import cli; "
        "cli.stop_on_signals()\n"
        "try: signal.raise_signal(signal.SIGINT)\n"
        "except KeyboardInterrupt: print('stopped')"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "stopped\n")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no nohup")
def test_a_command_under_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    code = (
        "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); from strangers import cli; "
        "cli.stop_on_signals(); signal.raise_signal(signal.SIGHUP); print('still here')"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "still here\n")


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_two_signals_at_once_end_a_server_as_one_does(
    second: signal.Signals, small_model: Path, tmp_path: Path
) -> None:
    words = ["serve", str(small_model), "--port", "0"]
    pipe = subprocess.PIPE
    with started([sys.executable, "-m", "strangers", *words], stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Open ")
        process.send_signal(signal.SIGINT)
        process.send_signal(second)
        _, err = process.communicate(timeout=60)
    assert process.returncode in (128 + signal.SIGINT, 128 + second)
    assert err in ("Interrupted; nothing was written.\n", "")


def test_ctrl_c_while_modules_are_imported_prints_no_traceback() -> None:
    code = (
        "import signal, sys; from strangers.__main__ import run; sys.modules['strangers.cli'] = None; "
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_): name == 'typer' and signal.raise_signal(signal.SIGINT)\n"
        "sys.modules.pop('strangers.cli'); sys.meta_path.insert(0, Finder()); run()"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (-signal.SIGINT, "")
