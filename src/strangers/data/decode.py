"""Turn the bytes of one photograph into the pixels of one image: decode, crop, antialiased resize."""

from __future__ import annotations

import warnings
from io import BytesIO

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from strangers.data.crops import Crop
from strangers.errors import DataError

Pixels = NDArray[np.uint8]

FILTER = "bicubic"
"""The name of the only resize filter, antialiased, as prepared sets record it."""

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


def face(data: bytes, size: int, crop: Crop) -> Pixels:
    """Return the image, uint8 (size, size, 3), of the photograph in `data`.

    Raises DataError with the reason (a clause, for the list of skipped files) if `data` is not a complete
    image or does not contain the crop.
    """
    photograph = decode(data)
    left, top, right, bottom = crop.box(photograph.shape[1], photograph.shape[0])
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


def dimensions(data: bytes) -> tuple[int, int]:
    """Return (width, height) of the upright photograph in `data`. Raises DataError as `face` does."""
    photograph = decode(data)
    return photograph.shape[1], photograph.shape[0]


def decode(data: bytes) -> Pixels:
    """Decode the photograph in `data` upright, as uint8 (height, width, 3).

    Raises DataError as `face` does.
    """
    if not data:
        raise DataError("the file is empty")
    if data.startswith((b"P1", b"P2", b"P3")) and len(data) > MAX_PLAIN_TEXT_BYTES:
        raise DataError(f"too large for plain text; at most {MAX_PLAIN_TEXT_BYTES} bytes are read")
    pixels = _decode_jpeg(data) if data.startswith(b"\xff\xd8\xff") else None
    # Exif may say that the photograph must be turned.
    if pixels is None or b"Exif\0" in data:
        return _decode_with_pillow(data)
    return pixels


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


def _decode_with_pillow(data: bytes) -> Pixels:
    try:
        with warnings.catch_warnings():
            # Pillow warns about its own limit, which is looser than ours.
            warnings.simplefilter("ignore")
            photograph = Image.open(BytesIO(data), formats=PILLOW_FORMATS)
            _check_size(*photograph.size)
            photograph.load()
            ImageOps.exif_transpose(photograph, in_place=True)
            return _pixels_of(photograph)
    except UnidentifiedImageError:
        raise DataError("not an image in a supported format") from None
    except Image.DecompressionBombError:
        raise DataError(f"too large; at most {MAX_PIXELS} pixels are decoded") from None
    except DataError:
        raise
    except MemoryError:
        raise DataError("not enough memory to decode it") from None
    # A decoder may raise anything on bytes made to break it.
    except Exception as error:
        raise DataError(f"broken image: {' '.join(str(error).split()) or type(error).__name__}") from None


def _pixels_of(photograph: Image.Image) -> Pixels:
    """Return the pixels (height, width, 3) in RGB, converted strip by strip to save memory."""
    width, height = photograph.size
    pixels = np.empty((height, width, 3), np.uint8)
    rows = max(1, STRIP_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        pixels[top:bottom] = np.asarray(_as_rgb(photograph.crop((0, top, width, bottom))))
    return pixels


def _as_rgb(photograph: Image.Image) -> Image.Image:
    """Convert to RGB: 16 bits lose their lower 8, and transparent pixels are blended with white."""
    if photograph.mode.startswith("I"):
        gray = np.asarray(photograph) >> 8
        photograph = Image.fromarray(gray.clip(0, 255).astype(np.uint8))
    if photograph.mode == "F":
        raise DataError("floating-point pixels of unknown range")
    if photograph.has_transparency_data:
        layer = photograph.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return photograph if photograph.mode == "RGB" else photograph.convert("RGB")


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise DataError(f"{width}x{height} is too large; at most {MAX_PIXELS} pixels are decoded")
