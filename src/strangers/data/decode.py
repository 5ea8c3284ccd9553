"""Turn the bytes of one photograph into the pixels of one image: decode, crop, antialiased resize.

Pixels are 8-bit sRGB, and upright. Every reader of photographs uses `decode` and `image_of`: `prepare`, and
through it training, evaluation and `explore`; `invert`; and the page.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from io import BytesIO
from typing import NamedTuple

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError, features

from strangers.data.color import code_points, to_srgb
from strangers.data.crops import Crop
from strangers.errors import DataError

Pixels = NDArray[np.uint8]

FILTER = "bicubic"
"""The name of the only resize filter, antialiased, as prepared sets record it."""

DECODER_VERSION = 2
"""Version of the conversion from bytes to pixels; sets in the cache from another one are prepared again."""

MAX_PIXELS = 2**26
"""Pixels of a photograph: 67 million, 8192 x 8192."""

MAX_SIDE = 2**16
"""Width and height in pixels; resizing a line of 67 million takes seconds and a gigabyte."""

MAX_SCANNED_PIXELS = 10 * MAX_PIXELS
"""Pixels in all scans of a progressive JPEG; photographs have at most ten scans."""

MAX_PLAIN_TEXT_BYTES = 2**22
"""Bytes of a plain-text picture (P1, P2, P3), which Pillow reads a hundred times slower."""

STRIP_PIXELS = 2**22
"""Pixels that are converted at a time."""

PILLOW_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")

METADATA = (b"Exif\0", b"ICC_PROFILE\0", b"http://ns.adobe.com/xap/")
"""Marks of the JPEG segments that may turn a photograph, or give it other colors than sRGB."""

UNSUPPORTED = {
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"8BPS": "Photoshop",
    b"\0\0\0\x18ftypcrx ": "camera raw (CR3)",
    b"FUJIFILMCCD-RAW": "camera raw (RAF)",
}
"""First bytes of formats that photographs have and that are not read."""

HEIF_BRANDS = {
    "AVIF": {b"avif", b"avis"},
    "HEIC": {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"},
}
"""Brands in the first box of the files that phones write (ISO/IEC 23008-12; AV1 Image File Format)."""

EXIF_ORIENTATION = 0x0112
TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""Exif orientation -> the change that makes the photograph upright."""

TIFF_REDUCED, TIFF_DNG_VERSION = 254, 50706
"""TIFF 6.0: NewSubfileType (bit 0: a reduced version); DNG: the tag that every DNG has."""


class Face(NamedTuple):
    """The image of one photograph: pixels, uint8 (size, size, 3); width and height of the photograph."""

    pixels: Pixels
    width: int
    height: int


def face(data: bytes, size: int, crop: Crop) -> Face:
    """Decode the photograph in `data`, crop and resize it to `size` x `size` pixels.

    Raises DataError with the reason (a clause, for the list of skipped files) if `data` is not a complete
    image or the crop does not apply to it.
    """
    photograph = decode(data)
    height, width = photograph.shape[:2]
    return Face(image_of(photograph, size, crop), width, height)


def image_of(photograph: Pixels, size: int, crop: Crop) -> Pixels:
    """Crop and resize a photograph, uint8 (height, width, 3), to (size, size, 3). Raises as `face` does."""
    height, width = photograph.shape[:2]
    left, top, right, bottom = crop.box(width, height)
    return resize(photograph[top:bottom, left:right], size)


def resize(pixels: Pixels, size: int) -> Pixels:
    """Resize pixels (height, width, 3) to (size, size, 3) with the antialiased bicubic filter.

    On photographs the result is within two levels of 255 of Pillow's `resize((size, size), BICUBIC)`, and
    equal in more than 99 % of values: torch's weights have 16 bits and Pillow's 22, but torch takes a third
    of the time.
    """
    # Imported here, so that prepared sets are read without torch.
    import torch

    picture = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    small = torch.nn.functional.interpolate(picture, (size, size), mode="bicubic", antialias=True)
    resized: Pixels = small[0].permute(1, 2, 0).contiguous().numpy()
    return resized


def decode(data: bytes) -> Pixels:
    """Decode the photograph in `data`, upright and in sRGB, as uint8 (height, width, 3).

    Raises DataError as `face` does.
    """
    if not data:
        raise DataError("the file is empty")
    if data.startswith((b"P1", b"P2", b"P3")) and len(data) > MAX_PLAIN_TEXT_BYTES:
        raise DataError(f"too large for plain text; at most {MAX_PLAIN_TEXT_BYTES} bytes are read")
    if not data.startswith(b"\xff\xd8\xff"):
        return _decode_with_pillow(data)
    pixels = _decode_jpeg(data)
    if pixels is None or any(mark in data for mark in METADATA):
        return _decode_with_pillow(data, pixels)
    return pixels


@lru_cache(maxsize=1)
def optional_formats() -> tuple[str, ...]:
    """Return the formats that this installation reads beside PILLOW_FORMATS: "AVIF", "HEIF", or both."""
    found = ["AVIF"] if features.check("avif") else []
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return tuple(found)
    register_heif_opener()
    return (*found, "HEIF")


