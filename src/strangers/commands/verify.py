"""`strangers verify`: repeat a recorded result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from strangers.commands.arguments import Device, parse_names
from strangers.commands.evaluate import Weights
from strangers.commands.outcome import Outcome


def verify(
    entry: Annotated[Path, Argument(metavar="ENTRY", help="A result file of `evaluate`.")],
    *,
    generated: Annotated[
        str | None, Option(metavar="GENERATED", help="The generated side, if it is in another place.")
    ] = None,
    data: Annotated[str | None, Option(metavar="DATA", help="DATA, if it is in another place.")] = None,
    metrics: Annotated[
        str, Option(metavar="LIST", help="Some of the recorded metrics; all by default.")
    ] = "",
    count: Annotated[
        int | None, Option(metavar="N", min=4, help="Fewer faces, for kernel distances alone.")
    ] = None,
    weights: Weights = None,
    device: Device = "auto",
) -> Outcome:
    """Repeat a recorded result, and say which values lie within its intervals."""
    from strangers.evaluation.verify import read_entry
    from strangers.evaluation.verify import verify as run

    checks = run(
        read_entry(entry), generated=generated, data=data, metrics=parse_names(metrics), count=count,
        weights=weights, device=device,
    )  # fmt: skip
    inside = sum(check.is_inside for check in checks)
    facts = {
        check.metric: {
            "inside": check.is_inside, "recorded": check.recorded.value, "found": check.found.value
        }
        for check in checks
    }  # fmt: skip
    return Outcome(
        result=[*map(str, checks), f"{inside} of {len(checks)} values are inside."],
        facts=facts,
        exit_code=int(inside < len(checks)),
    )
