"""Pixels are sRGB, whatever profile, depth or transparency a photograph has."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, features

from strangers.data import color
from strangers.data.decode import decode
from strangers.errors import DataError

Encode = Callable[..., bytes]

SEEN = (230, 60, 50)
"""The color that every viewer shows, inside Display P3 and inside sRGB."""

P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
"""Display P3's red, green and blue in XYZ, adapted to D50."""


def number(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def gamma(exponent: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(exponent * 256)) + b"\0\0"


def xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(number, values))


def profile(kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Return an ICC profile (ICC.1:2001) of a class, a color space and a connection space."""
    text = b"made for a test\0"
    described = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78)
    tags = {b"desc": described, b"cprt": b"text\0\0\0\0none\0", b"wtpt": xyz((0.9642, 1, 0.8249))} | tags
    table, data = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        padded = value + bytes(-len(value) % 4)
        table += name + struct.pack(">II", 132 + 12 * len(tags) + len(data), len(value))
        data += padded
    head = struct.pack(">I", 128 + len(table) + len(data)) + bytes(4) + b"\x02\x10\0\0" + kind + space
    head += connection + struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += b"".join(map(number, (0.9642, 1, 0.8249)))
    return head.ljust(128, b"\0") + table + data


def rgb_profile(exponent: float = 2.2) -> bytes:
    primaries = {name: xyz(value) for name, value in zip((b"rXYZ", b"gXYZ", b"bXYZ"), P3, strict=True)}
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), gamma(exponent))
    return profile(b"mntr", b"RGB ", b"XYZ ", primaries | curves)


def gray_profile(exponent: float) -> bytes:
    return profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": gamma(exponent)})


def cmyk_profile() -> bytes:
    """Return a printer whose four inks all print the same gray: L* falls by 25 for each full ink."""
    ramp = bytes(range(256))
    inks = [(c, m, y, k) for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)]
    grid = bytes(value for ink in inks for value in (round(2.55 * (100 - 25 * sum(ink))), 128, 128))
    identity = b"".join(map(number, (1, 0, 0, 0, 1, 0, 0, 0, 1)))
    table = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + identity + 4 * ramp + grid + 3 * ramp
    return profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table})


def middle(data: bytes) -> tuple[int, ...]:
    """Return the color in the middle of the photograph in `data`."""
    pixels = decode(data)
    return tuple(map(int, pixels[len(pixels) // 2, pixels.shape[1] // 2]))


def near(found: tuple[int, ...], expected: tuple[int, ...], tolerance: int = 4) -> bool:
    return bool(np.abs(np.subtract(found, expected)).max() <= tolerance)


@pytest.fixture(scope="module")
def wide() -> Image.Image:
    """A picture that shows SEEN when its pixels are read as Display P3."""
    seen = Image.new("RGB", (32, 32), SEEN)
    source = ImageCms.ImageCmsProfile(io.BytesIO(rgb_profile()))
    converted = ImageCms.profileToProfile(seen, ImageCms.createProfile("sRGB"), source)
    assert converted is not None
    return converted


KINDS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "PNG": {},
    "WEBP": {"lossless": True},
    "TIFF": {},
    "AVIF": {"quality": 95, "subsampling": "4:4:4"},
    "HEIF": {"quality": 95, "chroma": 444},
}


def require(kind: str) -> None:
    """Skip the test where this installation cannot write a format."""
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")


@pytest.mark.parametrize("kind", KINDS)
def test_an_embedded_profile_is_applied_in_every_format(
    wide: Image.Image, encoded: Encode, kind: str
) -> None:
    require(kind)
    stored = wide.getpixel((0, 0))
    assert isinstance(stored, tuple)
    assert not near(stored, SEEN, 10)
    assert near(middle(encoded(wide, kind, icc_profile=rgb_profile(), **KINDS[kind])), SEEN)


def with_chunk(png: bytes, name: bytes, content: bytes) -> bytes:
    """The PNG with a chunk after its header."""
    chunk = name + content
    crc = struct.pack(">I", zlib.crc32(chunk))
    return png[:33] + struct.pack(">I", len(content)) + chunk + crc + png[33:]


def test_code_points_of_a_png_are_applied_and_those_of_srgb_change_nothing(
    wide: Image.Image, encoded: Encode
) -> None:
    stored = encoded(wide, "PNG")
    assert near(middle(with_chunk(stored, b"cICP", bytes((12, 13, 0, 1)))), SEEN, 6)
    for points in ((1, 13), (2, 2), (1, 1), (99, 13)):
        assert middle(with_chunk(stored, b"cICP", bytes((*points, 0, 1)))) == middle(stored)
    gray = encoded(Image.new("RGB", (16, 16), (100, 100, 100)), "PNG")
    for primaries in (9, 12):
        assert near(middle(with_chunk(gray, b"cICP", bytes((primaries, 13, 0, 1)))), (100, 100, 100), 1)
    linear = round(255 * (1.055 * (100 / 255) ** (1 / 2.4) - 0.055))
    assert near(middle(with_chunk(gray, b"cICP", bytes((1, 8, 0, 1)))), 3 * (linear,), 1)


def test_code_points_take_the_place_of_a_profile_in_a_png(wide: Image.Image, encoded: Encode) -> None:
    stored = encoded(wide, "PNG", icc_profile=rgb_profile(1.0))
    assert near(middle(with_chunk(stored, b"cICP", bytes((12, 13, 0, 1)))), SEEN, 6)


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_code_points_of_phones_are_applied_where_there_is_no_profile(
    wide: Image.Image, encoded: Encode, kind: str
) -> None:
    require(kind)
    head = encoded(wide, kind, **KINDS[kind])
    points = b"colrnclx" + struct.pack(">HHHB", 12, 13, 6, 128)
    at = head.find(b"colrnclx")
    if at < 0:
        pytest.skip("this writer states no code points")
    data = head[:at] + points[:12] + head[at + 12 :]
    assert near(middle(data), SEEN, 8)
    assert color.code_points(data, has_profile=True) is None


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_high_dynamic_range_is_refused_by_name(encoded: Encode, transfer: int, name: str) -> None:
    data = with_chunk(encoded(Image.new("RGB", (16, 16)), "PNG"), b"cICP", bytes((9, transfer, 0, 1)))
    with pytest.raises(DataError, match=rf"high dynamic range \({name}\)"):
        decode(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_a_gray_photograph_is_converted_by_its_gray_profile(encoded: Encode, kind: str) -> None:
    data = encoded(Image.new("L", (16, 16), 100), kind, icc_profile=gray_profile(1.0))
    linear = 100 / 255
    assert near(middle(data), 3 * (round(255 * (1.055 * linear ** (1 / 2.4) - 0.055)),))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_grays_of_an_rgb_profile_stay_neutral(encoded: Encode, kind: str) -> None:
    found = middle(encoded(Image.new("L", (16, 16), 100), kind, icc_profile=rgb_profile(1.0)))
    assert max(found) - min(found) <= 1
    assert found[0] > 160


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
@pytest.mark.parametrize(("inks", "lightness"), [((0, 0, 0, 0), 100), ((255, 0, 0, 255), 50)])
def test_inks_are_converted_by_their_profile(
    encoded: Encode, kind: str, inks: tuple[int, ...], lightness: int
) -> None:
    options = {"quality": 95} if kind == "JPEG" else {}
    data = encoded(Image.new("CMYK", (16, 16), inks), kind, icc_profile=cmyk_profile(), **options)
    luminance = ((lightness + 16) / 116) ** 3
    gray = 1.055 * luminance ** (1 / 2.4) - 0.055
    assert near(middle(data), 3 * (round(255 * gray),), 6)


def test_transparent_pictures_are_converted_before_they_are_blended(
    wide: Image.Image, encoded: Encode
) -> None:
    layer = wide.convert("RGBA")
    layer.putalpha(128)
    blended = tuple(round((level * 128 + 255 * 127) / 255) for level in SEEN)
    assert near(middle(encoded(layer, "PNG", icc_profile=rgb_profile())), blended)


def test_a_palette_is_converted_too(wide: Image.Image, encoded: Encode) -> None:
    assert near(middle(encoded(wide.quantize(2), "PNG", icc_profile=rgb_profile())), SEEN)


def test_a_profile_is_applied_in_strips_as_in_one_piece(
    encoded: Encode, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (37, 23, 3), np.uint8))
    data = encoded(noise, "PNG", icc_profile=rgb_profile())
    whole = decode(data)
    assert np.abs(whole.astype(int) - np.asarray(noise)).max() > 20
    monkeypatch.setattr("strangers.data.decode.STRIP_PIXELS", 100)
    np.testing.assert_array_equal(decode(data), whole)


@pytest.mark.parametrize("embedded", [
    ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    b"", b"no profile", rgb_profile()[:200], gray_profile(1.0), cmyk_profile(),
], ids=["sRGB", "empty", "broken", "cut", "of grays", "of inks"])  # fmt: skip
def test_srgb_and_profiles_that_do_not_fit_change_no_pixel(encoded: Encode, embedded: bytes) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8))
    for kind in ("PNG", "JPEG"):
        np.testing.assert_array_equal(
            decode(encoded(noise, kind, icc_profile=embedded)), decode(encoded(noise, kind))
        )


def test_a_huge_profile_is_refused(encoded: Encode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(color, "MAX_PROFILE_BYTES", 100)
    with pytest.raises(DataError, match=r"color profile of [0-9]+ bytes is too large"):
        decode(encoded(Image.new("RGB", (8, 8)), "PNG", icc_profile=rgb_profile()))


def test_lab_pictures_are_converted(encoded: Encode) -> None:
    lab = ImageCms.profileToProfile(
        Image.new("RGB", (16, 16), SEEN), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"),
        outputMode="LAB",
    )  # fmt: skip
    assert lab is not None
    assert near(middle(encoded(lab, "TIFF")), SEEN)


def test_the_gamma_of_a_png_is_applied_where_it_is_not_that_of_srgb(encoded: Encode) -> None:
    png = encoded(Image.new("RGB", (8, 8), (100, 100, 100)), "PNG")

    def declared(exponent: float) -> bytes:
        chunk = b"gAMA" + struct.pack(">I", round(100_000 * exponent))
        return png[:33] + struct.pack(">I", 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) + png[33:]

    assert middle(declared(1 / 2.2)) == (100, 100, 100)
    assert near(middle(declared(1.0)), (168, 168, 168), 1)


def gray_tiff(levels: NDArray[Any], bits: int, *, white_is_zero: bool = False, signed: bool = False) -> bytes:
    """Return a TIFF of one gray channel, little-endian; levels (h, w) of the bits' own type."""
    height, width = levels.shape
    data = _pack_12(levels) if bits == 12 else levels.tobytes()
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, 0 if white_is_zero else 1), (273, 8),
            (277, 1), (278, height), (279, len(data)), (339, 2 if signed else 1)]  # fmt: skip
    directory = struct.pack("<H", len(tags))
    directory += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory + bytes(4)


