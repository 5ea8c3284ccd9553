"""A prepared set, as a server reads it: described without its path, and read within its bounds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet, open_prepared
from strangers.errors import DataError
from strangers.web.set_reader import SetReader


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    place = tmp_path_factory.mktemp("sets") / "secret" / "drawn"
    return prepare("synthetic:5", place, size=16, workers=1, progress=False)


def test_the_summary_is_json_that_reveals_no_path(drawn: PreparedSet) -> None:
    summary = SetReader(drawn).summary()
    assert (summary["title"], summary["count"], summary["size"], summary["crop"]) == (
        "drawn",
        5,
        16,
        "square",
    )
    assert set(summary["attributes"]) == set(drawn.manifest.attributes)
    assert all(0 <= share <= 1 for share in summary["attributes"].values())
    assert "secret" not in json.dumps(summary)


def test_a_set_named_by_a_link_or_a_dot_has_the_name_of_its_folder(
    drawn: PreparedSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(drawn.path)
    assert SetReader(open_prepared(".")).title == "drawn"
    (tmp_path / "link").symlink_to(drawn.path)
    assert SetReader(open_prepared(tmp_path / "link")).title == "drawn"


@pytest.mark.parametrize(
    ("first", "count", "rows"), [(0, 5, [0, 1, 2, 3, 4]), (3, 64, [3, 4]), (5, 1, []), (99, 1, [])]
)
def test_images_end_where_the_set_does(drawn: PreparedSet, first: int, count: int, rows: list[int]) -> None:
    images = SetReader(drawn).images(first, count)
    assert images.shape[1:] == (16, 16, 3)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, drawn.images[rows])


def test_a_corrupted_image_is_reported(tmp_path: Path) -> None:
    place = prepare("synthetic:3", tmp_path / "set", size=16, workers=1, progress=False).path
    with (place / "images.npy").open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)[0]
        file.seek(-1, 2)
        file.write(bytes([last ^ 1]))
    reader = SetReader(open_prepared(place))
    assert len(reader.images(0, 2)) == 2
    with pytest.raises(DataError, match="image 2"):
        reader.images(2, 1)
