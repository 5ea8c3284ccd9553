"""One photograph becomes the same pixels in every command that reads it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from strangers.data.alignment import align, find_faces
from strangers.data.decode import decode
from strangers.data.prepare import open_or_prepare, prepare
from strangers.data.synthetic.faces import draw
from strangers.errors import DataError, UsageError
from strangers.images import Pixels
from strangers.latent.photograph import as_seen, read_photograph
from strangers.sampling.load import load
from strangers.sampling.model import Model
from strangers.training.options import TrainingOptions
from strangers.training.plan import make_plan

from ..support import write_model

SIZES = {"aligned": (178, 218), "a phone's": (300, 400), "square": (256, 256), "small": (40, 50)}


def photograph(size: tuple[int, int]) -> bytes:
    """Return a drawn face, turned by its Exif, as a JPEG of the given upright size."""
    width, height = size
    face = Image.fromarray(draw([3], 256)[0][0]).resize((width, height))
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    face.transpose(Image.Transpose.ROTATE_90).save(stream, "JPEG", quality=95, exif=exif)
    return stream.getvalue()


def model_of(crop: str, folder: Path) -> Model:
    """Return a model whose header says that its photographs had this crop."""
    model = load(write_model(folder / "model.safetensors"), device="cpu")
    header = model.header.model_copy(update={"crop": crop})
    return Model(model.generator, header, model.hash)


@pytest.mark.parametrize("kind", SIZES)
def test_every_command_makes_the_same_pixels_of_a_photograph(kind: str, tmp_path: Path) -> None:
    data = photograph(SIZES[kind])
    (tmp_path / "photos").mkdir()
    file = tmp_path / "photos" / "face.jpg"
    file.write_bytes(data)
    set_ = prepare(tmp_path / "photos", tmp_path / "set", size=64, workers=1, progress=False)
    model = model_of(set_.manifest.crop, tmp_path)
    size = model.header.size

    def prepared() -> Pixels:
        made = prepare(tmp_path / "photos", tmp_path / "again", size=size, workers=1, progress=False)
        return np.array(made.images[0])

    plan = make_plan(tmp_path / "photos", TrainingOptions(recipe="dcgan-64", device="cpu", progress=False))
    assert np.array_equal(plan.data.images[0], set_.images[0])
    expected = prepared()
    by_evaluate = open_or_prepare(
        tmp_path / "photos",
        size=size,
        crop=None if set_.manifest.crop == "square" else "c178",
        progress=False,
    )
    by_explore = open_or_prepare(tmp_path / "photos", size=size, progress=False)
    for found in (
        by_evaluate.images[0],
        by_explore.images[0],
        as_seen(data, model).pixels,
        read_photograph(file, model).pixels,
        as_seen(data, model_of("auto", tmp_path)).pixels,
    ):
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("crop", ["c108", "c128@89,121", "c64"])
def test_a_photograph_of_another_size_is_seen_whole(crop: str, tmp_path: Path) -> None:
    seen = as_seen(photograph((1200, 1600)), model_of(crop, tmp_path)).pixels
    square = as_seen(photograph((1200, 1600)), model_of("square", tmp_path)).pixels
    assert np.array_equal(seen, square)


@pytest.mark.parametrize("crop", ["c178", "aligned"])
def test_a_model_of_aligned_faces_sees_the_face_aligned_or_else_the_square(crop: str, tmp_path: Path) -> None:
    model = model_of(crop, tmp_path)
    seen = as_seen(photograph((600, 800)), model)
    (face,) = find_faces(decode(photograph((600, 800))))
    assert seen.size == (600, 800)
    assert np.array_equal(seen.corners, face.corners)
    assert np.array_equal(seen.pixels, align(decode(photograph((600, 800))), face, model.header.size))
    stream = io.BytesIO()
    Image.new("RGB", (60, 40), "white").save(stream, "PNG")
    wall = as_seen(stream.getvalue(), model)
    assert wall.missed
    assert wall.corners.tolist() == [[10, 0], [50, 0], [50, 40], [10, 40]]
    assert (wall.pixels == 255).all()


def test_any_square_of_a_photograph_can_be_shown(tmp_path: Path) -> None:
    """It may be turned by a quarter, and of a photograph much larger than the model's pictures."""
    model = model_of("c178", tmp_path)
    size = model.header.size
    picture = draw([3], 256)[0][0]
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    data = stream.getvalue()
    part = as_seen(data, model, square=(20, 30, 20 + size, 30))
    assert np.array_equal(part.pixels, picture[30 : 30 + size, 20 : 20 + size])
    assert part.corners.tolist() == [[20, 30], [20 + size, 30], [20 + size, 30 + size], [20, 30 + size]]
    turned = as_seen(data, model, square=(20 + size, 30, 20 + size, 30 + size))
    assert np.array_equal(turned.pixels, np.rot90(picture[30 : 30 + size, 20 : 20 + size]))
    whole = as_seen(data, model, square=(0, 0, 256, 0)).pixels
    square = as_seen(data, model_of("square", tmp_path)).pixels
    assert np.abs(whole.astype(int) - square).mean() < 4


@pytest.mark.parametrize("square", [(0, 0, 7, 0), (0, 0, 513, 0), (300, 0, 310, 0)])
def test_a_square_beside_the_photograph_or_of_no_size_is_refused(
    square: tuple[float, float, float, float], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="center in the photograph of 256x256 px, and a side of 8 to 512 px"):
        as_seen(photograph((256, 256)), model_of("c178", tmp_path), square=square)


def test_a_cropped_photograph_is_used_whole_and_must_be_square(tmp_path: Path) -> None:
    model = model_of("c108", tmp_path)
    face = Image.fromarray(draw([3], 100)[0][0])
    stream = io.BytesIO()
    face.save(stream, "PNG")
    whole = as_seen(stream.getvalue(), model, cropped=True).pixels
    assert np.array_equal(whole, as_seen(stream.getvalue(), model_of("square", tmp_path)).pixels)
    with pytest.raises(DataError, match="178x218 is not square"):
        as_seen(photograph((178, 218)), model, cropped=True)


def test_a_file_that_is_no_photograph_raises_an_error_that_names_it(tmp_path: Path) -> None:
    model = model_of("c178", tmp_path)
    with pytest.raises(UsageError, match=r"^There is no photograph .*missing\.jpg\.$"):
        read_photograph(tmp_path / "missing.jpg", model)
    (tmp_path / "text.jpg").write_text("text")
    with pytest.raises(DataError, match=r"text\.jpg cannot be inverted: not an image .*pass --cropped\.$"):
        read_photograph(tmp_path / "text.jpg", model)
