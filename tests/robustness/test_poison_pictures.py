"""Damaged and malicious pictures are decoded, or refused with an error, soon and in little memory."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from strangers.data.crops import CROPS
from strangers.data.decode import MAX_PIXELS, decode, face
from strangers.errors import DataError
from strangers.images import Provenance, encode_animation, encode_png, read_provenance

from .poison import bent_ones, feed

Trials = Callable[[int, int], range]
Tally = Callable[..., None]

MEMORY = 192
"""MiB that a picture of a few kilobytes may take."""

MOST_MEMORY = 1536
"""MiB that the largest accepted picture needs."""


def encoded(picture: Image.Image, kind: str, **settings: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **settings)
    return file.getvalue()


def valid_pictures() -> dict[str, bytes]:
    """Small pictures of all kinds that are read."""
    slope = np.linspace(0, 255, 40 * 30 * 3).reshape(40, 30, 3).astype(np.uint8)
    colors = Image.fromarray(slope)
    gray, clear, palette = colors.convert("L"), colors.convert("RGBA"), colors.convert("P")
    deep = Image.fromarray(slope[..., 0].astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112] = 6
    several: dict[str, Any] = {"save_all": True, "append_images": [colors.rotate(90)]}
    return {
        "jpeg": encoded(colors, "JPEG"),
        "jpeg, turned": encoded(colors, "JPEG", exif=exif),
        "jpeg, progressive": encoded(colors, "JPEG", progressive=True),
        "jpeg, gray": encoded(gray, "JPEG"),
        "jpeg, cmyk": encoded(colors.convert("CMYK"), "JPEG"),
        "png": encoded(colors, "PNG", exif=exif),
        "png, clear": encoded(clear, "PNG"),
        "png, palette": encoded(palette, "PNG", transparency=3),
        "png, one bit": encoded(gray.convert("1"), "PNG"),
        "png, 16 bit": encoded(deep, "PNG"),
        "png, animated": encoded(colors, "PNG", **several),
        "webp": encoded(colors, "WEBP"),
        "webp, lossless": encoded(clear, "WEBP", lossless=True),
        "webp, animated": encoded(colors, "WEBP", **several),
        "gif": encoded(palette, "GIF"),
        "gif, animated": encoded(palette, "GIF", **several),
        "bmp": encoded(colors, "BMP"),
        "tiff": encoded(colors, "TIFF", exif=exif),
        "tiff, lzw": encoded(clear, "TIFF", compression="tiff_lzw"),
        "tiff, jpeg": encoded(colors, "TIFF", compression="jpeg"),
        "tiff, 16 bit": encoded(deep, "TIFF"),
        "tiff, cmyk": encoded(colors.convert("CMYK"), "TIFF", compression="tiff_adobe_deflate"),
        "ppm": encoded(colors, "PPM"),
        "pgm": encoded(gray, "PPM"),
        "plain": b"P3 3 2 255\n" + b"9 8 7 " * 6,
    }


def test_a_damaged_picture_is_decoded_or_refused(tmp_path: Path, trials: Trials, tally: Tally) -> None:
    crops = [CROPS[name] for name in ("square", "squash", "c108")]

    def swallow(data: bytes) -> None:
        pixels = face(data, 32, crops[len(data) % 3]).pixels
        assert pixels.shape == (32, 32, 3)

    face(valid_pictures()["webp"], 32, crops[0])  # so that what is loaded once is loaded before
    times = trials(300, 20_000)
    fed = feed(bent_ones(valid_pictures(), times, 1), swallow, memory=MEMORY, target=tmp_path)
    tally(f"pictures bent: 25 kinds, {MEMORY} MiB", fed.tried, str(fed))


def test_a_damaged_png_has_its_provenance_or_none(tmp_path: Path, trials: Trials, tally: Tally) -> None:
    origin = Provenance("strangers 0", "0" * 16, "0-3", "tiny", 1000)
    pixels = np.zeros((4, 4, 3), np.uint8)
    valid = {"ours": encode_png(pixels, origin), "webp": encode_animation([pixels, 255 - pixels], 0.1)}
    path = tmp_path / "picture.png"

    def swallow(data: bytes) -> None:
        path.write_bytes(data)
        read_provenance(path)

    times = trials(200, 10_000)
    fed = feed(bent_ones(valid | valid_pictures(), times, 2), swallow, memory=MEMORY, target=tmp_path)
    tally("pictures asked for their origin", fed.tried, str(fed))


def png_of(width: int, height: int, colors: int = 2, content: bytes = b"") -> bytes:
    """A PNG whose header claims a size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colors, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + header
        + chunk(b"IDAT", content or zlib.compress(bytes(9)))
        + chunk(b"IEND", b"")
    )