def _pack_12(levels: NDArray[Any]) -> bytes:
    first, second = levels.reshape(-1, 2).astype(int).T
    return np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], 1).astype(np.uint8).tobytes()


@pytest.mark.parametrize(("bits", "kind"), [(12, "<u2"), (16, "<u2"), (32, "<u4")])
def test_deep_grays_keep_their_upper_eight_bits(bits: int, kind: str) -> None:
    ramp = np.arange(256, dtype=np.int64).reshape(16, 16)
    deep = (ramp << (bits - 8)).astype(kind)
    assert np.array_equal(decode(gray_tiff(deep, bits))[..., 0], ramp)


def test_deep_grays_whose_zero_is_white_are_inverted() -> None:
    ramp = np.arange(256, dtype=np.int64).reshape(16, 16)
    deep = (ramp << 8).astype("<u2")
    assert np.array_equal(decode(gray_tiff(deep, 16, white_is_zero=True))[..., 0], 255 - ramp)


@pytest.mark.parametrize(("bits", "kind"), [(16, "<i2"), (32, "<i4")])
def test_signed_grays_are_refused(bits: int, kind: str) -> None:
    with pytest.raises(DataError, match="signed pixels of unknown range"):
        decode(gray_tiff(np.zeros((8, 8), kind), bits, signed=True))
