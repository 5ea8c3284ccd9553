"""`strangers edit`: move faces along an attribute direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from strangers.commands.arguments import (
    Device,
    Force,
    ModelName,
    is_picture,
    parse_strengths,
    plural,
    require_few,
)
from strangers.commands.progress import progress_bar
from strangers.errors import UsageError
from strangers.system.streams import echo

if TYPE_CHECKING:
    from strangers.latent.directions import Directions
    from strangers.sampling.model import Model


Strengths = Annotated[
    str, Option(metavar="FROM..TO", help="Columns, such as -2..2 or -2,0,2, in standard deviations.")
]
Held = Annotated[
    str | None, Option(metavar="LIST", help="Attributes to preserve, such as Male,Young, or all.")
]


def edit(
    model: ModelName,
    *,
    attribute: Annotated[str, Option(metavar="NAME", help="Attribute to change, such as Smiling.")],
    out: Annotated[Path, Option(metavar="PNG", help="Picture with one row per face.")],
    seeds: Annotated[str | None, Option(metavar="LIST", help="Faces to edit, such as 3,4 or 0-7.")] = None,
    latent: Annotated[
        Path | None, Option(metavar="JSON", help="Latent file of `invert` to edit instead of seeds.")
    ] = None,
    strengths: Strengths = "-2..2",
    hold: Held = None,
    measure: Annotated[
        bool, Option("--measure", help="Measure the edit's effect on 1,000 other faces.")
    ] = False,
    force: Force = False,
    device: Device = "auto",
) -> None:
    """Edit faces along an attribute direction, one row per face, one column per strength."""
    if (seeds is None) == (latent is None):
        raise UsageError("Pass exactly one of --seeds and --latent.")
    if not is_picture(out):
        raise UsageError(f"--out must end in .png (got {out}).")
    amounts = parse_strengths(strengths)
    from strangers.sampling.latents import parse_seeds

    numbers = [] if seeds is None else parse_seeds(seeds)
    require_few(len(numbers) * len(amounts))
    import numpy as np

    from strangers.latent.latent_file import read_latent
    from strangers.sampling.load import load
    from strangers.sampling.output import write_strips
    from strangers.system.files import check_outputs

    check_outputs(out, kind="picture", inputs=[model, latent], force=force)
    found = None if latent is None else read_latent(latent)
    generator = load(model, device=device)
    z = generator.latents(numbers) if found is None else found.of(generator)
    directions = _directions(generator, attribute, hold)
    strips = np.stack([directions.edit(z, {attribute: amount}) for amount in amounts], axis=1)
    description = _describe(attribute, amounts, hold, latent)
    provenance = replace(generator.provenance(numbers), latents=description)
    write_strips(generator, strips, out, provenance, force=force)
    echo(
        f"Wrote {plural(len(strips), 'face')} at {plural(len(amounts), 'strength')} to {out}: {description}."
    )
    if measure:
        from strangers.latent.effects import measure_effect

        echo(str(measure_effect(generator, directions, attribute, max(map(abs, amounts)))))


def _describe(attribute: str, amounts: Sequence[float], hold: str | None, latent: Path | None) -> str:
    """Return the edit in words, for the picture's provenance."""
    held = "" if hold is None else f", orthogonal to {hold}"
    source = "" if latent is None else f"; from {latent.name}"
    return f"{attribute} {','.join(f'{amount:g}' for amount in amounts)}{held}{source}"


def _directions(model: Model, attribute: str, hold: str | None) -> Directions:
    """Return the directions of the model, orthogonal to those of the held attributes."""
    from strangers.evaluation.attributes import load_attributes
    from strangers.latent.directions import LABELED_FACES, find_directions

    held = [] if hold in (None, "all") else [name.strip() for name in str(hold).split(",") if name.strip()]
    load_attributes().positions([attribute, *held])  # unknown names fail before any face is drawn
    with progress_bar("directions", LABELED_FACES) as advance:
        directions = find_directions(model, count=LABELED_FACES, advance=advance)
    directions.index(attribute)
    return directions.orthogonal_to(directions.names if hold == "all" else held)
