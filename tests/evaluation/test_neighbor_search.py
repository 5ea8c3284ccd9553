"""The search among distinct training pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet
from strangers.evaluation.attributes import load_attributes
from strangers.evaluation.neighbor_search import compare, distinct_pictures
from strangers.images import Pixels


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Pixels:
    place = tmp_path_factory.mktemp("sets") / "drawn"
    return np.array(prepare("synthetic:60", place, size=32, workers=1, progress=False).images)


def in_memory(images: Pixels, folder: Path) -> PreparedSet:
    manifest = prepare("synthetic:1", folder, size=32, workers=1, progress=False).manifest
    return PreparedSet(folder, manifest.model_copy(update={"count": len(images)}), images)


@pytest.mark.parametrize("change", ["equal", "mirrored", "lighter"])
def test_one_picture_of_each_group_of_duplicates_is_distinct(
    images: Pixels, change: str, tmp_path: Path
) -> None:
    again = images[10:20]
    if change == "mirrored":
        again = again[:, :, ::-1]
    if change == "lighter":
        again = np.clip(again.astype(int) + 3, 0, 255).astype(np.uint8)
    distinct = distinct_pictures(in_memory(np.concatenate([images, again]), tmp_path / "set"))
    assert distinct[:60].all()
    assert not distinct[60:].any()


def test_a_face_finds_its_picture_among_duplicates_and_mirror_images(images: Pixels, tmp_path: Path) -> None:
    data = in_memory(np.concatenate([images, images[:5]]), tmp_path / "set")
    distinct = distinct_pictures(data)
    faces = np.ascontiguousarray(images[[7, 30]][:, :, ::-1])
    found = compare(faces, data, distinct, load_attributes(), None, lambda count: None)
    assert found.nearest.tolist() == [7, 30]
    np.testing.assert_allclose(found.distances, 0, atol=1e-3)
    assert (found.faces["pixels"] < 1e-3).all()
    assert len(found.controls["pixels"]) == 60
    assert (found.controls["pixels"] > 0.3).all()  # no control is its own neighbor


def test_too_few_pictures_have_no_ratios(images: Pixels, tmp_path: Path) -> None:
    data = in_memory(images[:10], tmp_path / "set")
    found = compare(images[40:43], data, np.ones(10, bool), load_attributes(), None, lambda count: None)
    assert np.isnan(found.faces["pixels"]).all()
    assert np.isfinite(found.distances).all()
