"""Prepared sets over HTTP: what is known of them, and their images."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet
from strangers.web.service import Service
from strangers.web.set_reader import SetReader

from .support import Served, serving


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    return prepare("synthetic:5", tmp_path_factory.mktemp("sets") / "drawn", size=32, progress=False)


@pytest.fixture(scope="module")
def served(drawn: PreparedSet) -> Iterator[Served]:
    with serving(Service(sets=[SetReader(drawn)])) as served:
        yield served


def test_a_set_is_described_without_its_path(served: Served, drawn: PreparedSet) -> None:
    answer = served.client.get("/api/sets")
    (told,) = answer.json()["sets"]
    assert (told["id"], told["title"], told["count"], told["size"]) == ("1", "drawn", 5, 32)
    assert set(told["attributes"]) == set(drawn.manifest.attributes)
    assert str(drawn.path.parent) not in answer.text


@pytest.mark.parametrize(
    ("first", "count", "wanted"), [(0, 2, [0, 1]), (3, 64, [3, 4]), (5, 1, []), (9, 9, [])]
)
def test_images_are_those_of_the_set(
    served: Served, drawn: PreparedSet, first: int, count: int, wanted: list[int]
) -> None:
    answer = served.client.get(f"/api/sets/1/images?first={first}&count={count}")
    assert (answer.headers["Faces"], answer.headers["Face-Size"]) == (str(len(wanted)), "32")
    images = np.frombuffer(answer.content, np.uint8).reshape(-1, 32, 32, 3)
    np.testing.assert_array_equal(images, drawn.images[wanted])


@pytest.mark.parametrize("path", ["2/images", "../images", "1/images?count=257", "1/images?first=-1"])
def test_others_are_refused(served: Served, path: str) -> None:
    answer = served.client.get(f"/api/sets/{path}")
    assert answer.status_code in (404, 422)
    assert answer.json()["error"]
