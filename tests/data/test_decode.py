"""Photographs are decoded to the pixels that Pillow gives, or refused with a reason."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from unittest.mock import Mock

import numpy as np
import PIL
import pytest
from numpy.typing import NDArray
from PIL import Image, features
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngInfo

from strangers.data import decode
from strangers.data.crops import CROPS, crop_named
from strangers.errors import DataError

Encode = Callable[..., bytes]


def by_pillow(photograph: Image.Image, crop: str, size: int) -> NDArray[np.uint8]:
    part = photograph.convert("RGB").crop(crop_named(crop).box(*photograph.size))
    return np.asarray(part.resize((size, size), Image.Resampling.BICUBIC))


def nearly_equal(ours: NDArray[np.uint8], pillows: NDArray[np.uint8], share: float = 0.99) -> None:
    """Assert that no value differs by more than two levels of 255, and at least `share` of them by none."""
    assert ours.shape == pillows.shape
    difference = np.abs(ours.astype(int) - pillows)
    assert difference.max() <= 2
    assert (difference == 0).mean() >= share


def decoded(data: bytes) -> NDArray[np.uint8]:
    """Decode the whole photograph, uint8 (height, width, 3)."""
    photograph = decode.decode(data)
    assert photograph.shape[0] == photograph.shape[1]
    return photograph


@pytest.mark.parametrize("crop", CROPS)
@pytest.mark.parametrize("size", [32, 64, 128, 256])
def test_every_crop_and_size_is_pillows_bicubic(
    photographs: list[Image.Image], encoded: Encode, crop: str, size: int
) -> None:
    data = encoded(photographs[size % 7], "PNG")
    nearly_equal(
        decode.face(data, size, crop_named(crop)).pixels, by_pillow(photographs[size % 7], crop, size)
    )


@pytest.mark.parametrize("options", [
    {"quality": 95}, {"quality": 30}, {"subsampling": 0}, {"subsampling": 1}, {"subsampling": 2},
    {"progressive": True}, {"optimize": True}, {"restart_marker_rows": 1},
], ids=str)  # fmt: skip
def test_every_kind_of_jpeg_is_decoded_as_pillow_does(
    photographs: list[Image.Image], encoded: Encode, options: dict[str, int]
) -> None:
    for photograph in photographs[:3]:
        data = encoded(photograph, **options)
        reference = Image.open(BytesIO(data))
        nearly_equal(decode.face(data, 64, CROPS["c178"]).pixels, by_pillow(reference, "c178", 64))


def test_noise_is_resized_as_pillow_does(encoded: Encode) -> None:
    random = np.random.default_rng(1)
    for width, height, size in [(8, 8, 8), (300, 300, 64), (64, 64, 64), (70, 61, 33), (16, 16, 128)]:
        # Bicubic filtering overshoots here, so the result is clipped.
        noise = random.choice(np.array([0, 255], np.uint8), (height, width, 3))
        photograph = Image.fromarray(noise)
        data = encoded(photograph, quality=100, subsampling=0)
        reference = Image.open(BytesIO(data))
        result = decode.face(data, size, CROPS["squash"]).pixels
        nearly_equal(result, by_pillow(reference, "squash", size))


def test_the_image_is_a_new_contiguous_array_of_bytes(
    photographs: list[Image.Image], encoded: Encode
) -> None:
    face = decode.face(encoded(photographs[0]), 64, CROPS["c178"]).pixels
    assert face.dtype == np.uint8
    assert face.shape == (64, 64, 3)
    assert face.flags.c_contiguous


COLORED = (200, 90, 40)


@pytest.fixture
def colored() -> Image.Image:
    """A picture of one color with three different channels."""
    return Image.new("RGB", (16, 16), COLORED)


since_13 = pytest.mark.skipif(
    PIL.__version__ < "13", reason="older versions of Pillow cannot read their own YCbCr TIFFs"
)


@pytest.mark.parametrize(("mode", "kind"), [
    ("RGB", "PNG"), ("RGB", "WEBP"), ("RGB", "BMP"), ("RGB", "TIFF"), ("RGB", "PPM"), ("RGB", "JPEG"),
    ("P", "PNG"), ("P", "GIF"), ("CMYK", "JPEG"), ("CMYK", "TIFF"), ("RGBA", "PNG"),
    pytest.param("YCbCr", "TIFF", marks=since_13),
])  # fmt: skip
def test_colors_survive_every_way_to_store_them(
    colored: Image.Image, encoded: Encode, mode: str, kind: str
) -> None:
    colored = colored.quantize(4) if mode == "P" else colored.convert(mode)
    options = {"lossless": True} if kind == "WEBP" else {}
    pixels = decode.face(encoded(colored, kind, **options), 8, CROPS["square"]).pixels
    assert np.abs(pixels.astype(int) - COLORED).max() <= 4


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_gray_photographs_have_three_equal_channels(encoded: Encode, kind: str) -> None:
    pixels = decode.face(encoded(Image.new("L", (16, 16), 90), kind), 8, CROPS["square"]).pixels
    assert pixels.shape == (8, 8, 3)
    assert np.abs(pixels.astype(int) - 90).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_keep_their_upper_eight(encoded: Encode, kind: str) -> None:
    deep = Image.fromarray(np.full((16, 16), 90 * 256 + 200, np.uint16))
    assert (decoded(encoded(deep, kind)) == 90).all()


def test_black_and_white_without_gray_are_read(encoded: Encode) -> None:
    assert (decoded(encoded(Image.new("1", (16, 16), 1), "PNG")) == 255).all()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_transparent_pixels_are_blended_with_white(encoded: Encode, kind: str) -> None:
    layer = Image.new("RGBA", (16, 16), (0, 0, 0, 0))
    layer.paste((200, 90, 40, 255), (0, 0, 8, 16))
    options = {"lossless": True} if kind == "WEBP" else {}
    pixels = decoded(encoded(layer, kind, **options)).astype(int)
    assert np.abs(pixels[:, :7] - COLORED).max() <= 2
    assert (pixels[:, 9:] == 255).all()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_conversion_in_strips_gives_the_same_pixels(
    kind: str, encoded: Encode, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (37, 37, 4), np.uint8)
    data = encoded(
        Image.fromarray(noise), kind, **({"lossless": True, "exact": True} if kind == "WEBP" else {})
    )
    whole = decoded(data)
    monkeypatch.setattr(decode, "STRIP_PIXELS", 100)
    assert np.array_equal(decoded(data), whole)


def test_a_lack_of_memory_is_not_reported_as_a_broken_photograph(
    encoded: Encode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(self: Image.Image) -> None:
        raise MemoryError

    data = encoded(Image.new("RGB", (9, 9)), "PNG")
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", load)
    with pytest.raises(DataError, match="not enough memory to decode it"):
        decode.decode(data)


def test_a_transparent_palette_color_is_blended_with_white(encoded: Encode) -> None:
    picture = Image.new("P", (16, 16), 0)
    picture.putpalette([0, 0, 0, *COLORED])
    picture.paste(1, (0, 0, 8, 16))
    pixels = decoded(encoded(picture, "PNG", transparency=0))
    assert (pixels[:, :8] == COLORED).all()
    assert (pixels[:, 8:] == 255).all()


def stored_turned(orientation: int) -> Image.Image:
    """Return the picture of `check_upright` as a camera stores it that writes this orientation."""
    upright = Image.new("RGB", (24, 16), "white")
    upright.paste(COLORED, (0, 0, 8, 8))
    turn = Image.Transpose
    undo = {2: turn.FLIP_LEFT_RIGHT, 3: turn.ROTATE_180, 4: turn.FLIP_TOP_BOTTOM, 5: turn.TRANSPOSE,
            6: turn.ROTATE_90, 7: turn.TRANSVERSE, 8: turn.ROTATE_270}  # fmt: skip
    return upright.transpose(undo[orientation]) if orientation in undo else upright


def exif_of(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def check_upright(data: bytes) -> None:
    """Assert that the photograph is 24 x 16 pixels, colored in its upper left corner and white elsewhere."""
    pixels = decode.decode(data).astype(int)
    assert pixels.shape == (16, 24, 3)
    assert np.abs(pixels[1:7, 1:7] - COLORED).max() <= 6
    assert pixels[9:].min() >= 249
    assert pixels[:, 9:].min() >= 249


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("late", [False, True], ids=["first", "behind a long profile"])
def test_a_turned_photograph_is_turned_upright(encoded: Encode, orientation: int, late: bool) -> None:
    data = encoded(stored_turned(orientation), exif=exif_of(orientation), quality=95, subsampling=0)
    if late:
        comment = b"\xff\xfe" + struct.pack(">H", 60_002) + bytes(60_000)
        data = data[:2] + comment + data[2:]
    check_upright(data)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_exif_turns_photographs_of_every_format(encoded: Encode, kind: str, orientation: int) -> None:
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    by_kind: dict[str, dict[str, object]] = {
        "WEBP": {"lossless": True}, "AVIF": {"quality": 100, "subsampling": "4:4:4"},
        "HEIF": {"quality": -1, "chroma": 444},
    }  # fmt: skip
    exif = exif_of(orientation).tobytes()
    check_upright(encoded(stored_turned(orientation), kind, exif=exif, **by_kind.get(kind, {})))


@pytest.mark.parametrize("orientation", [3, 6, 8])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_xmp_turns_photographs_without_exif(encoded: Encode, kind: str, orientation: int) -> None:
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="{orientation}"/>'
        "</rdf:RDF></x:xmpmeta>"
    )
    options: dict[str, object] = {"xmp": packet.encode()}
    if kind == "PNG":
        text = PngInfo()
        text.add_itxt("XML:com.adobe.xmp", packet)
        options = {"pnginfo": text}
    if kind == "TIFF":
        options = {"tiffinfo": {700: packet.encode()}}
    extra: dict[str, dict[str, object]] = {
        "JPEG": {"quality": 95, "subsampling": 0},
        "WEBP": {"lossless": True},
    }
    check_upright(encoded(stored_turned(orientation), kind, **options, **extra.get(kind, {})))


def heic_head() -> bytes:
    """Return the first bytes of a phone's file, and nothing that could be decoded."""
    return b"\0\0\0\x24ftypheic\0\0\0\0mif1heic" + bytes(400)


