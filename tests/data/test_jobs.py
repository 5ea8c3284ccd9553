"""Jobs make images of files, and give each image its attributes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from strangers.data.containers import File
from strangers.data.crops import CROPS
from strangers.data.jobs import GENERATED, Drawings, Photographs, is_generated
from strangers.images import COMPOSITE, Provenance, encode_animation, encode_png

PROVENANCE = Provenance("strangers 1", "hash", "7", "fast-64", 1000)
GRAY = np.full((32, 32, 3), 128, np.uint8)


def test_a_file_with_a_problem_has_no_image_and_no_attributes(
    photographs: list[Image.Image], encoded: Callable[..., bytes]
) -> None:
    files = [
        File("good", encoded(photographs[0])),
        File("locked", b"", "cannot be read"),
        File("text", b"text"),
        File("also good", encoded(photographs[1])),
    ]
    found = Photographs(files, np.array([[1], [1], [-1], [-1]], np.int8)).run(16, CROPS["c178"])
    assert found.names == ["good", "locked", "text", "also good"]
    assert found.problems[1] == "cannot be read"
    assert [bool(problem) for problem in found.problems] == [False, True, True, False]
    assert found.images.shape == (2, 16, 16, 3)
    assert found.attributes is not None
    assert found.attributes.tolist() == [[1], [-1]]
    assert found.originals == ("178x218", "178x218")


def test_no_file_gives_no_image() -> None:
    found = Photographs([File("a", b"")]).run(16, CROPS["square"])
    assert (found.images.shape, found.attributes) == ((0, 16, 16, 3), None)


@pytest.mark.parametrize(
    "data",
    [
        encode_png(GRAY, PROVENANCE),
        encode_png(GRAY, PROVENANCE, COMPOSITE),
        encode_animation([GRAY, 255 - GRAY], 0.1, "WEBP", PROVENANCE),
        encode_animation([GRAY, 255 - GRAY], 0.1, "GIF", PROVENANCE),
    ],
)
def test_pictures_of_this_program_are_recognized_and_refused_among_photographs(data: bytes) -> None:
    assert is_generated(data)
    files = [File("generated", data)]
    assert Photographs(files, accept_generated=False).run(16, CROPS["square"]).problems == [GENERATED]
    assert Photographs(files).run(16, CROPS["square"]).problems == [""]


def test_other_pictures_are_not_taken_for_generated() -> None:
    assert not is_generated(encode_png(GRAY))


def test_drawings_have_the_names_of_their_seeds() -> None:
    found = Drawings(range(5, 8)).run(16, CROPS["square"])
    assert found.names == ["000005", "000006", "000007"]
    assert found.attributes is not None
    assert found.images.shape == (3, 16, 16, 3)
    assert len(found.attributes) == 3
