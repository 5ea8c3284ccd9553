"""Attributes and splits are read from CelebA's tables and others, or refused with the reason."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from strangers.data.annotations import NO_SPLIT, is_table, read_annotations, read_table
from strangers.errors import DataError

FORMS = [
    ("list_attr_celeba.txt", "list_eval_partition.txt"),
    ("list_attr_celeba.csv", "list_eval_partition.csv"),
]


@pytest.mark.parametrize("names", FORMS, ids=["official", "kaggle"])
@pytest.mark.parametrize("place", ["", "CelebA/Anno/"])
def test_both_forms_hold_the_same(
    tables: dict[str, bytes], values: NDArray[np.int8], names: tuple[str, str], place: str
) -> None:
    found = read_annotations({place + name: tables[name] for name in names})
    assert found.names == ("Male", "Smiling")
    images = [f"img_align_celeba/{number:06d}.webp" for number in range(1, len(values) + 1)]
    np.testing.assert_array_equal(found.attributes_of(images), values)
    assert found.splits_of(images).tolist() == [0] * 24 + [1] * 3 + [2] * 3


def test_a_picture_without_a_row_has_unknown_attributes_and_no_split(tables: dict[str, bytes]) -> None:
    found = read_annotations({name: tables[name] for name in FORMS[0]})
    assert found.attributes_of(["nobody.jpg", "000001.jpg"])[0].tolist() == [0, 0]
    assert found.attributes_of([]).shape == (0, 2)
    assert found.splits_of(["nobody.jpg", "000001.jpg"]).tolist() == [NO_SPLIT, 0]


def test_given_tables_come_first_and_others_fill_what_they_lack(tables: dict[str, bytes]) -> None:
    official = read_annotations({name: tables[name] for name in FORMS[0]})
    partition = read_annotations({"list_eval_partition.txt": b"000001.jpg 2\n"})
    both = partition.or_else(official)
    assert both.splits_of(["000001.jpg"]).tolist() == [2]
    assert both.names == ("Male", "Smiling")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("1 -1 1", [1, -1, 1]),
        ("1 0 1", [1, -1, 1]),
        ("1 0 -1", [1, 0, -1]),
        ("0 0 0", [-1, -1, -1]),
        ("True False true", [1, -1, 1]),
        ("TRUE FALSE 0", [1, -1, -1]),
        ("yes no yes", [1, -1, 1]),
        ("1.0 0.0 nan", [1, -1, 0]),
        ("-1.0 1.0 0.0", [-1, 1, 0]),
        ("1 NA 0", [1, 0, -1]),
    ],
)
def test_every_spelling_of_yes_no_and_unknown_is_read(cells: str, expected: list[int]) -> None:
    rows = "".join(f"{n}.jpg,{cell}\n" for n, cell in enumerate(cells.split()))
    found = read_annotations({"list_attr_celeba.csv": f"image_id,Male\n{rows}".encode()})
    assert found.attributes_of(["0.jpg", "1.jpg", "2.jpg"])[:, 0].tolist() == expected


def test_an_empty_cell_is_unknown() -> None:
    found = read_annotations({"list_attr_celeba.csv": b"image_id,Male,Old\n1.jpg,,1\n2.jpg,0,1\n"})
    assert found.attributes_of(["1.jpg", "2.jpg"]).tolist() == [[0, 1], [-1, 1]]


@pytest.mark.parametrize("cells", ["0 1 2", "train val test", "training valid testing", "0.0 1.0 2.0"])
def test_splits_are_numbers_or_names(cells: str) -> None:
    rows = "".join(f"{n}.jpg,{cell}\n" for n, cell in enumerate(cells.split()))
    found = read_annotations({"list_eval_partition.csv": f"image_id,partition\n{rows}".encode()})
    assert found.splits_of(["0.jpg", "1.jpg", "2.jpg"]).tolist() == [0, 1, 2]


def test_a_table_of_any_name_is_read_by_its_columns() -> None:
    both = read_table("people.csv", b"file,Split,Male\na.jpg,train,1\nb.jpg,test,0\n")
    assert both.names == ("Male",)
    assert both.attributes_of(["b.jpg", "a.jpg"])[:, 0].tolist() == [-1, 1]
    assert both.splits_of(["b.jpg", "a.jpg"]).tolist() == [2, 0]
    assert not read_table("splits.csv", b"file,split\na.jpg,train\n").names
    with pytest.raises(DataError, match=r"^The table people.txt has no header that names the attributes"):
        read_table("people.txt", b"1.jpg 1")


def test_people_are_read_from_celebas_table_which_has_no_header() -> None:
    known = read_annotations({"identity_CelebA.txt": b"000001.jpg 2880\n000002.jpg 2937\n"})
    assert known.people_of(["000001.webp", "000002.webp"]) == {"000001.webp": "2880", "000002.webp": "2937"}


def test_two_tables_of_one_kind_must_agree(tables: dict[str, bytes]) -> None:
    one, other = tables["list_attr_celeba.txt"], tables["list_attr_celeba.csv"]
    agreeing = {"a/list_attr_celeba.txt": one, "b/list_attr_celeba.csv": other}
    assert read_annotations(agreeing).names == ("Male", "Smiling")
    agreeing["b/list_attr_celeba.csv"] = b"image_id,Male,Smiling\n000001.jpg,1,1\n"
    with pytest.raises(DataError, match=r"tables a/list_attr_celeba.txt and b/list_attr_celeba.csv differ"):
        read_annotations(agreeing)


def test_every_table_of_celeba_is_known() -> None:
    names = ["list_attr_celeba", "list_eval_partition", "identity_CelebA", "list_bbox_celeba",
             "list_landmarks_align_celeba", "list_landmarks_celeba"]  # fmt: skip
    assert all(is_table(f"Anno/{name}.txt") for name in names)
    assert all(is_table(f"{name}.csv") for name in names)
    assert not is_table("img_align_celeba/000001.jpg")


@pytest.mark.parametrize(("name", "content"), [
    ("list_attr_celeba.txt", b""),
    ("list_attr_celeba.txt", b"1\nMale Smiling\n000001.jpg 1\n"),
    ("list_attr_celeba.txt", b"1\nMale\n000001.jpg 7\n"),
    ("list_attr_celeba.txt", b"1\nMale\n000001.jpg perhaps\n"),
    ("list_attr_celeba.txt", b"1\nMale\n000001.jpg\n"),
    ("list_attr_celeba.txt", b"1\n \t\n\n000001.jpg 1\n000002.jpg 1\n000003.jpg 1\n"),
    ("list_attr_celeba.csv", b"\xff\xfe\x00"),
    ("list_attr_celeba.csv", b"image_id;Smiling\n000001.jpg,1\n"),
    ("list_attr_celeba.csv", b"<!doctype html><html><body>quota exceeded</body></html>"),
    ("list_eval_partition.txt", b"000001.jpg 3\n"),
    ("list_eval_partition.txt", b"000001.jpg 0 1\n"),
    ("list_eval_partition.txt", b"000001.jpg 99999999999\n"),
    ("list_eval_partition.csv", b"image_id\n000001.jpg,0\n"),
    ("list_eval_partition.csv", b""),
])  # fmt: skip
def test_a_damaged_table_is_refused_by_name(name: str, content: bytes) -> None:
    with pytest.raises(DataError, match=rf"^The table {name} .*download it again\.$"):
        read_annotations({name: content})


def test_a_wrong_cell_is_named_with_its_place() -> None:
    content = b"image_id,Male,Age\n1.jpg,1,0\n2.jpg,1,34\n"
    with pytest.raises(DataError, match="has '34' in row 2, column Age; attributes are"):
        read_annotations({"list_attr_celeba.csv": content})
