"""CelebA's tables are read in both of their forms, and told what is wrong with them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from strangers.data.annotations import is_table, read_annotations, stem
from strangers.errors import DataError

FORMS = [
    ("list_attr_celeba.txt", "list_eval_partition.txt"),
    ("list_attr_celeba.csv", "list_eval_partition.csv"),
]


@pytest.mark.parametrize("names", FORMS, ids=["official", "kaggle"])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a byte order mark"])
def test_both_forms_say_the_same(
    tables: dict[str, bytes], values: NDArray[np.int8], names: tuple[str, str], ends: bytes, mark: bytes
) -> None:
    texts = {name: mark + tables[name].replace(b"\r\n", b"\n").replace(b"\n", ends) for name in names}
    found = read_annotations(texts)
    assert found.names == ("Male", "Smiling")
    images = [f"img_align_celeba/{number:06d}.webp" for number in range(1, len(values) + 1)]
    np.testing.assert_array_equal(found.of(images), values)
    assert [found.splits[stem(image)] for image in images] == [0] * 24 + [1] * 3 + [2] * 3


def test_an_image_without_a_row_has_unknown_attributes(tables: dict[str, bytes]) -> None:
    found = read_annotations({"list_attr_celeba.txt": tables["list_attr_celeba.txt"]})
    assert found.of(["nobody.jpg", "000001.jpg"])[0].tolist() == [0, 0]
    assert found.of([]).shape == (0, 2)
    assert not found.splits


def test_given_tables_come_first_and_the_others_fill_what_they_lack(tables: dict[str, bytes]) -> None:
    official = read_annotations({name: tables[name] for name in FORMS[0]})
    partition = read_annotations({"list_eval_partition.txt": b"000001.jpg 2\n"})
    both = partition.otherwise(official)
    assert both.splits == {"000001": 2}
    assert both.names == ("Male", "Smiling")


def test_an_image_and_its_row_have_the_stem_in_common() -> None:
    for name in ("000001.jpg", "img_align_celeba/000001.webp", "a\\b\\000001.png", "000001"):
        assert stem(name) == "000001"


def test_every_table_of_celeba_is_known_as_one() -> None:
    names = ["list_attr_celeba", "list_eval_partition", "identity_CelebA", "list_bbox_celeba",
             "list_landmarks_align_celeba", "list_landmarks_celeba"]  # fmt: skip
    assert all(is_table(f"Anno/{name}.txt") for name in names)
    assert all(is_table(f"{name}.csv") for name in names)
    assert not is_table("img_align_celeba/000001.jpg")


@pytest.mark.parametrize(("name", "content"), [
    ("list_attr_celeba.txt", b""),
    ("list_attr_celeba.txt", b"1\nMale Smiling\n000001.jpg 1\n"),
    ("list_attr_celeba.txt", b"1\nMale\n000001.jpg 7\n"),
    ("list_attr_celeba.txt", b"1\nMale\n000001.jpg yes\n"),
    ("list_attr_celeba.txt", b"1\nMale\n000001.jpg\n"),
    ("list_attr_celeba.txt", b"2\nMale Old\n000001.jpg 1 1 1\n000002.jpg 1\n"),
    ("list_attr_celeba.csv", b"\xff\xfe\x00"),
    ("list_attr_celeba.csv", b"<!doctype html><html><body>quota exceeded</body></html>"),
    ("list_eval_partition.txt", b"000001.jpg 3\n"),
    ("list_eval_partition.txt", b"000001.jpg 0 1\n"),
    ("list_eval_partition.txt", b"000001.jpg 99999999999\n"),
    ("list_eval_partition.csv", b""),
])  # fmt: skip
def test_a_damaged_table_is_told_by_its_name(name: str, content: bytes) -> None:
    with pytest.raises(DataError, match=rf"^The table {name} .*; fetch it again\.$"):
        read_annotations({name: content})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list_attr_celeba.csv", b"image_id;Smiling\n000001.jpg,1\n"),
        ("list_attr_celeba.txt", b"1\n \t\n\n000001.jpg 1\n000002.jpg 1\n000003.jpg 1\n"),
        ("list_eval_partition.csv", b"image_id\n000001.jpg,0\n"),
    ],
)
def test_values_without_names_are_told(name: str, content: bytes) -> None:
    with pytest.raises(DataError, match=name):
        read_annotations({name: content})
