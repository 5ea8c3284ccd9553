"""Convert decoded pictures to 8-bit sRGB: embedded color profiles, 16- and 32-bit grays, transparency."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

from strangers.errors import DataError

MAX_PROFILE_BYTES = 2**23
"""Bytes of an embedded profile; those of printers have two million."""

MAX_IDENTITY_ERROR = 1
"""Levels of 255. A profile that changes no color by more is sRGB, and is not applied."""

PNG_GAMMA = 1 / 2.2
"""The exponent that PNG files declare for sRGB pixels (PNG specification, 11.3.2.2)."""

TIFF_BITS, TIFF_PHOTOMETRIC, TIFF_SAMPLE_FORMAT = 258, 262, 339
"""TIFF 6.0: BitsPerSample, PhotometricInterpretation (0: white is zero), SampleFormat (2: signed)."""


def to_srgb(picture: Image.Image) -> Image.Image:
    """Convert a picture, or a strip of one, to RGB in sRGB; transparent pixels are blended with white.

    Raises DataError for pixels whose meaning is unknown.
    """
    if picture.mode.startswith("I"):
        picture = _eight_bit_gray(picture)
    if picture.mode == "F":
        raise DataError("floating-point pixels of unknown range")
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        layer.info.pop("transparency", None)
        color = _apply_profile(layer.convert("RGB"))
        color.putalpha(layer.getchannel("A"))
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), color).convert("RGB")
    return _apply_profile(picture)


def _apply_profile(picture: Image.Image) -> Image.Image:
    """Convert an opaque picture to sRGB by its profile; without one, its colors are sRGB already."""
    profile = picture.info.get("icc_profile")
    if picture.mode == "LAB":
        return _transformed(picture, _from_lab())
    if picture.mode not in ("L", "RGB", "CMYK"):
        picture = picture.convert("RGB")
    if not profile:
        return _apply_gamma(picture.convert("RGB"))
    if len(profile) > MAX_PROFILE_BYTES:
        raise DataError(f"its color profile of {len(profile)} bytes is too large")
    space = _color_space(profile)
    if space == "RGB":
        # Grays with an RGB profile are its neutral colors.
        picture = picture.convert("RGB")
    if {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}.get(space) != picture.mode:
        # A profile of other channels cannot be meant for these pixels; viewers ignore it too.
        return picture.convert("RGB")
    return _transformed(picture, _transform(profile, picture.mode))


def _transformed(picture: Image.Image, transform: ImageCms.ImageCmsTransform | None) -> Image.Image:
    if transform is None:
        return picture.convert("RGB")
    converted = ImageCms.applyTransform(picture, transform)
    assert converted is not None
    return converted


@lru_cache(maxsize=16)
def _color_space(profile: bytes) -> str:
    """Return the color space of a profile, such as "RGB" or "GRAY"; "" if it cannot be read."""
    try:
        return str(ImageCms.ImageCmsProfile(BytesIO(profile)).profile.xcolor_space).strip()
    # littleCMS may raise anything on bytes made to break it.
    except Exception:
        return ""


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Build the transform from a profile to sRGB; None for sRGB itself and for a broken profile."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except ImageCms.PyCMSError:
        return None
    return None if mode != "CMYK" and _is_identity(transform, mode) else transform


@lru_cache(maxsize=1)
def _from_lab() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(
        ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
    )


def _is_identity(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Return True if the transform changes no color of a grid by more than MAX_IDENTITY_ERROR."""
    if mode == "L":
        probe = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    else:
        levels = np.linspace(0, 255, 18).astype(np.uint8)
        probe = Image.fromarray(np.stack(np.meshgrid(levels, levels, levels), -1).reshape(18, -1, 3))
    converted = np.asarray(_transformed(probe, transform)).astype(int)
    return int(np.abs(converted - np.asarray(probe.convert("RGB"))).max()) <= MAX_IDENTITY_ERROR


def _apply_gamma(picture: Image.Image) -> Image.Image:
    """Convert to sRGB by the gamma that a PNG without a profile declares, where it is another than sRGB's."""
    gamma = picture.info.get("gamma")
    if not gamma or "srgb" in picture.info or not 0.1 < gamma < 2 or abs(gamma / PNG_GAMMA - 1) < 0.05:
        return picture
    light = (np.arange(256) / 255) ** (1 / gamma)
    # The sRGB transfer function (IEC 61966-2-1).
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return picture.point((255 * encoded).round().astype(int).tolist() * 3)


def _eight_bit_gray(picture: Image.Image) -> Image.Image:
    """Keep the upper 8 bits of a gray picture of 12, 16 or 32 bits. Raises DataError for signed pixels."""
    tags = getattr(picture, "tag_v2", None) or picture.info.get("tiff_tags", {})
    if tags.get(TIFF_SAMPLE_FORMAT, (1,))[0] == 2:
        raise DataError("signed pixels of unknown range")
    bits = tags.get(TIFF_BITS, (16,))[0]
    # Pillow holds 32-bit pixels as signed numbers.
    levels = (np.asarray(picture).astype(np.int64) & 0xFFFFFFFF) >> (bits - 8)
    gray = levels.clip(0, 255).astype(np.uint8)
    if tags.get(TIFF_PHOTOMETRIC, 1) == 0:
        gray = 255 - gray
    converted = Image.fromarray(gray)
    converted.info = picture.info
    return converted
