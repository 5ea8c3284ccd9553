"""Progress bars of commands: on terminals only."""

from __future__ import annotations

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
