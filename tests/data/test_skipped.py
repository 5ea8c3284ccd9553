"""Whatever name is written to skipped.csv is read back, and reasons are summed up."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from strangers.data.skipped import count_reasons, read_skipped, shorten
from strangers.data.writer import Writer
from strangers.errors import DataError
from strangers.system.streams import printable


@pytest.mark.parametrize("name", ["1.jpg", 'a, "b"\n.jpg', "x" * 300_000, "\U0001f600" * 100_000, "\0.jpg"])
def test_a_name_is_read_back(tmp_path: Path, name: str) -> None:
    limit = csv.field_size_limit()
    with Writer(tmp_path, 8) as writer:
        writer.add([name, "2.jpg"], np.zeros((0, 8, 8, 3), np.uint8), ["broken", "empty"])
    (first, reason), second = read_skipped(tmp_path)
    assert (reason, second) == ("broken", ("2.jpg", "empty"))
    assert first == printable(name)
    assert csv.field_size_limit() == limit


def test_a_damaged_list_is_refused_and_a_missing_one_is_empty(tmp_path: Path) -> None:
    assert read_skipped(tmp_path) == []
    (tmp_path / "skipped.csv").write_bytes(b"name,reason\n1.jpg\n")
    with pytest.raises(DataError, match=r"skipped.csv cannot be read .*; prepare the set again\.$"):
        read_skipped(tmp_path)


def test_reasons_are_counted_without_their_details() -> None:
    reasons = [
        "broken image: 3 bytes",
        "broken image: 4 bytes",
        "9x9 is too small",
        "8x7 is too small",
        "a",
        "b",
        "c",
    ]
    assert count_reasons(reasons) == {"broken image": 2, "is too small": 2, "a": 1, "b": 1, "c": 1}


def test_long_names_are_cut_in_the_middle() -> None:
    assert shorten("1.jpg") == "1.jpg"
    assert shorten("a" * 500 + ".jpg", 20) == "a" * 10 + "..." + "aaaaaa.jpg"
