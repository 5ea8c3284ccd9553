"""The files of an unfinished prepared set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from strangers.data.prepared import Manifest, open_prepared
from strangers.data.writer import Writer
from strangers.system.folders import new_folder


def test_a_writer_that_cannot_begin_leaves_nothing_open(tmp_path: Path) -> None:
    (tmp_path / "skipped.csv").mkdir()
    with pytest.raises(IsADirectoryError):
        # A file that stays open is a warning, and so an error.
        Writer(tmp_path, 16)


@pytest.mark.parametrize(
    ("count", "size", "shape"), [(3, 16, (16, 52)), (120, 16, (178, 178)), (2, 200, (128, 258))]
)
def test_the_preview_shows_up_to_a_hundred_images(
    tmp_path: Path, count: int, size: int, shape: tuple[int, int]
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (count, size, size, 3), np.uint8)
    with new_folder(tmp_path / "set") as folder, Writer(folder, size) as writer:
        writer.add([f"{number}.png" for number in range(count)], images, [""] * count)
        manifest = Manifest(
            format=1, software="test", crop="square", filter="bicubic", count=count, size=size,
            hash=writer.hash(), source="noise",
        )  # fmt: skip
        writer.finish(manifest, None)
    preview = np.asarray(Image.open(tmp_path / "set" / "preview.png"))
    assert preview.shape == (*shape, 3)
    if count == 3:
        np.testing.assert_array_equal(preview[:, :16], images[0])
        np.testing.assert_array_equal(preview[:, 36:], images[2])
    (tmp_path / "set" / "preview.png").unlink()
    assert len(open_prepared(tmp_path / "set")) == count
