"""`strangers compare`: several models, or pictures, against the same photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from strangers.commands.arguments import Device, Force, Json, parse_names
from strangers.commands.evaluate import AllowMismatch, Batch, Count, Metrics, Shrinkage, Weights
from strangers.errors import UsageError
from strangers.system.streams import echo


def compare(
    names: Annotated[
        list[str],
        Argument(
            metavar="GENERATED... DATA",
            help="Models or pictures, runs of one training joined by commas, then the photographs.",
        ),
    ],
    *,
    out: Annotated[
        list[Path] | None, Option(metavar="FILE", help="Table in .md, .csv, .tex or .json; repeatable.")
    ] = None,
    labels: Annotated[str, Option(metavar="LIST", help="Names of the rows.")] = "",
    metrics: Metrics = "quick",
    count: Count = 10_000,
    batch: Batch = 256,
    weights: Weights = None,
    shrinkage: Shrinkage = False,
    allow_mismatch: AllowMismatch = False,
    json: Json = False,
    force: Force = False,
    device: Device = "auto",
) -> None:
    """Compare models on the same photographs, with intervals of their differences."""
    from strangers.evaluation.compare import compare as run
    from strangers.evaluation.comparison_table import FORMATS, as_json, markdown
    from strangers.evaluation.evaluate import Settings
    from strangers.system.files import check_outputs, write_output

    *generated, data = names
    if len(generated) < 2:
        raise UsageError("Pass at least two models or collections of pictures, and then DATA.")
    groups = [_runs(name) for name in generated]
    files = out or []
    for path in files:
        if path.suffix not in FORMATS:
            raise UsageError(f"--out must end in {', '.join(FORMATS)} (got {path.name!r}).")
    inputs = [*(run for group in groups for run in group), data, weights]
    check_outputs(*files, kind="comparison", inputs=inputs, force=force)
    settings = Settings(
        metrics=parse_names(metrics), count=count, weights=weights, device=device, shrinkage=shrinkage,
        allow_mismatch=allow_mismatch, batch=batch,
    )  # fmt: skip
    compared = run(groups, data, labels=parse_names(labels) or None, settings=settings)
    text = as_json(compared) if json else markdown(compared)
    echo(*text.rstrip("\n").split("\n"))
    for path in files:
        write_output(path, FORMATS[path.suffix](compared), kind="comparison", force=force)
    if files and not json:
        echo("", f"Wrote {', '.join(map(str, files))}.")


def _runs(name: str) -> list[str]:
    """Return the runs that a row names."""
    return [name] if Path(name).exists() else [run for run in name.split(",") if run]
