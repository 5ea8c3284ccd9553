"""Sentences about a prepared set that its user should read: mixed sizes, enlarged pictures, skipped files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from strangers.data.crops import Crop, Size, crop_named, default_crop
from strangers.data.prepared import Manifest, PreparedSet
from strangers.data.skipped import count_reasons, read_skipped, shorten

MAX_NAMED = 5
"""Sizes of photographs, and reasons, that one sentence names."""


def default_crop_of(originals: Mapping[str, int]) -> str:
    """Return the name of the default crop for a set with these originals: see `Manifest.originals`."""
    return default_crop(map(_parse_size, originals))


def notes_on(manifest: Manifest, attributes: NDArray[np.int8] | None) -> list[str]:
    """Return the notes that the manifest of a set records."""
    notes = []
    unknown = 0 if attributes is None else int((attributes == 0).all(1).sum())
    if unknown:
        have = "image has" if unknown == 1 else "images have"
        notes.append(f"{unknown:,} {have} no row in the attribute table.")
    sizes = Counter(manifest.originals).most_common()
    if len(sizes) > 1:
        named = _enumerate([f"{size} ({count:,})" for size, count in sizes], ", ", "sizes")
        notes.append(f"The photographs have {len(sizes):,} sizes: {named}.")
    if manifest.traits:
        return notes + _notes_on_traits(manifest)
    crop = crop_named(manifest.crop)
    small = sum(count for size, count in sizes if _side(crop, _parse_size(size)) < manifest.size)
    if small:
        notes.append(
            f"{small:,} of {manifest.count:,} photographs were enlarged: crop {manifest.crop} takes fewer "
            f"than {manifest.size} px of them."
        )
    return notes


def _notes_on_traits(manifest: Manifest) -> list[str]:
    """Return sentences on enlarged, padded and gray pictures of aligned faces."""
    meanings = {
        "enlarged": f"were enlarged to {manifest.size} px: faces will be as soft as they are",
        "padded by repetition": "reach beyond the border of their photograph, whose pixels are repeated",
        "gray": "are gray, and about as many generated faces will be",
    }
    return [
        f"{manifest.traits[trait]:,} of {manifest.count:,} pictures {meaning}."
        for trait, meaning in meanings.items()
        if manifest.traits.get(trait)
    ]


def summary(prepared: PreparedSet) -> list[str]:
    """Return the notes on a set, and the number of skipped files by reason."""
    sentences = list(prepared.manifest.notes)
    held_out = prepared.held_out
    if held_out is not None:
        by = (prepared.manifest.hold_out or "").rpartition(" ")[2]
        pictures = f"{len(held_out):,} of {len(prepared) + len(held_out):,} pictures"
        sentences.append(f"Held out {pictures}, chosen by {by}: {held_out.path}.")
    skipped = prepared.manifest.skipped
    if skipped:
        reasons = count_reasons(reason for _, reason in read_skipped(prepared.path))
        parts = [f"{count:,} x {shorten(reason)}" for reason, count in reasons.items()]
        named = _enumerate(parts, "; ", "reasons")
        files = "1 file" if skipped == 1 else f"{skipped:,} files"
        sentences.append(f"Skipped {files} ({named}); {prepared.path / 'skipped.csv'} lists them.")
    return sentences


def _enumerate(items: list[str], separator: str, noun: str) -> str:
    """Join the first MAX_NAMED items, and count the others."""
    more = len(items) - MAX_NAMED
    return separator.join([*items[:MAX_NAMED], *([f"{more:,} other {noun}"] if more > 0 else [])])


def _side(crop: Crop, size: Size) -> int:
    """Return the pixels of a photograph's shorter side that become the image."""
    fixed = crop.side and crop.photograph in (None, size)
    return min(crop.side, *size) if fixed else min(size)


def _parse_size(text: str) -> Size:
    width, height = text.split("x")
    return int(width), int(height)
