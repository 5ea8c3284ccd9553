"""`strangers edit`: move faces along an attribute direction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from strangers.commands.arguments import Device, ModelName, is_picture, parse_strengths, plural, require_few
from strangers.errors import UsageError

if TYPE_CHECKING:
    from strangers.latent.directions import Directions
    from strangers.sampling.model import Model
from strangers.commands.progress import progress_bar


def edit(
    model: ModelName,
    *,
    attribute: Annotated[str, Option(metavar="NAME", help="One of the attribute network's, as Smiling.")],
    out: Annotated[Path, Option(metavar="PNG", help="The picture: a row for each face.")],
    seeds: Annotated[str | None, Option(metavar="LIST", help="Whose faces, as in 3,4 or 0-7.")] = None,
    latent: Annotated[
        Path | None, Option(metavar="JSON", help="A photograph's latent, of `invert`, instead of seeds.")
    ] = None,
    strengths: Annotated[
        str, Option(metavar="FROM..TO", help="The columns, as -2..2 or -2,0,2, in standard deviations.")
    ] = "-2..2",
    hold: Annotated[
        str | None, Option(metavar="LIST", help="Attributes to move less, as Male,Young; or all.")
    ] = None,
    measure: Annotated[
        bool, Option("--measure", help="Say on 1,000 faces how often this, and what else, changes.")
    ] = False,
    device: Device = "auto",
) -> None:
    """Push faces along an attribute: each in a row, from less of it to more."""
    if (seeds is None) == (latent is None):
        raise UsageError("Whose faces? Name them by --seeds or by --latent, by one of the two.")
    if not is_picture(out):
        raise UsageError(f"{out}: the strips are one PNG; let --out end in .png.")
    amounts = parse_strengths(strengths)
    from strangers.sampling.latents import parse_seeds

    numbers = [] if seeds is None else parse_seeds(seeds)
    require_few(len(numbers) * len(amounts))
    from numpy import stack

    from strangers.latent.latent_file import read_latent
    from strangers.sampling.load import load
    from strangers.sampling.output import write_strips

    found = None if latent is None else read_latent(latent)
    generator = load(model, device=device)
    z = generator.latents(numbers) if found is None else found.of(generator)
    directions = _directions(generator, attribute, hold)
    strips = stack([directions.edit(z, {attribute: amount}) for amount in amounts], axis=1)
    origin = "" if latent is None else f"; of the photograph of {latent.name}"
    held = "" if hold is None else f", orthogonal to {hold}"
    told = f"{attribute} {','.join(f'{amount:g}' for amount in amounts)}{held}{origin}"
    write_strips(generator, strips, out, replace(generator.provenance(numbers), latents=told))
    print(f"Wrote {plural(len(strips), 'face')} {plural(len(amounts), 'time')} to {out}: {told}.")
    if measure:
        from strangers.latent.effects import measure_effect

        print(measure_effect(generator, directions, attribute, max(map(abs, amounts))))


def _directions(model: Model, attribute: str, hold: str | None) -> Directions:
    """The model's directions, as the command line asks for them."""
    from strangers.evaluation.attributes import load_attributes
    from strangers.latent.directions import COUNT, find_directions

    held = [] if hold in (None, "all") else [name.strip() for name in str(hold).split(",") if name.strip()]
    load_attributes().positions([attribute, *held])  # refuses what no model has, before a face is drawn
    with progress_bar("directions", COUNT) as advance:
        directions = find_directions(model, count=COUNT, advance=advance)
    directions.index(attribute)
    return directions.orthogonal_to(directions.names if hold == "all" else held)
