"""Pictures: conversion to [-1, 1] and back is lossless; files record their provenance."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image

from strangers.errors import DataError
from strangers.images import (
    GENERATED,
    GRID_BACKGROUND,
    Pixels,
    Provenance,
    encode_animation,
    encode_png,
    grid,
    read_provenance,
    to_pixels,
    to_signed,
)

PROVENANCE = Provenance(
    software="strangers 0.1.0",
    model_hash="0123456789abcdef",
    seeds="0-63,18446744073709551615",
    recipe="dcgan-64",
    images_seen=2_000_000,
    truncation=0.8,
)


def noise(*shape: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_every_byte_survives_the_conversion_and_its_inverse() -> None:
    pixels = np.arange(256 * 3, dtype=np.int64).astype(np.uint8).reshape(1, 16, 16, 3)
    assert np.array_equal(to_pixels(to_signed(torch.from_numpy(pixels))), pixels)


def test_black_is_minus_one_and_white_is_one() -> None:
    black_and_white = torch.tensor([0, 255], dtype=torch.uint8).reshape(1, 1, 2, 1).expand(1, 1, 2, 3)
    assert to_signed(black_and_white)[0, :, 0].tolist() == [[-1, 1]] * 3


@pytest.mark.parametrize("count", [1, 3])
def test_images_are_channels_last(count: int) -> None:
    images = to_signed(torch.from_numpy(noise(count, 8, 6, 3)))
    assert images.shape == (count, 3, 8, 6)
    assert images.dtype == torch.float32
    assert images.stride() == (8 * 6 * 3, 1, 6 * 3, 3)


def test_values_outside_the_range_are_clamped_and_zero_becomes_even() -> None:
    images = torch.tensor([-1e9, -1.01, 0.0, 1.01, 1e9]).reshape(1, 1, 1, 5).expand(1, 3, 1, 5)
    assert to_pixels(images)[0, 0, :, 0].tolist() == [0, 0, 128, 255, 255]


def test_images_of_bf16_are_rounded_in_float32() -> None:
    images = torch.linspace(-1, 1, 48).reshape(1, 3, 4, 4).bfloat16()
    assert np.array_equal(to_pixels(images), to_pixels(images.float()))


@pytest.mark.parametrize(
    ("count", "shape"), [(1, (4, 6)), (2, (4, 14)), (5, (10, 22)), (9, (16, 22)), (10, (16, 30))]
)
def test_a_grid_is_nearly_square(count: int, shape: tuple[int, int]) -> None:
    assert grid(noise(count, 4, 6, 3)).shape == (*shape, 3)


def test_a_grid_is_filled_row_by_row_with_background_between() -> None:
    pixels = noise(5, 4, 6, 3)
    sheet = grid(pixels, columns=3, gap=1)
    assert sheet.shape == (9, 20, 3)
    for position in range(5):
        row, column = divmod(position, 3)
        picture = sheet[row * 5 : row * 5 + 4, column * 7 : column * 7 + 6]
        assert np.array_equal(picture, pixels[position])
        sheet[row * 5 : row * 5 + 4, column * 7 : column * 7 + 6] = GRID_BACKGROUND
    assert (sheet == GRID_BACKGROUND).all()


def test_an_empty_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one picture"):
        grid(noise(0, 4, 4, 3))


@pytest.mark.parametrize("provenance", [None, PROVENANCE])
def test_a_png_keeps_every_pixel(provenance: Provenance | None) -> None:
    pixels = noise(9, 7, 3)
    with Image.open(io.BytesIO(encode_png(pixels, provenance))) as image:
        assert np.array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize("recipe", ["dcgan-64", "mine, <b>&amp;</b>", "顔-64 \N{GRINNING FACE}"])
def test_provenance_is_read_back(tmp_path: Path, recipe: str) -> None:
    written = Provenance("strangers <&> 0.1.0", "00ff", "3,1,2", recipe, 0, 0.1 + 0.2)
    (tmp_path / "face.png").write_bytes(encode_png(noise(4, 4, 3), written))
    assert read_provenance(tmp_path / "face.png") == written
    assert _digital_source_type(tmp_path / "face.png") == GENERATED


def test_a_png_is_marked_as_generated_for_any_program(tmp_path: Path) -> None:
    (tmp_path / "face.png").write_bytes(encode_png(noise(4, 4, 3), PROVENANCE))
    with Image.open(tmp_path / "face.png") as image:
        assert image.info["Software"] == "strangers 0.1.0"
        assert image.info["Seeds"] == PROVENANCE.seeds
    assert _digital_source_type(tmp_path / "face.png").endswith("/trainedAlgorithmicMedia")


def _digital_source_type(path: Path) -> str:
    with Image.open(path) as image:
        packet = image.info["XML:com.adobe.xmp"]
    assert packet.startswith('<?xpacket begin="\ufeff"')
    namespace = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
    (found,) = ElementTree.fromstring(packet).iter(f"{namespace}DigitalSourceType")
    return str(found.text)


def test_a_picture_without_provenance_raises_an_error(tmp_path: Path) -> None:
    (tmp_path / "plain.png").write_bytes(encode_png(noise(4, 4, 3)))
    with pytest.raises(DataError, match="has no provenance"):
        read_provenance(tmp_path / "plain.png")


def test_a_file_that_is_not_a_picture_raises_an_error(tmp_path: Path) -> None:
    (tmp_path / "page.png").write_text("<!doctype html>")
    with pytest.raises(DataError, match="cannot be read as a picture"):
        read_provenance(tmp_path / "page.png")
    with pytest.raises(DataError, match="no picture at"):
        read_provenance(tmp_path / "absent.png")


def _played(data: bytes) -> list[tuple[Pixels, int]]:
    """Each stored frame with its milliseconds."""
    with Image.open(io.BytesIO(data)) as animation:
        frames = []
        for position in range(getattr(animation, "n_frames", 1)):
            animation.seek(position)
            animation.load()  # the duration is known only now
            frames.append((np.asarray(animation.convert("RGB")), int(animation.info["duration"])))
        return frames


def test_an_animation_shows_every_frame_in_order() -> None:
    # Smooth frames: lossy WebP keeps them to a few levels.
    frames = [np.full((32, 48, 3), 20 * step, dtype=np.uint8) for step in range(10)]
    played = _played(encode_animation(frames, 0.25))
    assert [milliseconds for _, milliseconds in played] == [250] * 10
    for (shown, _), frame in zip(played, frames, strict=True):
        assert np.abs(shown.astype(int) - frame).max() <= 4


def test_an_animation_loops_forever() -> None:
    with Image.open(io.BytesIO(encode_animation([noise(8, 8, 3), noise(8, 8, 3) // 2], 1))) as animation:
        assert animation.info["loop"] == 0


def test_equal_frames_are_shown_for_as_long_as_all_of_them() -> None:
    one, other = noise(16, 16, 3), 255 - noise(16, 16, 3)
    played = _played(encode_animation([one, one, one, other, other, one], 0.2))
    assert [milliseconds for _, milliseconds in played] == [600, 400, 200]


@pytest.mark.parametrize("frames", [[], [noise(4, 4, 3), noise(4, 5, 3)]])
def test_an_empty_animation_or_one_of_two_sizes_is_refused(frames: list[Pixels]) -> None:
    with pytest.raises(ValueError, match="at least one frame, and all frames must have one size"):
        encode_animation(frames, 0.2)


def test_pictures_can_be_written_without_torch() -> None:
    code = "import sys, strangers.images, strangers.sampling.latents; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("seeds", ["3-4", ""])
def test_changes_of_latents_are_read_back(tmp_path: Path, seeds: str) -> None:
    expected = replace(PROVENANCE, seeds=seeds, latents="Smiling -2..2")
    (tmp_path / "face.png").write_bytes(encode_png(noise(8, 8, 3), expected))
    assert read_provenance(tmp_path / "face.png") == expected


def test_a_picture_that_breaks_the_decoder_raises_an_error(tmp_path: Path) -> None:
    for name, data in {"webp": encode_animation([noise(8, 8, 3)], 1), "ppm": b"P6 9"}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DataError, match="cannot be read as a picture"):
            read_provenance(tmp_path / name)
    png = encode_png(noise(8, 8, 3), PROVENANCE)
    (tmp_path / "png").write_bytes(png[:20] + bytes(4) + png[24:])
    with pytest.raises(DataError, match="cannot be read as a picture"):
        read_provenance(tmp_path / "png")
