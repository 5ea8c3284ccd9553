"""The files of an unfinished prepared set."""

from __future__ import annotations

from pathlib import Path

import pytest

from strangers.data.writer import Writer


def test_a_writer_that_cannot_begin_leaves_nothing_open(tmp_path: Path) -> None:
    (tmp_path / "skipped.csv").mkdir()
    with pytest.raises(IsADirectoryError):
        # A file that stays open is a warning, and so an error.
        Writer(tmp_path, 16)
