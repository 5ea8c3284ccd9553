"""Standard streams that are closed, full, of another encoding, or without a reader."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from strangers.system.streams import Forgiving, echo, printable, read_regular_file

posix = pytest.mark.skipif(os.name != "posix", reason="a shell closes the streams")


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Return what became of a line for sh, in which "$0" is Python."""
    return subprocess.run(
        ["sh", "-c", line, sys.executable], capture_output=True, check=False, env=os.environ | environment
    )


@posix
@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_error(closed: str) -> None:
    result = shell(f'"$0" -m strangers --version {closed}')
    assert (result.returncode, result.stderr) == (0, b"")


@posix
def test_no_file_takes_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    code = (
        "from strangers.system.streams import make_usable; make_usable(); "
        f"f = open({str(tmp_path / 'file')!r}, 'w'); "
        "import os; print('lost', flush=True); os.write(1, b'lost'); os.write(2, b'lost')"
    )
    assert shell(f'"$0" -c "{code}" <&- >&- 2>&-').returncode == 0
    assert (tmp_path / "file").read_text() == ""


@posix
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_name_can_be_printed(encoding: str) -> None:
    code = r"from strangers.system.streams import make_usable; make_usable(); print('caf\udce9 \u9854')"
    result = shell(f'"$0" -c "{code}"', PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(b"caf\\udce9 ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_output_that_cannot_be_written_is_one_error() -> None:
    result = shell('"$0" -m strangers --version >/dev/full')
    assert result.returncode == 1
    assert result.stderr == b"error: System error: No space left on device.\n"


def test_a_forgiving_stream_ignores_write_errors() -> None:
    class Full(io.StringIO):
        def write(self, text: str, /) -> int:
            raise OSError(errno.ENOSPC, "full")

        def flush(self) -> None:
            raise BrokenPipeError

    stream = Forgiving(Full())
    assert stream.write("lost") == 4
    stream.flush()
    kept = io.StringIO()
    Forgiving(kept).write("kept")
    assert kept.getvalue() == "kept"


HOSTILE = {
    "line break": "a.png\nerror: all is lost",
    "carriage return": "a.png\rb",
    "escape": "\x1b[2J\x1b]0;title\x07.png",
    "C1 control": "\x9b2J",
    "marks of direction": "\u202egnp.exe",
    "isolates": "\u2066a\u2069",
    "line separator": "a\u2028b",
    "bytes that are no text": "caf\udce9",
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_printed_name_is_one_line_that_controls_no_terminal(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    echo(f"Wrote {name}.")
    echo(f"warning: {name}", error=True)
    for printed in capsys.readouterr():
        assert printed.endswith("\n")
        assert printed[:-1].isprintable()


def test_a_printable_name_keeps_its_letters() -> None:
    assert printable("Renée 顔 👍 'x'.png") == "Renée 顔 👍 'x'.png"
    assert printable("a\nb\x1b\u202e") == "a\\nb\\x1b\\u202e"


@posix
def test_a_pipe_or_a_device_in_the_place_of_a_file_is_an_error_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"data")
    assert read_regular_file(tmp_path / "file") == b"data"
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    for name in ("pipe", "device"):
        with pytest.raises(OSError, match="Not a regular file") as caught:
            read_regular_file(tmp_path / name)
        assert caught.value.filename == str(tmp_path / name)
