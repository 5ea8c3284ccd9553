"""The command that prepares: photographs, a part of them, or the set of all its parts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from strangers.commands.arguments import parse_part, plural
from strangers.errors import UsageError

SIZE = 64


def prepare(
    source: Annotated[
        list[str],
        Argument(metavar="SOURCE", help="A folder, .zip or .tar, hf:OWNER/NAME, or synthetic[:N]."),
    ],
    *,
    out: Annotated[Path, Option(metavar="DIR", help="The set's folder; it must not exist yet.")],
    size: Annotated[
        int | None,
        Option(metavar="PX", min=8, max=1024, help="Height and width of the pictures.  [default: 64]"),
    ] = None,
    crop: Annotated[
        str | None, Option(metavar="NAME", help="Crop protocol.  [default: c178 if 178x218, else square]")
    ] = None,
    cropped: Annotated[
        str | None, Option(metavar="NAME", help="The crop they had before; nothing more is cut off.")
    ] = None,
    annotations: Annotated[
        Path | None, Option(metavar="PATH", help="Where CelebA's tables are, if not beside the pictures.")
    ] = None,
    limit: Annotated[int | None, Option(metavar="N", min=1, help="Only the first N.")] = None,
    split: Annotated[
        str | None, Option(metavar="NAME", help="train, val or test, by CelebA's tables.  [default: all]")
    ] = None,
    part: Annotated[
        str | None, Option(metavar="K/N", help="Only the K-th of N equal parts, for --merge.")
    ] = None,
    merge: Annotated[
        bool, Option("--merge", help="Make one set of all its parts, named in place of SOURCE.")
    ] = False,
    workers: Annotated[
        int | None, Option(metavar="N", min=1, help="Processes.  [default: a core each]")
    ] = None,
) -> None:
    """Turn photographs into a prepared set: cropped, resized, and read at once by every training."""
    if merge:
        _refuse(size=size, crop=crop, cropped=cropped, annotations=annotations, limit=limit, split=split,
                part=part, workers=workers)  # fmt: skip
        from strangers.data.merge import merge as merged

        prepared = merged(source, out)
    elif len(source) > 1:
        raise UsageError(f"There is one SOURCE, not {len(source)}; several are for --merge.")
    else:
        from strangers.data.prepare import prepare

        prepared = prepare(
            source[0], out, size=size or SIZE, crop=crop, applied_crop=cropped, annotations=annotations,
            limit=limit, split=split, part=None if part is None else parse_part(part), workers=workers,
        )  # fmt: skip
    manifest = prepared.manifest
    print(f"Wrote {plural(manifest.count, 'picture')} of {manifest.size} px, crop {manifest.crop}, to {out}.")
    if manifest.skipped:
        print(f"Skipped {plural(manifest.skipped, 'file')}; {out / 'skipped.csv'} says which and why.")


def _refuse(**options: object) -> None:
    """Raise UsageError for options that a merging does not know: its parts have decided."""
    for name, value in options.items():
        if value is not None:
            raise UsageError(f"--merge takes all it needs from the parts; leave --{name} out.")
