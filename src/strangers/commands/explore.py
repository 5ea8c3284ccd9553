"""`strangers explore`: report what a set contains."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from strangers.commands.arguments import Force
from strangers.commands.outcome import Outcome


def explore(
    data: Annotated[str, Argument(metavar="DATA", help="A prepared set, or a SOURCE as in `prepare`.")],
    *,
    out: Annotated[
        Path, Option("--out", "-o", metavar="HTML", help="The page; a .json is written next to it.")
    ] = Path("explore.html"),
    size: Annotated[
        int | None,
        Option(metavar="PX", min=8, max=1024, help="Size of the pictures of a SOURCE.  [default: 64]"),
    ] = None,
    landmarks: Annotated[
        Path | None,
        Option(metavar="FILE", help="CelebA's table of landmarks, for the orientation of the faces."),
    ] = None,
    force: Force = False,
) -> Outcome:
    """Report what a set contains: sizes, light, attributes, orientation, duplicates, a sample."""
    from strangers.reports.dataset import summary, write
    from strangers.system.outputs import check_outputs

    outputs = (out, out.with_suffix(".json"))
    check_outputs(*outputs, kind="exploration", inputs=[data, landmarks], force=force)
    found = write(data, out, size=size, landmarks=landmarks, force=force)
    return Outcome(
        result=summary(found).split("\n"),
        notes=[f"Wrote {out} and {out.with_suffix('.json')}."],
        facts={"wrote": list(outputs), **asdict(found)},
        next=f"strangers train {data}",
    )
