"""`strangers compare`: several models, or pictures, against the same photographs."""

from __future__ import annotations

from contextlib import nullcontext
from json import loads
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from strangers.commands.arguments import Device, Force, parse_names
from strangers.commands.evaluate import AllowMismatch, Batch, Count, Metrics, Shrinkage, Weights
from strangers.commands.outcome import Outcome
from strangers.errors import UsageError

Names = Annotated[
    list[str],
    Argument(
        metavar="GENERATED... DATA",
        help="Models or pictures, runs of one training joined by commas, then the photographs.",
    ),
]
Out = Annotated[
    list[Path] | None,
    Option("--out", "-o", metavar="FILE", help="Table in .md, .csv, .tex or .json; repeatable."),
]


def compare(
    names: Names,
    *,
    out: Out = None,
    labels: Annotated[str, Option(metavar="LIST", help="Names of the rows.")] = "",
    metrics: Metrics = "quick",
    count: Count = 10_000,
    batch: Batch = 256,
    weights: Weights = None,
    shrinkage: Shrinkage = False,
    allow_mismatch: AllowMismatch = False,
    force: Force = False,
    device: Device = "auto",
) -> Outcome:
    """Compare models on the same photographs, with intervals of their differences."""
    from strangers.evaluation.compare import compare as run
    from strangers.evaluation.comparison_table import FORMATS, as_json, markdown
    from strangers.evaluation.evaluate import Settings
    from strangers.system.outputs import check_outputs, together, write_output

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
    with together(files[0]) if files else nullcontext():
        for path in files:
            write_output(path, FORMATS[path.suffix](compared), kind="comparison", force=force)
    return Outcome(
        result=markdown(compared).rstrip("\n").split("\n"),
        notes=["", f"Wrote {', '.join(map(str, files))}."] if files else [],
        facts=loads(as_json(compared)),
        next=f"strangers evaluate {generated[0]} {data} --metrics {metrics}" if not files else "",
    )


def _runs(name: str) -> list[str]:
    """Return the runs that a row names."""
    return [name] if Path(name).exists() else [run for run in name.split(",") if run]
