"""Archives that point outside, unpack to too much, or are damaged are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangers.data import archive_safety
from strangers.data.archive_safety import readable, refuse_bomb, refuse_outside
from strangers.errors import DataError

PARTS = st.text("abc. ", min_size=1, max_size=4).filter(lambda part: part not in (".", ".."))


@given(st.lists(PARTS, min_size=1, max_size=4))
def test_a_name_inside_is_accepted_and_refused_after_a_step_up(parts: list[str]) -> None:
    refuse_outside(Path("a.zip"), "/".join(parts))
    for separator in ("/", "\\"):
        with pytest.raises(DataError, match="points outside"):
            refuse_outside(Path("a.zip"), separator.join([*parts, "..", "..", "x"]))


@pytest.mark.parametrize("name", ["a:1.jpg", "12:30/1.jpg", "nul.png", "1.jpg.", "1\n.png", "x" * 300])
def test_a_name_that_only_some_disks_accept_is_accepted(name: str) -> None:
    refuse_outside(Path("x.zip"), name)


@pytest.mark.parametrize("name", ["/etc/passwd", "C:/x.jpg", "c:\\x.jpg", "\\\\server\\share\\x.jpg"])
def test_an_absolute_name_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="points outside"):
        refuse_outside(Path("a.zip"), name)


def test_a_large_ratio_is_refused_above_a_minimum_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_safety, "ALWAYS_UNPACKED_BYTES", 500)
    path = tmp_path / "a.zip"
    path.write_bytes(b"xx")
    refuse_bomb(path, 500)
    with pytest.raises(DataError, match="unpacks to more than 200 times its size"):
        refuse_bomb(path, 501)
    path.write_bytes(b"x" * 10)
    refuse_bomb(path, 2000)


def test_any_error_of_a_reader_names_the_archive(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.zip cannot be read \(bad magic\)"), readable(tmp_path / "a.zip"):
        raise ValueError("bad magic\nsecond line")


def test_an_html_page_is_recognized(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"\xef\xbb\xbf \n<!DOCTYPE html>")
    with pytest.raises(DataError, match="not an archive but an HTML page"), readable(path):
        raise ValueError("bad magic")


@pytest.mark.parametrize("error", [DataError("of a member"), MemoryError()])
def test_errors_that_are_not_damage_pass(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, readable(Path("a.zip")):
        raise error
    assert caught.value is error
