"""`strangers prepare`: prepare photographs, or merge prepared parts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from strangers.commands import completion
from strangers.commands.arguments import check_texts, parse_part, parse_share, plural
from strangers.commands.outcome import Outcome
from strangers.errors import UsageError

if TYPE_CHECKING:
    from strangers.data.prepared import PreparedSet

DEFAULT_SIZE = 64


Sources = Annotated[
    list[str],
    Argument(metavar="SOURCE", help="A folder, .zip or .tar, hf:OWNER/NAME, or synthetic[:N]."),
]
Out = Annotated[Path, Option("--out", "-o", metavar="DIR", help="Folder of the set.")]
Size = Annotated[
    int | None,
    Option(metavar="PX", min=8, max=1024, help="Height and width of the pictures.  [default: 64]"),
]
Crop = Annotated[
    str | None,
    Option(
        metavar="NAME",
        help="Crop protocol.  [default: c178 if all are 178x218, else square]",
        autocompletion=completion.crops,
    ),
]
Align = Annotated[
    bool, Option("--align", help="Find faces, and lay them where CelebA has them: crop aligned.")
]
Faces = Annotated[
    str, Option(metavar="NAME", help="With --align: largest or all of each photograph's faces.")
]
Cropped = Annotated[
    str | None, Option(metavar="NAME", help="Crop that the photographs already have; no other is applied.")
]
Tables = Annotated[
    Path | None, Option(metavar="PATH", help="CelebA's tables.  [default: next to the pictures]")
]
Limit = Annotated[int | None, Option(metavar="N", min=1, help="Use only the first N photographs.")]
Split = Annotated[
    str | None,
    Option(
        metavar="NAME",
        help="train, val or test, by CelebA's tables.  [default: all]",
        autocompletion=completion.one_of("train", "val", "test"),
    ),
]
Part = Annotated[
    str | None, Option(metavar="K/N", help="Prepare only the K-th of N equal parts, for --merge.")
]
HoldOut = Annotated[
    str | None, Option(metavar="SHARE", help="Hold out a share, as in 10%, by person where known.")
]
Merge = Annotated[bool, Option("--merge", help="Merge the parts that are passed instead of SOURCE.")]
License = Annotated[
    str | None, Option(metavar="TEXT", help="Terms of the photographs.  [default: those of a known source]")
]
SourceName = Annotated[
    str | None, Option(metavar="TEXT", help="Name of the photographs, for cards and pages.")
]
Replace = Annotated[bool, Option("--force", help="Replace a prepared set.")]
Workers = Annotated[
    int | None, Option(metavar="N", min=1, help="Number of processes.  [default: one per core]")
]


def prepare(
    source: Sources,
    *,
    out: Out,
    size: Size = None,
    crop: Crop = None,
    align: Align = False,
    faces: Faces = "largest",
    cropped: Cropped = None,
    annotations: Tables = None,
    limit: Limit = None,
    split: Split = None,
    part: Part = None,
    hold_out: HoldOut = None,
    merge: Merge = False,
    license: License = None,
    source_name: SourceName = None,
    workers: Workers = None,
    force: Replace = False,
) -> Outcome:
    """Crop and resize photographs into a prepared set for training."""
    if align and (crop or cropped):
        raise UsageError("--align is a crop of its own; leave out --crop and --cropped.")
    check_texts({"license": license, "source-name": source_name})
    crop = "aligned" if align else crop
    if merge:
        _refuse(
            size=size, crop=crop, cropped=cropped, annotations=annotations, limit=limit, split=split,
            part=part, hold_out=hold_out, license=license, source_name=source_name, workers=workers,
        )  # fmt: skip
        from strangers.data.merge import merge as merged

        prepared = merged(source, out, force=force)
    elif len(source) > 1:
        raise UsageError(f"prepare takes one SOURCE (got {len(source)}); only --merge takes several.")
    else:
        from strangers.data.prepare import prepare

        prepared = prepare(
            source[0], out, size=size or DEFAULT_SIZE, crop=crop, applied_crop=cropped, faces=faces,
            annotations=annotations, limit=limit, split=split, workers=workers,
            part=None if part is None else parse_part(part),
            hold_out=None if hold_out is None else parse_share(hold_out, "--hold-out"),
            license=license, source_name=source_name, force=force,
        )  # fmt: skip
    return _outcome(prepared, out)


def _outcome(prepared: PreparedSet, out: Path) -> Outcome:
    """Return the counts of the set, and the notes on it."""
    from strangers.data.notes import summary

    manifest = prepared.manifest
    facts = {"wrote": [out], **manifest.model_dump(mode="json")}
    pictures = f"{plural(manifest.count, 'picture')} of {manifest.size} px, crop {manifest.crop}"
    notes = [f"Wrote {pictures}, to {out}.", *summary(prepared)]
    return Outcome(notes=notes, facts=facts, next=f"strangers train {out}")


def _refuse(**options: object) -> None:
    """Raise UsageError for options that --merge does not take, because the parts decide them."""
    for name, value in options.items():
        if value is not None:
            option = name.replace("_", "-")
            raise UsageError(f"--merge does not take --{option}: the parts decide it.")
