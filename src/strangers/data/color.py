"""Convert decoded pictures to 8-bit sRGB: color profiles and code points, deep grays, transparency."""

from __future__ import annotations

import struct
from functools import lru_cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from strangers.errors import DataError

MAX_PROFILE_BYTES = 2**23
"""Bytes of an embedded profile; those of printers have two million."""

MAX_IDENTITY_ERROR = 1
"""Levels of 255. A profile that changes no color by more is sRGB, and is not applied."""

PNG_GAMMA = 1 / 2.2
"""The exponent that PNG files declare for sRGB pixels (PNG specification, 11.3.2.2)."""

TO_SRGB_PRIMARIES = {
    9: ((1.660491, -0.587641, -0.072850), (-0.124550, 1.132900, -0.008349), (-0.018151, -0.100579, 1.118730)),
    12: ((1.224940, -0.224940, 0), (-0.042057, 1.042057, 0), (-0.019638, -0.078636, 1.098274)),
}
"""Linear light of BT.2020 and Display P3 to that of sRGB, by ITU-T H.273's numbers of color primaries."""

TRANSFER_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
HDR_TRANSFERS = {16: "PQ", 18: "HLG"}
"""Transfer characteristics of ITU-T H.273 that are not sRGB's; viewers show those of video as sRGB's."""

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
    if "code_points" in picture.info:
        return _apply_code_points(picture.convert("RGB"), *picture.info["code_points"])
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
    return picture.point(_encoded(light).astype(int).tolist() * 3)


def code_points(data: bytes, has_profile: bool) -> tuple[int, int] | None:
    """Return (color primaries, transfer characteristics) that a PNG, AVIF or HEIC declares (ITU-T H.273).

    None where it declares none or those of sRGB, and where a profile in an AVIF or a HEIC takes their place.
    """
    found = (1, 13)
    if data.startswith(b"\x89PNG"):
        at = data.find(b"\0\0\0\4cICP", 0, max(0, data.find(b"IDAT")))
        found = found if at < 0 else (data[at + 8], data[at + 9])
    elif data[4:8] == b"ftyp" and not has_profile:
        at = data.find(b"colrnclx")
        found = found if at < 0 else struct.unpack_from(">HH", data.ljust(at + 12), at + 8)
    primaries, transfer = found
    unlike = primaries in TO_SRGB_PRIMARIES or transfer in TRANSFER_GAMMAS or transfer in HDR_TRANSFERS
    return found if unlike else None


def _apply_code_points(picture: Image.Image, primaries: int, transfer: int) -> Image.Image:
    """Convert RGB to sRGB by the primaries and the transfer characteristics of its file."""
    if transfer in HDR_TRANSFERS:
        raise DataError(f"high dynamic range ({HDR_TRANSFERS[transfer]}); export it for ordinary screens")
    levels = np.arange(256) / 255
    gamma = TRANSFER_GAMMAS.get(transfer)
    # The inverse of the sRGB transfer function (IEC 61966-2-1).
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    light = linear[np.asarray(picture)] if gamma is None else (levels**gamma)[np.asarray(picture)]
    if primaries in TO_SRGB_PRIMARIES:
        light = light @ np.array(TO_SRGB_PRIMARIES[primaries]).T
    return Image.fromarray(_encoded(light.clip(0, 1)))


def _encoded(light: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the levels of linear light in [0, 1] by the sRGB transfer function (IEC 61966-2-1)."""
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (255 * encoded).round().astype(np.uint8)


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
