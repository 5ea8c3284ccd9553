"""Progress bars of commands: on terminals only."""

from __future__ import annotations

import re

import pytest

from strangers.commands.progress import progress_bar


def test_nothing_is_printed_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("faces", 4) as advance:
        advance(4)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_shows_the_progress(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar("faces", 4) as advance:
        advance(1)
        advance(3)
    out, err = capsys.readouterr()
    assert out == ""
    assert "faces" in err
    assert "100%" in err


@pytest.mark.parametrize(("value", "colored"), [(None, True), ("1", False)])
def test_no_color_is_respected(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, value: str | None, colored: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, setting in (("TTY_COMPATIBLE", "1"), ("TERM", "xterm-256color"), ("NO_COLOR", value)):
        if setting is not None:
            monkeypatch.setenv(name, setting)
    with progress_bar("faces", 4) as advance:
        advance(4)
    err = capsys.readouterr().err
    assert "faces" in err
    assert bool(re.search(r"\x1b\[(\d+;)*(3|4|9|10)\d", err)) == colored