def _decode_jpeg(data: bytes) -> Pixels | None:
    """Decode a JPEG to pixels (height, width, 3), or return None if only Pillow may be able to."""
    try:
        height, width, colors, _ = simplejpeg.decode_jpeg_header(data)
        _check_size(width, height)
        if (scans := data.count(b"\xff\xda")) * width * height > MAX_SCANNED_PIXELS:
            raise DataError(f"{scans} scans of {width}x{height} are too many")
        if colors in {"CMYK", "YCCK"}:
            return None
        pixels: Pixels = simplejpeg.decode_jpeg(data)
        return pixels
    except ValueError as error:
        # Pillow would accept it, and leave the rest gray.
        if "premature end" in str(error).lower():
            raise DataError(f"broken image: {error}") from None
        return None


def _decode_with_pillow(data: bytes, decoded: Pixels | None = None) -> Pixels:
    """Decode by Pillow. With the pixels of a JPEG in `decoded`, only its metadata are read from `data`."""
    kind = _heif_kind(data)
    formats: tuple[str, ...] = PILLOW_FORMATS
    if kind:
        formats = optional_formats()
        _require_reader(kind, formats)
    try:
        with warnings.catch_warnings():
            # Pillow warns about its own limit, which is looser than ours.
            warnings.simplefilter("ignore")
            photograph = Image.open(BytesIO(data), formats=formats)
            _check_size(*photograph.size)
            _refuse_raw(photograph)
            if decoded is None:
                photograph.load()
            points = code_points(data, bool(photograph.info.get("icc_profile")))
            if points is not None:
                photograph.info["code_points"] = points
            return _pixels_of(photograph, decoded)
    except UnidentifiedImageError:
        raise DataError(f"broken {kind} image" if kind else _unsupported(data)) from None
    except Image.DecompressionBombError:
        raise DataError(f"too large; at most {MAX_PIXELS} pixels are decoded") from None
    except DataError:
        raise
    except MemoryError:
        raise DataError("not enough memory to decode it") from None
    # A decoder may raise anything on bytes made to break it.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"broken {kind} image: {reason}" if kind else f"broken image: {reason}") from None


def _pixels_of(photograph: Image.Image, decoded: Pixels | None) -> Pixels:
    """Return the pixels (height, width, 3) upright and in sRGB, converted strip by strip to save memory."""
    orientation = photograph.getexif().get(EXIF_ORIENTATION, 1)
    info, tags = photograph.info, getattr(photograph, "tag_v2", {})
    if decoded is not None:
        gray = photograph.mode == "L"
        photograph = Image.fromarray(np.ascontiguousarray(decoded[..., 0]) if gray else decoded)
    width, height = photograph.size
    pixels = np.empty((height, width, 3), np.uint8)
    rows = max(1, STRIP_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        strip = photograph.crop((0, top, width, bottom))
        strip.info = {**info, "tiff_tags": tags}
        pixels[top:bottom] = np.asarray(to_srgb(strip))
    if orientation in TRANSPOSE:
        pixels = np.array(Image.fromarray(pixels).transpose(TRANSPOSE[orientation]))
    return pixels


def _heif_kind(data: bytes) -> str:
    """Return "AVIF" or "HEIC" if the first box of `data` has such a brand, else ""."""
    if data[4:8] != b"ftyp":
        return ""
    end = min(int.from_bytes(data[:4], "big"), 256)
    # After the major brand come four bytes of a version, then the compatible brands.
    brands = {data[8:12], *(data[start : start + 4] for start in range(16, end, 4))}
    return next((kind for kind, known in HEIF_BRANDS.items() if brands & known), "")


def _require_reader(kind: str, formats: tuple[str, ...]) -> None:
    """Raise DataError with what to install if no installed package reads this kind of file."""
    if kind == "AVIF" and "AVIF" not in formats:
        raise DataError("an AVIF photograph, which needs Pillow 11.3 or newer: pip install --upgrade pillow")
    if kind == "HEIC" and "HEIF" not in formats:
        raise DataError("a HEIC photograph, which needs the extra `photos`: pip install 'strangers[photos]'")


def _refuse_raw(photograph: Image.Image) -> None:
    """Raise DataError for a TIFF whose first picture is only the preview of a camera's raw file."""
    tags = getattr(photograph, "tag_v2", {})
    if TIFF_DNG_VERSION in tags or tags.get(TIFF_REDUCED, 0) & 1:
        raise DataError("a raw file of a camera, which is not read; export it as JPEG, PNG or TIFF")


def _unsupported(data: bytes) -> str:
    """Return the reason why a file that no decoder knows is skipped."""
    for start, kind in UNSUPPORTED.items():
        if data.startswith(start):
            return f"{kind} is not read; export it as JPEG, PNG or TIFF"
    return "not an image in a supported format"


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise DataError(f"{width}x{height} is too large; at most {MAX_PIXELS} pixels are decoded")
