"""Parts of a source: their bounds make the whole, and a listing has one fingerprint."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangers.data.parts import fingerprint, part_bounds
from strangers.errors import UsageError


@given(st.integers(1, 10_000), st.data())
def test_parts_make_the_whole_none_is_empty_and_none_is_much_larger(files: int, data: st.DataObject) -> None:
    parts = data.draw(st.integers(1, min(files, 50)))
    bounds = [part_bounds(files, (number, parts)) for number in range(1, parts + 1)]
    assert [first for first, _ in bounds] == [0, *(last for _, last in bounds[:-1])]
    assert bounds[-1][1] == files
    sizes = [last - first for first, last in bounds]
    assert min(sizes) >= 1
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("part", [(0, 3), (4, 3), (-1, 3), (1, 0)])
def test_a_part_that_cannot_be_is_refused(part: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match=f"numbered from 1 to {part[1]}"):
        part_bounds(100, part)


def test_more_parts_than_files_are_refused() -> None:
    with pytest.raises(UsageError, match="3 files cannot be divided into 1,000 parts"):
        part_bounds(3, (1, 1_000))


def test_a_listing_has_a_fingerprint_of_its_names_and_their_order() -> None:
    assert fingerprint(["a", "b"]) == fingerprint(iter(["a", "b"]))
    listings: tuple[list[str], ...] = (["a", "b"], ["b", "a"], ["ab"], ["a", "b", ""], ["a"], [])
    assert len({fingerprint(names) for names in listings}) == len(listings)


def test_names_that_are_not_utf_8_have_a_fingerprint() -> None:
    assert fingerprint([b"caf\xe9.jpg".decode(errors="surrogateescape")]) != fingerprint(["café.jpg"])
