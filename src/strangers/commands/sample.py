"""`strangers sample`: draw faces from seeds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from typer import Option

from strangers.commands.arguments import (
    MAX_FACES,
    Device,
    Force,
    ModelName,
    is_picture,
    parse_grid,
    parse_share,
    parse_where,
    place_of,
    plural,
    written_to,
)
from strangers.commands.outcome import Outcome, write_picture
from strangers.commands.progress import progress_bar
from strangers.errors import UsageError

if TYPE_CHECKING:
    from strangers.latent.filtering import Filtered
    from strangers.sampling.model import Model

Truncation = Annotated[
    float,
    Option(
        metavar="T", help="Factor of the latents, 0 to 1. Lower values give more typical, less diverse faces."
    ),
]

Rejection = Annotated[
    str | None,
    Option(
        metavar="SHARE",
        help="Leave out this share of the model's faces, those of which the face detector is least certain."
        "  [default: 15% with --where, otherwise 0%]",
    ),
]
Out = Annotated[
    Path,
    Option(
        "--out", "-o", metavar="PNG|DIR", help="A .png for one grid, a folder for one PNG per face, or -."
    ),
]
Seeds = Annotated[
    str | None,
    Option(
        "--seeds",
        "--seed",
        metavar="LIST",
        help="Seeds: 7, 0-63, 0..63 or 0-9,20.  [default: as many as the grid has, from 0]",
    ),
]
Grid = Annotated[
    str | None, Option(metavar="CxR", help="Columns x rows, such as 8x8.  [default: nearly square]")
]
Where = Annotated[
    str | None, Option(metavar="LIST", help="Keep only matching faces, such as Smiling=1,Eyeglasses=0.")
]
Scale = Annotated[int, Option(metavar="N", min=1, max=16, help="Enlarge each face N times.")]


def sample(
    model: ModelName,
    *,
    out: Out,
    seeds: Seeds = None,
    grid: Grid = None,
    truncation: Truncation = 1.0,
    where: Where = None,
    reject: Rejection = None,
    scale: Scale = 1,
    force: Force = False,
    device: Device = "auto",
) -> Outcome:
    """Draw faces from seeds."""
    as_grid = is_picture(out)
    columns, rows = (None, None) if grid is None else parse_grid(grid)
    if columns and not as_grid:
        raise UsageError(f"--grid needs a picture, but --out {out} is a folder; end --out in .png.")
    from strangers.sampling.latents import parse_seeds

    cells = columns * rows if columns and rows else 64
    numbers = range(cells) if seeds is None else parse_seeds(seeds)
    condition = _condition(where, reject, truncation)
    if condition is None or seeds is None:
        _refuse_many(numbers, as_grid, grid, cells)
    from strangers.sampling.load import load
    from strangers.sampling.output import grid_png, write_each
    from strangers.system.outputs import check_outputs

    if as_grid:
        check_outputs(*written_to(out), kind="picture", inputs=[model], force=force)
    generator = load(model, device=device)
    found, data = None, None
    if condition is not None:
        found = matching(generator, condition, None if seeds is None else numbers, cells)
        numbers = found.seeds
        _refuse_many(numbers, as_grid, grid, cells)
    if as_grid:
        picture = grid_png(generator, numbers, columns, truncation, scale=scale)
        data = write_picture(out, picture, force=force)
    else:
        write_each(generator, numbers, out, truncation, scale=scale, force=force)
    return Outcome(
        notes=[f"Kept {found}."] * (found is not None)
        + [f"Wrote {plural(len(numbers), 'face')} to {place_of(out)}."],
        facts={"wrote": [out], "seeds": [*numbers], "examined": found and found.examined},
        next=f"strangers edit {model} --seeds {numbers[0]} --attribute Smiling --out smile.png",
        data=data,
    )


def _refuse_many(numbers: Sequence[int], as_grid: bool, grid: str | None, cells: int) -> None:
    """Raise UsageError for more faces than fit into the picture."""
    if grid is not None and len(numbers) > cells:
        raise UsageError(f"{len(numbers):,} seeds do not fit into the {cells:,} cells of --grid {grid}.")
    if as_grid and len(numbers) > MAX_FACES:
        raise UsageError(
            f"A grid has at most {MAX_FACES:,} faces (got {len(numbers):,}); pass a folder as --out."
        )


class Condition(NamedTuple):
    """Conditions of a search: attributes, the share of rejected faces (None: the default), the truncation."""

    wanted: dict[str, bool]
    rejected: float | None
    truncation: float


def _condition(where: str | None, reject: str | None, truncation: float) -> Condition | None:
    """Return what is searched for, or None if all faces are wanted. Raises UsageError."""
    wanted = {} if where is None else parse_where(where)
    rejected = None if reject is None else parse_share(reject, "--reject")
    return Condition(wanted, rejected, truncation) if wanted or rejected else None


def matching(model: Model, condition: Condition, seeds: Sequence[int] | None, enough: int) -> Filtered:
    """Return the seeds whose faces match."""
    from strangers.latent.filtering import find_seeds
    from strangers.latent.rejection import DEFAULT_REJECTION

    wanted, rejected, truncation = condition
    with progress_bar("searching", enough if seeds is None else len(seeds)) as advance:
        return find_seeds(
            model,
            wanted,
            seeds=seeds,
            count=enough,
            truncation=truncation,
            rejected=DEFAULT_REJECTION if rejected is None else rejected,
            advance=advance,
        )
