"""Progress bars of measurements: one for each kind of work, on terminals only."""

from __future__ import annotations

import pytest

from strangers.evaluation.progress import progress_bars


def test_nothing_is_printed_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bars(True) as advance:
        advance("faces", 2, 2)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_shows_the_progress(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm")
    with progress_bars(True) as advance:
        advance("faces", 2, 4)
        advance("pictures", 3, 3)
        advance("faces", 2, 4)
    out, err = capsys.readouterr()
    assert out == ""
    assert "4/4" in err
    assert "3/3" in err


def test_nothing_is_printed_if_it_is_not_wanted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with progress_bars(False) as advance:
        advance("faces", 2, 2)
    assert capsys.readouterr().err.strip("\x1b[?25hl\n") == ""