def test_heic_and_avif_without_a_reader_raise_an_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decode, "optional_formats", lambda: ())
    with pytest.raises(DataError, match=r"HEIC photograph, .* pip install 'strangers\[photos\]'"):
        decode.decode(heic_head())
    with pytest.raises(DataError, match=r"AVIF photograph, .* pip install --upgrade pillow"):
        decode.decode(heic_head().replace(b"heic", b"avif"))


def test_a_broken_heic_file_is_called_one() -> None:
    pytest.importorskip("pillow_heif")
    with pytest.raises(DataError, match=r"^broken HEIC image"):
        decode.decode(heic_head())


@pytest.mark.parametrize(("start", "kind"), [
    (b"\xff\x0a", "JPEG XL"), (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"), (b"8BPS\0\1", "Photoshop"),
    (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "camera raw"),
])  # fmt: skip
def test_other_formats_of_photographs_are_named(start: bytes, kind: str) -> None:
    with pytest.raises(DataError, match=rf"^{kind}.* is not read; export it as JPEG, PNG or TIFF$"):
        decode.decode(start + bytes(200))


@pytest.mark.parametrize("tags", [{254: 1}, {50706: b"\1\4\0\0"}], ids=["reduced", "DNG"])
def test_the_preview_of_a_raw_file_is_not_taken_for_the_photograph(
    encoded: Encode, tags: dict[int, object]
) -> None:
    with pytest.raises(DataError, match="a raw file of a camera"):
        decode.decode(encoded(Image.new("RGB", (16, 12)), "TIFF", tiffinfo=tags))


@pytest.mark.parametrize(
    "metadata", [{}, {"exif": exif_of(6)}, {"icc_profile": b"broken"}], ids=["plain", "turned", "profile"]
)
def test_every_jpeg_is_decoded_once(
    encoded: Encode, metadata: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    import simplejpeg

    data = encoded(Image.new("RGB", (16, 12)), **metadata)
    by_simplejpeg, by_pillow = Mock(side_effect=simplejpeg.decode_jpeg), Mock()
    monkeypatch.setattr(simplejpeg, "decode_jpeg", by_simplejpeg)
    monkeypatch.setattr(JpegImageFile, "load", by_pillow)
    decode.face(data, 8, CROPS["square"])
    assert (by_simplejpeg.call_count, by_pillow.call_count) == (1, 0)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_of_an_animation_is_used(colored: Image.Image, encoded: Encode, kind: str) -> None:
    others = [Image.new("RGB", (16, 16), "blue"), Image.new("RGB", (16, 16), "white")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(colored, kind, save_all=True, append_images=others, **options)
    assert np.abs(decoded(data).astype(int) - COLORED).max() <= 2


def png_header(width: int, height: int) -> bytes:
    """Return a PNG file that claims this size and holds almost nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


def enlarged(data: bytes, width: int, height: int) -> bytes:
    """Return a JPEG whose header claims another size."""
    frame = data.index(b"\xff\xc0")
    return data[: frame + 5] + struct.pack(">HH", height, width) + data[frame + 9 :]


def rescanned(data: bytes, times: int) -> bytes:
    """Return a progressive JPEG whose last scan is repeated `times` more."""
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * times + data[-2:]


def bad_files(photograph: Image.Image, encoded: Encode) -> dict[str, tuple[bytes, str | tuple[str, ...]]]:
    """Return bytes that are not a usable photograph, each with the beginning of the reason."""
    jpeg, png = encoded(photograph), encoded(photograph, "PNG")
    return {
        "empty": (b"", "the file is empty"),
        "text": (b"I am no photograph.", "not an image in a supported format"),
        "page": (b"<!DOCTYPE html><html></html>", "not an image in a supported format"),
        "zeros": (bytes(5000), "not an image in a supported format"),
        "jpeg's first bytes": (jpeg[:3], "not an image in a supported format"),
        "half a jpeg": (jpeg[: len(jpeg) // 2], "broken image: "),
        "nearly a jpeg": (jpeg[:-40], "broken image: "),
        "jpeg's header": (jpeg[: jpeg.index(b"\xff\xda")], ("broken image: ", "not an image")),
        "half a png": (png[: len(png) // 2], "broken image: "),
        "png with a hole": (png[:3000] + bytes(200) + png[3200:], "broken image: "),
        "huge png": (png_header(20_000, 20_000), "too large; at most"),
        "larger png": (png_header(9_000, 9_000), "9000x9000 is too large"),
        "flat png": (png_header(2**31 - 1, 2**31 - 1), "too large; at most"),
        "huge jpeg": (enlarged(jpeg, 60_000, 60_000), "60000x60000 is too large"),
        "large jpeg": (enlarged(jpeg, 5_000, 5_000), "broken image: "),
        "a thin line": (png_header(2**26, 1), "67108864x1 is too large"),
        "thousands of scans": (rescanned(encoded(photograph, progressive=True), 20_000), "200"),
        "plain text": (b"P3 2000 2000 255\n" + b"1 " * 2**21, "too large for plain text"),
        "floating point": (encoded(Image.new("F", (9, 9), 0.5), "TIFF"), "floating-point pixels"),
        "too small": (
            encoded(photograph.resize((177, 218))),
            "177x218 is not 178x218, the size",
        ),
        "unused format": (encoded(photograph, "ICO"), "not an image in a supported format"),
    }


def reason_of(data: bytes) -> str:
    """Return the reason why `data` is refused, or "" if it is accepted."""
    try:
        decode.face(data, 64, CROPS["c178"])
    except DataError as error:
        return str(error)
    return ""


def test_bad_files_are_refused_with_a_reason_of_one_line(
    photographs: list[Image.Image], encoded: Encode
) -> None:
    for name, (data, reason) in bad_files(photographs[0], encoded).items():
        message = reason_of(data)
        assert message.startswith(reason), name
        assert message.isprintable(), name


def test_flipped_bytes_give_a_picture_or_a_data_error(
    photographs: list[Image.Image], encoded: Encode
) -> None:
    random = np.random.default_rng(2)
    for kind in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"):
        data = np.frombuffer(encoded(photographs[1].resize((40, 40)), kind), np.uint8)
        for _ in range(60):
            damaged = data.copy()
            where = random.integers(0, min(len(data), 700), 3)
            damaged[where] = random.integers(0, 256, 3)
            with suppress(DataError):
                assert decode.face(damaged.tobytes(), 16, CROPS["square"]).pixels.shape == (16, 16, 3)
