"""`strangers edit`: move faces along an attribute direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from strangers.commands import completion
from strangers.commands.arguments import (
    Device,
    Force,
    ModelName,
    is_picture,
    parse_strengths,
    place_of,
    plural,
    require_few,
    written_to,
)
from strangers.commands.outcome import Outcome, write_picture
from strangers.commands.progress import progress_bar
from strangers.errors import UsageError

if TYPE_CHECKING:
    from strangers.latent.directions import Directions
    from strangers.latent.effects import Effect
    from strangers.sampling.model import Model


Strengths = Annotated[
    str, Option(metavar="FROM..TO", help="Columns, such as -2..2 or -2,0,2, in standard deviations.")
]
Held = Annotated[
    str | None, Option(metavar="LIST", help="Attributes to preserve, such as Male,Young, or all.")
]

AttributeName = Annotated[
    str,
    Option(
        metavar="NAME",
        help="Attribute to change, such as Smiling.",
        autocompletion=completion.attributes,
    ),
]
Out = Annotated[Path, Option("--out", "-o", metavar="PNG", help="Picture with one row per face, or -.")]
Seeds = Annotated[
    str | None, Option("--seeds", "--seed", metavar="LIST", help="Faces to edit, such as 3,4 or 0-7.")
]
LatentPath = Annotated[
    Path | None, Option(metavar="JSON", help="Latent file of `invert` to edit instead of seeds.")
]
Measure = Annotated[bool, Option("--measure", help="Measure the edit's effect on 1,000 other faces.")]


def edit(
    model: ModelName,
    *,
    attribute: AttributeName,
    out: Out,
    seeds: Seeds = None,
    latent: LatentPath = None,
    strengths: Strengths = "-2..2",
    hold: Held = None,
    measure: Measure = False,
    force: Force = False,
    device: Device = "auto",
) -> Outcome:
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
    from strangers.sampling.output import strips_png
    from strangers.system.outputs import check_outputs

    check_outputs(*written_to(out), kind="picture", inputs=[model, latent], force=force)
    found = None if latent is None else read_latent(latent)
    generator = load(model, device=device)
    z = generator.latents(numbers) if found is None else found.of(generator)
    directions = _directions(generator, attribute, hold)
    strips = np.stack([directions.edit(z, {attribute: amount}) for amount in amounts], axis=1)
    description = _describe(attribute, amounts, hold, latent)
    provenance = replace(generator.provenance(numbers), latents=description)
    data = write_picture(out, strips_png(generator, strips, provenance), force=force)
    drawn = f"{plural(len(strips), 'face')} at {plural(len(amounts), 'strength')}"
    effect = _effect(generator, directions, attribute, max(map(abs, amounts))) if measure else None
    return Outcome(
        result=[] if effect is None else [str(effect)],
        notes=[f"Wrote {drawn} to {place_of(out)}: {description}."],
        facts={
            "wrote": [out], "seeds": numbers, "strengths": amounts, "effect": effect and asdict(effect),
        },
        next=f"strangers serve {model}",
        data=data,
    )  # fmt: skip


def _effect(model: Model, directions: Directions, attribute: str, strength: float) -> Effect:
    from strangers.latent.effects import measure_effect

    return measure_effect(model, directions, attribute, strength)


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
