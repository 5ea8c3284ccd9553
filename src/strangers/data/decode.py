"""From the bytes of one photograph to the pixels of one image: decode, crop, antialiased resize."""

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
"""The name of the one resize filter, antialiased, which prepared sets carry."""

MOST_PIXELS = 2**26  # 67 million: 8192 x 8192
MOST_SIDE = 2**16  # pixels: a line of 67 million takes a resize seconds, and a gigabyte

MOST_SCANNED = 10 * MOST_PIXELS
"""Pixels that all scans of a progressive JPEG go over together; photographs have ten scans or fewer."""

MOST_PLAIN = 2**22
"""Bytes of a picture written as plain text (P1, P2, P3), which Pillow reads a hundred times slower."""

STRIP = 2**22
"""Pixels that are taken from Pillow at once."""

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")


def face(data: bytes, size: int, crop: Crop) -> Pixels:
    """The image, uint8 (size, size, 3), of the photograph in `data`.

    Raises DataError with the reason (a clause, for a list of skipped files) if `data` is no whole image or
    does not contain the crop.
    """
    photograph = decode(data)
    left, top, right, bottom = crop.box(photograph.shape[1], photograph.shape[0])
    return resize(photograph[top:bottom, left:right], size)


def resize(pixels: Pixels, size: int) -> Pixels:
    """Pixels (height, width, 3) as (size, size, 3), with the antialiased bicubic filter.

    On photographs within two levels of 255 of Pillow's `resize((size, size), BICUBIC)`, and equal to it in
    more than 99 % of values: torch's weights have 16 bits, Pillow's 22, and torch takes a third of the time.
    """
    import torch  # here, for whoever only reads prepared sets does without it

    picture = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    small = torch.nn.functional.interpolate(picture, (size, size), mode="bicubic", antialias=True)
    resized: Pixels = small[0].permute(1, 2, 0).contiguous().numpy()
    return resized


def dimensions(data: bytes) -> tuple[int, int]:
    """(width, height) of the photograph in `data`, the right way up. Raises DataError as `face` does."""
    photograph = decode(data)
    return photograph.shape[1], photograph.shape[0]


def decode(data: bytes) -> Pixels:
    """The photograph in `data`, the right way up, uint8 (height, width, 3).

    Raises DataError as `face` does.
    """
    if not data:
        raise DataError("the file is empty")
    if data.startswith((b"P1", b"P2", b"P3")) and len(data) > MOST_PLAIN:
        raise DataError(f"absurdly large for plain text; at most {MOST_PLAIN} bytes are read")
    pixels = _decode_jpeg(data) if data.startswith(b"\xff\xd8\xff") else None
    if pixels is None or b"Exif\0" in data:  # which may say that the photograph must be turned
        return _decode_with_pillow(data)
    return pixels


def _decode_jpeg(data: bytes) -> Pixels | None:
    """The pixels (height, width, 3) of a JPEG; None if this decoder cannot read it, though Pillow may."""
    try:
        height, width, colors, _ = simplejpeg.decode_jpeg_header(data)
        _check_size(width, height)
        if (scans := data.count(b"\xff\xda")) * width * height > MOST_SCANNED:
            raise DataError(f"{scans} scans of {width}x{height} are absurdly many")
        if colors in {"CMYK", "YCCK"}:
            return None
        pixels: Pixels = simplejpeg.decode_jpeg(data)
        return pixels
    except ValueError as error:
        if "premature end" in str(error).lower():  # Pillow would take it, and leave the rest gray
            raise DataError(f"broken image: {error}") from None
        return None


def _decode_with_pillow(data: bytes) -> Pixels:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow about its own bounds: ours is tighter
            photograph = Image.open(BytesIO(data), formats=FORMATS)
            _check_size(*photograph.size)
            photograph.load()
            ImageOps.exif_transpose(photograph, in_place=True)
            return _pixels_of(photograph)
    except UnidentifiedImageError:
        raise DataError("not an image of a known kind") from None
    except Image.DecompressionBombError:
        raise DataError(f"absurdly large; at most {MOST_PIXELS} pixels are decoded") from None
    except DataError:
        raise
    except MemoryError:
        raise DataError("there is too little memory to decode it") from None
    except Exception as error:  # a decoder may raise anything on bytes made to break it
        raise DataError(f"broken image: {' '.join(str(error).split()) or type(error).__name__}") from None


def _pixels_of(photograph: Image.Image) -> Pixels:
    """The pixels (height, width, 3) in RGB, strip by strip: as a whole, each step were a copy more."""
    width, height = photograph.size
    pixels = np.empty((height, width, 3), np.uint8)
    rows = max(1, STRIP // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        pixels[top:bottom] = np.asarray(_as_rgb(photograph.crop((0, top, width, bottom))))
    return pixels


def _as_rgb(photograph: Image.Image) -> Image.Image:
    """The photograph in RGB: 16 bits lose their lower 8, what is transparent lies on white."""
    if photograph.mode.startswith("I"):
        gray = np.asarray(photograph) >> 8
        photograph = Image.fromarray(gray.clip(0, 255).astype(np.uint8))
    if photograph.mode == "F":
        raise DataError("floating-point pixels, whose range is not known")
    if photograph.has_transparency_data:
        layer = photograph.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return photograph if photograph.mode == "RGB" else photograph.convert("RGB")


def _check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS or max(width, height) > MOST_SIDE:
        raise DataError(f"{width}x{height} is absurdly large; at most {MOST_PIXELS} pixels are decoded")
