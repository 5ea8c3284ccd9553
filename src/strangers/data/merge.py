"""Merge the parts of a source, each prepared separately, into the set that one preparation makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from strangers._version import __version__
from strangers.data.notes import default_crop_of, notes_on
from strangers.data.prepared import Manifest, PreparedSet, open_prepared
from strangers.data.skipped import read_skipped
from strangers.data.writer import SET_FILES, Writer
from strangers.errors import DataError, UsageError
from strangers.system.folders import check_folder, new_folder

MERGE_BLOCK_BYTES = 2**26
"""Bytes of pictures that are copied at a time."""

SHARED_FIELDS = ("software", "size", "filter", "split", "attributes", "source_name", "license")
"""Fields of the manifest in which all parts must agree."""

DEFAULT_CROPS = {"c178", "square"}
"""The crops of parts that were prepared without --crop; they take the same pixels."""


def merge(parts: Sequence[str | Path], out: str | Path, *, force: bool = False) -> PreparedSet:
    """Merge all parts of a source, given in any order, into the prepared set `out`, and open it.

    The result is bit-identical to preparing the whole source.
    force: replace a prepared set at `out`. Raises UsageError if `out` exists otherwise, and
    DataError if a part cannot be read, is missing, is given twice, or belongs to another set; then nothing
    is left at `out`.
    """
    out = Path(out)
    check_folder(out, SET_FILES if force else None)
    opened = _in_order([open_prepared(part) for part in parts])
    first = opened[0].manifest
    with new_folder(out, SET_FILES if force else None) as folder, Writer(folder, first.size) as writer:
        for part in opened:
            _append(writer, part)
        known = [part.attributes for part in opened if part.attributes is not None]
        attributes = np.concatenate(known) if known else None
        originals = sum((Counter(part.manifest.originals) for part in opened), Counter[str]())
        traits = sum((Counter(part.manifest.traits) for part in opened), Counter[str]())
        changes = {
            "software": f"strangers {__version__}",
            "part": None,
            "listing": None,
            "count": writer.count,
            "crop": _crop_of(opened, originals),
            "hash": writer.hash(),
            "skipped": writer.skipped,
            "originals": dict(originals.most_common()),
            "traits": dict(traits.most_common()),
        }
        manifest = Manifest.model_validate(first.model_dump() | changes)
        writer.finish(manifest.model_copy(update={"notes": notes_on(manifest, attributes)}), attributes)
    return open_prepared(out)


def _in_order(parts: Sequence[PreparedSet]) -> list[PreparedSet]:
    """Return the parts from the first to the last. Raises DataError unless they make one whole set."""
    if not parts:
        raise UsageError("Pass the parts to merge.")
    numbered: dict[int, PreparedSet] = {}
    whole = parts[0].manifest
    for part in parts:
        manifest = part.manifest
        if manifest.part is None:
            raise DataError(f"{part.path} is a whole set, not a part; make parts with --part K/N.")
        number, count = map(int, manifest.part.split("/"))
        if number in numbered:
            raise DataError(f"{numbered[number].path} and {part.path} are both part {manifest.part}.")
        for name in SHARED_FIELDS:
            if getattr(manifest, name) != getattr(whole, name):
                raise DataError(
                    f"{part.path} does not belong to {parts[0].path}: its {name} is "
                    f"{getattr(manifest, name)}, not {getattr(whole, name)}."
                )
        if manifest.crop != whole.crop and {manifest.crop, whole.crop} != DEFAULT_CROPS:
            raise DataError(
                f"{part.path} does not belong to {parts[0].path}: its crop is {manifest.crop}, not "
                f"{whole.crop}."
            )
        if (count, Path(manifest.source).name) != (_count(whole), Path(whole.source).name):
            raise DataError(
                f"{part.path} is part {manifest.part} of {manifest.source}, but {parts[0].path} is part "
                f"{whole.part} of {whole.source}."
            )
        if manifest.listing != whole.listing:
            raise DataError(
                f"{part.path} and {parts[0].path} were cut from different listings of {whole.source}: files "
                "were added, removed or renamed between them, their labels or --faces changed, or one "
                "machine reads more formats; prepare the parts again."
            )
        numbered[number] = part
    missing = [number for number in range(1, _count(whole) + 1) if number not in numbered]
    if missing:
        named = ", ".join(f"{number}/{_count(whole)}" for number in missing[:10])
        raise DataError(f"{len(missing)} of the {_count(whole)} parts are missing: {named}.")
    return [numbered[number] for number in sorted(numbered)]


def _crop_of(parts: Sequence[PreparedSet], originals: Counter[str]) -> str:
    """Return the crop of the merged set; parts without --crop may have either default."""
    names = {part.manifest.crop for part in parts}
    return names.pop() if len(names) == 1 else default_crop_of(originals)


def _count(manifest: Manifest) -> int:
    """Return the number of parts."""
    return int((manifest.part or "1/1").partition("/")[2])


def _append(writer: Writer, part: PreparedSet) -> None:
    """Append the contents of a part, one block at a time."""
    step = max(1, MERGE_BLOCK_BYTES // (part.images.nbytes // len(part)))
    remaining = iter(part.names)
    for images in part.blocks(step):
        writer.add(list(islice(remaining, len(images))), images, [""] * len(images))
    rows = read_skipped(part.path)
    if rows:
        names, reasons = zip(*rows, strict=True)
        writer.add(names, part.images[:0], reasons)
