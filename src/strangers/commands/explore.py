"""`strangers explore`: report what a set contains."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option


def explore(
    data: Annotated[str, Argument(metavar="DATA", help="A prepared set, or a SOURCE as of `prepare`.")],
    *,
    out: Annotated[Path, Option(metavar="HTML", help="The page; the same as JSON stands beside it.")] = Path(
        "explore.html"
    ),
    size: Annotated[
        int, Option(metavar="PX", min=8, max=1024, help="Of the pictures, if DATA is a SOURCE.")
    ] = 64,
    landmarks: Annotated[
        Path | None, Option(metavar="FILE", help="CelebA's landmarks, for the orientation of faces.")
    ] = None,
) -> None:
    """Say what is in a set: sizes, light, attributes, orientation, duplicates, a sample."""
    from strangers.reports.dataset import write

    print(write(data, out, size=size, landmarks=landmarks))
