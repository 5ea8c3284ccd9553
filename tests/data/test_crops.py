"""Every crop name selects one box, which these tests compute by hand."""

from __future__ import annotations

import pytest

from strangers.data.crops import CROPS, Box, already_cropped, crop_for, crop_named, default_crop
from strangers.errors import DataError, UsageError

CELEBA_BOXES: dict[str, Box] = {  # of the aligned photographs, 178 wide and 218 high
    "c108": (35, 55, 143, 163),
    "c128": (25, 45, 153, 173),
    "c128@89,121": (25, 57, 153, 185),
    "c140": (19, 39, 159, 179),
    "c148": (15, 35, 163, 183),
    "c160": (9, 29, 169, 189),
    "c178": (0, 20, 178, 198),
    "squash": (0, 0, 178, 218),
    "square": (0, 20, 178, 198),
}


@pytest.mark.parametrize("name", CELEBA_BOXES)
def test_every_named_crop_takes_the_box_of_its_protocol(name: str) -> None:
    assert crop_named(name).box(178, 218) == CELEBA_BOXES[name]
    assert crop_named(name).name == name


def test_an_odd_margin_is_smaller_at_the_left_and_at_the_top() -> None:
    assert crop_named("c5").box(8, 10) == (1, 2, 6, 7)
    assert crop_named("square").box(11, 8) == (1, 0, 9, 8)
    assert crop_named("square").box(8, 11) == (0, 1, 8, 9)


def test_any_square_can_be_named_by_its_side_and_center() -> None:
    assert crop_named("c100").box(178, 218) == (39, 59, 139, 159)
    assert crop_named("c64@40,32").box(178, 218) == (8, 0, 72, 64)


@pytest.mark.parametrize("name", ["c", "c0", "c064", "178", "c178@", "c10@1", "c10@1,2,3", "c-4", "C178", ""])
def test_an_unknown_name_raises_an_error_with_advice(name: str) -> None:
    with pytest.raises(UsageError, match=rf"^There is no crop {name!r}\. (Did you mean|Use one of) .*\.$"):
        crop_named(name)


@pytest.mark.parametrize(("name", "meant"), [("C178", "c178"), ("center", "square"), ("allign", "aligned")])
def test_the_advice_is_the_crop_that_was_meant(name: str, meant: str) -> None:
    with pytest.raises(UsageError, match=rf"Did you mean {meant}\?"):
        crop_named(name)


@pytest.mark.parametrize(
    ("name", "width", "height"),
    [("c179", 177, 218), ("c179", 179, 177), ("c64@10,40", 178, 218), ("c64@89,200", 178, 218)],
)
def test_a_photograph_that_does_not_contain_the_crop_is_refused(name: str, width: int, height: int) -> None:
    with pytest.raises(DataError, match=rf"^{width}x{height} is too small for crop {name}$"):
        crop_named(name).box(width, height)


def test_cropped_images_are_used_whole_and_keep_the_name_of_the_crop() -> None:
    assert already_cropped("c178").box(128, 128) == (0, 0, 128, 128)
    assert already_cropped("c178").name == "c178"
    assert already_cropped("squash").box(128, 100) == (0, 0, 128, 100)
    with pytest.raises(DataError, match="128x127 is not square"):
        already_cropped("c178").box(128, 127)
    with pytest.raises(UsageError):
        already_cropped("nothing")


def test_a_set_of_aligned_photographs_gets_c178_and_any_other_its_largest_squares() -> None:
    assert default_crop([(178, 218)]) == "c178"
    for sizes in ([(218, 178)], [(1024, 1024)], [(178, 218), (1024, 1024)], []):
        assert default_crop(sizes) == "square"
    assert CROPS["c178"].box(178, 218) == CROPS["square"].box(178, 218)


@pytest.mark.parametrize("name", [name for name in CROPS if name.startswith("c")])
def test_published_crops_are_for_aligned_photographs_only(name: str) -> None:
    for width, height in ((1200, 1600), (177, 218), (218, 178), (356, 436)):
        with pytest.raises(DataError, match=f"{width}x{height} is not 178x218, the size that crop {name} is"):
            crop_named(name).box(width, height)


@pytest.mark.parametrize(
    ("name", "size", "chosen"),
    [
        ("c108", (178, 218), "c108"),
        ("c108", (1200, 1600), "square"),
        ("c178", (180, 220), "aligned"),
        ("aligned", (178, 218), "aligned"),
        ("auto", (178, 218), "square"),
        ("squash", (1200, 1600), "squash"),
        ("c500", (512, 512), "c500"),
        ("c500", (1200, 1600), "square"),
        ("c64@40,32", (178, 218), "c64@40,32"),
        ("c600", (512, 512), "c600"),
    ],
)
def test_one_photograph_gets_the_crop_of_the_model_only_at_the_size_that_it_is_for(
    name: str, size: tuple[int, int], chosen: str
) -> None:
    assert crop_for(name, *size).name == chosen