def jpeg_of(width: int, height: int) -> bytes:
    """A JPEG whose header claims a size."""
    data = bytearray(valid_pictures()["jpeg"])
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def bmp_of(width: int, height: int) -> bytes:
    """A BMP whose header claims a size."""
    fields = (54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + bytes(8) + struct.pack("<IIiiHHIIiiII", *fields)


def gif_of_everything() -> bytes:
    """A GIF that claims the largest size there is."""
    return b"GIF89a\xff\xff\xff\xff\xf0\0\0" + bytes(6) + valid_pictures()["gif"][19:]


def scans(times: int, width: int, height: int) -> bytes:
    """A progressive JPEG that goes over its picture so many times again."""
    data = encoded(Image.new("L", (width, height)), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * times + data[-2:]


def named(colors: str, size: tuple[int, int], kind: str, **settings: Any) -> bytes:
    return encoded(Image.new(colors, size), kind, **settings)


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "png of 60,000 x 60,000": (lambda: png_of(60_000, 60_000), "too large"),
    "png of 2**31 x 2**31": (lambda: png_of(2**31 - 1, 2**31 - 1), "too large|broken|supported format"),
    "png without width": (lambda: png_of(0, 9), "broken|supported format|empty"),
    "jpeg of 60,000 x 60,000": (lambda: jpeg_of(60_000, 60_000), "too large"),
    "jpeg without height": (lambda: jpeg_of(9, 0), "broken|supported format"),
    "gif of 65,535 x 65,535": (
        gif_of_everything, "too large|broken",
    ),
    "bmp of 2**31 x 1": (lambda: bmp_of(2**31 - 1, 1), "too large"),
    "a line of 67 million pixels": (lambda: png_of(2**26, 1), "too large"),
    "a column of 67 million pixels": (lambda: png_of(1, 2**26), "too large"),
    "jpeg of 1,000 scans": (lambda: scans(1_000, 2_000, 2_000), "scans"),
    "16 MB of plain text": (lambda: b"P3 1700 1700 255\n" + b"1 " * (3 * 1700 * 1700), "too large"),
    "floating point": (lambda: named("F", (9, 9), "TIFF"), "floating-point"),
    "svg": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "supported format"),
    "postscript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "supported format"),
    "a text chunk of 64 MB": (lambda: _talkative(), "broken"),
}  # fmt: skip


def _talkative() -> bytes:
    data = valid_pictures()["png"]
    text = b"Comment\0\0" + zlib.compress(bytes(2**26))
    chunk = struct.pack(">I", len(text)) + b"zTXt" + text + struct.pack(">I", zlib.crc32(b"zTXt" + text))
    return data[:33] + chunk + data[33:]


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_at_once(name: str, tmp_path: Path, tally: Tally) -> None:
    make, says = BOMBS[name]
    data = make()

    def swallow(data: bytes) -> None:
        with pytest.raises(DataError, match=says):
            face(data, 32, CROPS["squash"])

    feed([(name, data)], swallow, memory=MEMORY, target=tmp_path)
    tally(f"picture: {name}", 1)


LARGE: dict[str, Callable[[], bytes]] = {
    "png": lambda: named("RGB", (8192, 8192), "PNG", compress_level=1),
    "png, clear": lambda: named("RGBA", (8192, 8192), "PNG", compress_level=1),
    "png, 16 bit": lambda: named("I;16", (8192, 8192), "PNG", compress_level=1),
    "jpeg": lambda: named("RGB", (8192, 8192), "JPEG"),
    "jpeg, progressive": lambda: named("RGB", (8192, 8192), "JPEG", progressive=True),
    "gif": lambda: named("P", (8192, 8192), "GIF"),
    "webp": lambda: named("RGB", (8192, 8192), "WEBP", lossless=True, method=0),
}


def test_the_largest_pictures_fit_the_memory_that_is_stated(
    tmp_path: Path, trials: Trials, tally: Tally
) -> None:
    assert MAX_PIXELS == 8192 * 8192
    pictures = [(name, LARGE[name]()) for name in list(LARGE)[: len(trials(1, len(LARGE)))]]

    def swallow(data: bytes) -> None:
        assert face(data, 32, CROPS["square"]).pixels.shape == (32, 32, 3)

    fed = feed(pictures, swallow, memory=MOST_MEMORY, target=tmp_path, slowest=5)
    assert not fed.refused
    tally(f"pictures of 67 million pixels, {MOST_MEMORY} MiB", fed.tried, str(fed))


def test_an_odd_but_complete_picture_is_decoded() -> None:
    """Trailing bytes, a wrong ending of the name, a turned photograph, frames after the first."""
    valid = valid_pictures()
    for name, data in valid.items():
        pixels = decode(data + b"trailing")
        turned = name in ("jpeg, turned", "png", "tiff")
        size = (2, 3) if name == "plain" else (30, 40) if turned else (40, 30)
        assert pixels.shape == (*size, 3), name
        assert pixels.flags.c_contiguous
