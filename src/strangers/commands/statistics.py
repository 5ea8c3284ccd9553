"""`strangers statistics`: means, covariances and features of photographs, to publish in their place."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from strangers.commands.arguments import Device, Force, parse_names
from strangers.commands.evaluate import Metrics, Weights
from strangers.commands.outcome import Outcome
from strangers.errors import UsageError

Sizes = Annotated[
    str | None, Option("--size", metavar="LIST", help="Sizes of a SOURCE, as in 64,128.  [default: 64]")
]
Crops = Annotated[str, Option("--crop", metavar="LIST", help="Crops of a SOURCE, as in c178,c108.")]
Splits = Annotated[str, Option("--split", metavar="LIST", help="Splits of a SOURCE, as in train,val.")]


def statistics(
    data: Annotated[str, Argument(metavar="DATA", help="A prepared set, pictures, or a SOURCE to prepare.")],
    *,
    out: Annotated[
        Path,
        Option(
            "--out", "-o", metavar="FILE", help="A .safetensors or .npz file; a folder for several of them."
        ),
    ],
    metrics: Metrics = "quick",
    count: Annotated[
        int | None, Option(metavar="N", min=2, help="Number of pictures; all by default.")
    ] = None,
    sizes: Sizes = None,
    crops: Crops = "",
    splits: Splits = "",
    weights: Weights = None,
    force: Force = False,
    device: Device = "auto",
) -> Outcome:
    """Write statistics of photographs, which `evaluate` takes in their place."""
    from strangers.evaluation.statistics import Conditions, measure_statistics
    from strangers.system.outputs import check_outputs, write_output

    choices = list(product(_sizes(sizes), parse_names(crops) or [None], parse_names(splits) or [None]))
    files = _files(out, choices)
    check_outputs(*files, kind="statistics", inputs=[data, weights], force=force)
    notes, wrote = [], []
    for path, (size, crop, split) in files.items():
        wanted = Conditions(
            metrics=parse_names(metrics), count=count, size=size, crop=crop, split=split, weights=weights,
            device=device,
        )  # fmt: skip
        found = measure_statistics(data, wanted, path.suffix)
        write_output(path, found.data, kind="statistics", force=force)
        notes.append(f"Wrote {path}: {found.count:,} pictures, {found.protocol}.")
        wrote.append({"path": path, "count": found.count, "protocol": str(found.protocol)})
    following = f"strangers evaluate MODEL {next(iter(files))} --metrics {metrics}"
    return Outcome(notes=notes, facts={"wrote": wrote}, next=following)


Choice = tuple[int | None, str | None, str | None]
"""Size, crop and split."""


def _files(out: Path, choices: Sequence[Choice]) -> dict[Path, Choice]:
    """Return the files to write, and what is in each. Raises UsageError."""
    from strangers.evaluation.statistics import SOURCE_SIZE
    from strangers.evaluation.statistics_file import SUFFIXES

    if out.suffix in SUFFIXES and len(choices) > 1:
        raise UsageError(f"{len(choices)} files are written to a folder: let --out name one (got {out}).")
    if out.suffix in SUFFIXES:
        return {out: choices[0]}
    if len(choices) == 1:
        raise UsageError(f"--out must end in {' or '.join(SUFFIXES)} (got {out.name!r}).")
    names = ["-".join(filter(None, (str(size or SOURCE_SIZE), *more))) for size, *more in choices]
    return {out / f"{name}.safetensors": one for name, one in zip(names, choices, strict=True)}


def _sizes(text: str | None) -> Sequence[int | None]:
    if text is None:
        return [None]
    if not all(part.isdecimal() and int(part) > 0 for part in parse_names(text)) or not parse_names(text):
        raise UsageError(f"--size {text}: write sizes in pixels, as in 64,128.")
    return [int(part) for part in parse_names(text)]
