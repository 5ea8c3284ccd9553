"""Tables of every common form are read alike, and pictures and rows are matched by path."""

from __future__ import annotations

import numpy as np
import pytest

from strangers.data.tables import Table, match_rows, parse_table
from strangers.errors import DataError

PLAIN = "image_id,Male,Smiling\n000001.jpg,1,-1\nmy photo.jpg,-1,1\n"

FORMS = {
    "comma": PLAIN,
    "semicolon": PLAIN.replace(",", ";"),
    "tab": PLAIN.replace(",", "\t"),
    "bar": PLAIN.replace(",", "|"),
    "spaces after commas": PLAIN.replace(",", ", "),
    "CRLF": PLAIN.replace("\n", "\r\n"),
    "blank lines": PLAIN.replace("\n", "\n\n"),
    "quotes": 'image_id,"Male","Smiling"\n"000001.jpg","1","-1"\n"my photo.jpg","-1","1"\n',
    "Excel": "sep=;\r\n" + PLAIN.replace(",", ";").replace("\n", "\r\n"),
    "pandas": ",image_id,Male,Smiling\n0,000001.jpg,1,-1\n1,my photo.jpg,-1,1\n",
    "row numbers of R": '"image_id" "Male" "Smiling"\n"1" "000001.jpg" 1 -1\n"2" "my photo.jpg" -1 1\n',
    "row names of R": '"Male" "Smiling"\n"000001.jpg" 1 -1\n"my photo.jpg" -1 1\n',
    "pictures last": "Male,Smiling,image_id\n1,-1,000001.jpg\n-1,1,my photo.jpg\n",
    "pictures amid": "Male;file;Smiling\n1;000001.jpg;-1\n-1;my photo.jpg;1\n",
    "official": "2\nMale Smiling \n000001.jpg  1 -1\nmy photo.jpg -1  1\n",
    "official with an id": "image_id Male Smiling\n000001.jpg  1 -1\nmy photo.jpg -1  1\n",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_form_gives_the_same_table(form: str, encoding: str) -> None:
    found = parse_table("labels", FORMS[form].encode(encoding))
    assert found == Table(
        "labels", ["000001.jpg", "my photo.jpg"], ("Male", "Smiling"), [["1", "-1"], ["-1", "1"]]
    )


def test_a_table_without_a_header_has_no_column_names() -> None:
    for text in ("000001.jpg 0\n000002.jpg 2\n", "000001.jpg,0\n000002.jpg,2\n", "000001 0\n000002 2\n"):
        found = parse_table("splits", text.encode())
        assert (found.columns, found.cells) == ((), [["0"], ["2"]])


def test_a_column_with_paths_is_preferred_to_one_with_file_names() -> None:
    found = parse_table("labels", b"file,path,Male\n1.jpg,anna/1.jpg,1\n1.jpg,bert/1.jpg,0\n")
    assert found.pictures == ["anna/1.jpg", "bert/1.jpg"]


def test_names_with_delimiters_and_quotes_are_kept() -> None:
    found = parse_table("labels", b'id,Male\n"a, b ""c"".jpg",1\n')
    assert found.pictures == ['a, b "c".jpg']


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "The table labels is empty"),
        (b"image_id,Male\n", "has a header and no rows"),
        (b"image_id,Male\n1.jpg,1\n2.jpg,1,1\n", r"has 3 cells in row 2 \(2.jpg\) and 2 columns"),
        (b"image_id;Male\n1.jpg,1\n", "has 1 cells in row 1"),
        (b"image_id,Male,Male\n1.jpg,1,1\n", "has two columns 'Male'"),
        (b'image_id,Male\n"1.jpg,1\n', "cannot be read in line"),
        (b"image_id,M\xe4nnlich\n1.jpg,1\n", "neither UTF-8 nor UTF-16"),
        (b"\xff\xfe\x00", "neither UTF-8 nor UTF-16"),
        (b"image_id,Male\n" + b"a" * 200_000 + b",1\n", "cannot be read in line"),
    ],
)
def test_a_damaged_table_is_refused_by_name(content: bytes, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        parse_table("labels", content)


def table(*rows: str, values: str = "") -> Table:
    return Table("labels", list(rows), ("Male",), [[value] for value in values or "0" * len(rows)])


@pytest.mark.parametrize(
    ("row", "picture"),
    [
        ("000001.jpg", "000001.jpg"),
        ("000001.jpg", "img_align_celeba/000001.jpg"),
        ("000001.jpg", "img_align_celeba/000001.webp"),
        ("000001", "000001.PNG"),
        ("anna/1.jpg", "people/anna/1.jpg"),
        ("people/anna/1.jpg", "anna/1.jpg"),
        ("./anna\\1.jpg", "anna/1.jpg"),
        ("/elsewhere/people/anna/1.jpg", "anna/1.jpg"),
        ("john.smith", "john.smith.jpg"),
        ("m\N{LATIN SMALL LETTER U WITH DIAERESIS}.jpg", "mu\N{COMBINING DIAERESIS}.jpg"),
    ],
)
def test_a_row_matches_a_picture_whose_path_ends_alike(row: str, picture: str) -> None:
    assert match_rows(table("other.jpg", row), [picture, "nobody.jpg"]).tolist() == [1, -1]


@pytest.mark.parametrize(
    ("row", "picture"),
    [
        ("anna/1.jpg", "bert/1.jpg"),
        ("1.jpg", "11.jpg"),
        ("v1.2", "v1.3"),
        ("x/anna/1.jpg", "y/anna/1.jpg"),
    ],
)
def test_a_row_does_not_match_another_picture(row: str, picture: str) -> None:
    assert match_rows(table(row), [picture]).tolist() == [-1]


def test_rows_may_name_the_folders_above_the_source() -> None:
    rows = table("anna/1.jpg", "bert/1.jpg", values="01")
    assert match_rows(rows, ["1.jpg"], "/home/me/people/bert").tolist() == [1]
    with pytest.raises(DataError, match=r"rows 1 \(anna/1.jpg\) and 2 \(bert/1.jpg\) .*'1.jpg'"):
        match_rows(rows, ["1.jpg"])


def test_the_row_that_agrees_in_most_folders_is_taken() -> None:
    rows = table("1.jpg", "anna/1.jpg", values="01")
    assert match_rows(rows, ["1.jpg", "anna/1.jpg"]).tolist() == [0, 1]


def test_two_pictures_with_one_row_are_an_error_that_names_both() -> None:
    with pytest.raises(DataError, match=r"pictures 'anna/1.jpg' and 'bert/1.jpg' both match the row '1.jpg'"):
        match_rows(table("1.jpg"), ["anna/1.jpg", "bert/1.jpg"])


def test_two_different_rows_for_one_picture_are_an_error_that_names_both() -> None:
    with pytest.raises(DataError, match=r"rows 1 \(1.jpg\) and 3 \(1.jpg\)"):
        match_rows(table("1.jpg", "2.jpg", "1.jpg", values="001"), ["1.jpg"])
    assert match_rows(table("1.jpg", "1.jpg"), ["1.jpg"]).tolist() == [0]


def test_of_two_pictures_that_differ_in_suffix_the_one_that_the_row_names_has_it() -> None:
    for pictures in (["1.jpg", "1.png"], ["1.png", "1.jpg"]):
        found = dict(zip(pictures, match_rows(table("1.jpg"), pictures).tolist(), strict=True))
        assert found == {"1.jpg": 0, "1.png": -1}
    assert match_rows(table("1.jpg", "1.png", values="01"), ["1.png", "1.jpg"]).tolist() == [1, 0]


def test_many_rows_of_one_file_name_are_matched_in_linear_time() -> None:
    rows = [f"{number:06d}/face.jpg" for number in range(50_000)]
    found = match_rows(table(*rows), [f"faces/{row}" for row in reversed(rows)])
    np.testing.assert_array_equal(found, np.arange(50_000)[::-1])
