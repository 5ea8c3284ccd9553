"""Option values are parsed as users expect, or refused with an error."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from strangers.commands.arguments import (
    is_picture,
    parse_changes,
    parse_grid,
    parse_images,
    parse_part,
    parse_share,
    parse_strengths,
    parse_where,
    plural,
)
from strangers.errors import UsageError


@pytest.mark.parametrize(
    ("text", "count"),
    [("1", 1), ("50000", 50_000), ("100k", 100_000), ("2M", 2_000_000), ("1.5M", 1_500_000), ("0.5k", 500)],
)
def test_numbers_of_images(text: str, count: int) -> None:
    assert parse_images(text) == count


@pytest.mark.parametrize(("text", "share"), [("10%", 0.1), ("0.1", 0.1), (".25", 0.25), ("2.5%", 0.025)])
def test_shares(text: str, share: float) -> None:
    assert parse_share(text, "--hold-out") == pytest.approx(share)


@pytest.mark.parametrize("text", ["", "%", "-10%", "ten", "1e-1", "10 %", "nan", "٣%"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--hold-out"):
        parse_share(text, "--hold-out")


@given(some.integers(min_value=1, max_value=10**12))
def test_a_plain_number_is_itself_and_k_and_m_multiply(count: int) -> None:
    assert parse_images(str(count)) == count
    assert parse_images(f"{count}k") == parse_images(f"{count / 1000:.3f}M") == 1000 * count


@pytest.mark.parametrize(
    "text", ["", "0", "-5", "2X", "2m", "1e6", "1.5", "0.0001k", "k", "1,000", "٣", " 5", "0M"]
)
def test_other_texts_are_no_number_of_images(text: str) -> None:
    with pytest.raises(UsageError, match="Invalid number of images"):
        parse_images(text)


def test_changes_keep_all_after_the_first_equals_sign_and_the_last_one_counts() -> None:
    assert parse_changes(["batch=64", "name=a=b", "batch=32"]) == {"batch": "32", "name": "a=b"}


@pytest.mark.parametrize("text", ["batch", "=64", ""])
def test_a_change_without_field_or_equals_sign_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="FIELD=VALUE"):
        parse_changes([text])


def test_a_grid_is_columns_by_rows() -> None:
    assert parse_grid("8x4") == (8, 4)


@pytest.mark.parametrize("text", ["8", "8x", "0x4", "8X4", "-1x4", "8x4x2", "99999x1"])
def test_other_grids_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="columns x rows"):
        parse_grid(text)


@pytest.mark.parametrize(
    ("name", "picture"), [("a.png", True), ("A.PNG", True), ("faces", False), ("v1.0", False)]
)
def test_png_is_a_picture_and_the_rest_are_folders(name: str, picture: bool) -> None:
    assert is_picture(Path(name)) is picture


def test_other_kinds_of_picture_are_refused() -> None:
    with pytest.raises(UsageError, match="pictures are PNG files"):
        is_picture(Path("faces.jpg"))


def test_one_thing_is_not_one_things() -> None:
    assert [plural(number, "face") for number in (0, 1, 2000)] == ["0 faces", "1 face", "2,000 faces"]


def test_a_part_is_its_number_and_how_many_there_are() -> None:
    assert parse_part("3/16") == (3, 16)
    for text in ("0/4", "5/4", "1", "1/0", "-1/4", "1/4/2", "one/two", "1 / 4", ""):
        with pytest.raises(UsageError, match="write it as K/N"):
            parse_part(text)


def test_where_lists_attributes_to_have_and_to_lack() -> None:
    assert parse_where("Smiling=1, Eyeglasses = 0") == {"Smiling": True, "Eyeglasses": False}


@pytest.mark.parametrize("text", ["", "Smiling", "Smiling=2", "=1", "Smiling=1,", "Smiling=1,Smiling=0"])
def test_other_wishes_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--where"):
        parse_where(text)


def test_strengths_are_named_or_go_evenly_from_one_to_another() -> None:
    assert parse_strengths("-2..2") == [-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2]
    assert parse_strengths("-2,0,+.5") == [-2, 0, 0.5]
    assert parse_strengths("3") == [3]


@pytest.mark.parametrize("text", ["", "..", "-2..", "1..2..3", "much", "nan", "1e3", "101", "-2,,2"])
def test_other_strengths_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--strengths"):
        parse_strengths(text)
