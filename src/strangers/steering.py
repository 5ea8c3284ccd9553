"""The commands that steer: `edit`, `interpolate` and `invert`; and `sample --where`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from strangers.arguments import counted, is_picture, parse_strengths
from strangers.errors import DataError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from strangers.images import Pixels
    from strangers.latent.directions import Directions
    from strangers.sampling import Model

MOST = 10_000
"""Faces in one picture, or frames of one walk."""

ModelName = Annotated[str, Argument(metavar="MODEL", help="A model file, a run or a checkpoint.")]
Device = Annotated[str, Option(metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps.")]


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
    from strangers.latents import parse_seeds

    numbers = [] if seeds is None else parse_seeds(seeds)
    _refuse_many(len(numbers) * len(amounts))
    from numpy import stack

    from strangers.latent.latent_file import read_latent
    from strangers.pictures import write_strips
    from strangers.sampling import load

    found = None if latent is None else read_latent(latent)
    generator = load(model, device=device)
    z = _latents_of(generator, numbers) if found is None else found.of(generator)
    directions = _directions(generator, attribute, hold)
    strips = stack([directions.edit(z, {attribute: amount}) for amount in amounts], axis=1)
    origin = "" if latent is None else f"; of the photograph of {latent.name}"
    held = "" if hold is None else f", orthogonal to {hold}"
    told = f"{attribute} {','.join(f'{amount:g}' for amount in amounts)}{held}{origin}"
    write_strips(generator, strips, out, replace(generator.provenance(numbers), latents=told))
    print(f"Wrote {counted(len(strips), 'face')} {counted(len(amounts), 'time')} to {out}: {told}.")
    if measure:
        from strangers.latent.effects import measure_effect

        print(measure_effect(generator, directions, attribute, max(map(abs, amounts))))


def interpolate(
    model: ModelName,
    *,
    seeds: Annotated[str, Option(metavar="LIST", help="The faces on the way, as in 1,5,9.")],
    frames: Annotated[int, Option(metavar="N", min=2, max=MOST, help="Pictures in all, 20 a second.")] = 60,
    out: Annotated[Path, Option(metavar="FILE", help="Ends in .webp, .gif, .mp4, or .png for a strip.")],
    loop: Annotated[bool, Option("--loop", help="Walk back to the first face, to begin anew.")] = False,
    device: Device = "auto",
) -> None:
    """Walk from face to face."""
    from strangers.latents import parse_seeds
    from strangers.moving import check_walk, write_walk

    numbers = parse_seeds(seeds)
    check_walk(out)
    _refuse_many(len(numbers))
    from strangers.latent.walking import walk
    from strangers.sampling import load

    generator = load(model, device=device)
    told = f"a walk of {frames} frames{', and back' if loop else ''}"
    z = walk(_latents_of(generator, numbers), frames, generator.recipe.latent, loop=loop)
    write_walk(generator, z, out, replace(generator.provenance(numbers), latents=told))
    print(f"Wrote {counted(frames, 'frame')} by way of {counted(len(numbers), 'face')} to {out}.")


def invert(
    model: ModelName,
    photograph: Annotated[Path, Argument(metavar="PHOTO", help="A photograph of one face.")],
    *,
    out: Annotated[Path, Option(metavar="JSON", help="The latent; a picture stands beside it as .png.")],
    cropped: Annotated[
        bool, Option("--cropped", help="It is cropped as the model's photographs were; use it whole.")
    ] = False,
    starts: Annotated[int, Option(metavar="N", min=1, max=256, help="Searches; the best is kept.")] = 4,
    steps: Annotated[int, Option(metavar="N", min=1, help="Of each search.")] = 200,
    seed: Annotated[int, Option(metavar="N", min=0, help="Decides all that is random.")] = 0,
    device: Device = "auto",
) -> None:
    """Find the latent of a photograph, and show what the model makes of it."""
    if out.suffix != ".json":
        raise UsageError(f"The latent is JSON: let --out end in .json, not {out.name!r}.")
    from strangers.latent.inversion import invert
    from strangers.latent.latent_file import latent_file, write_latent
    from strangers.latent.strangeness import STRANGE, strangeness
    from strangers.sampling import load

    generator = load(model, device=device)
    pixels = _face_of(photograph, generator, cropped)
    strange = strangeness(generator, pixels)
    if strange > STRANGE:
        print(
            f"warning: {photograph} does not look like a face cropped by {generator.header.crop}: its "
            f"strangeness is {strange:.1f}; this model's faces have 1, few photographs {STRANGE}.",
            file=sys.stderr,
        )
    search = invert(generator, pixels, starts=starts, steps=steps, seed=seed)
    with _bar("inverting", steps) as advance:
        done = 0
        for result in search:
            advance(result.step - done)
            done = result.step
    write_latent(out, latent_file(generator, result, strange, starts, seed), pixels, result.face)
    print(
        f"Wrote {out}, and {out.with_suffix('.png')} with the photograph beside its likeness. Pixels differ "
        f"by {result.image_error:.0f} of 255, features by {result.feature_error:.2f} of what two faces do."
    )


def matching(
    model: Model, wanted: dict[str, bool], seeds: Sequence[int] | None, enough: int, truncation: float
) -> list[int]:
    """The seeds for `sample --where`; prints the acceptance rate."""
    from strangers.latent.choosing import find_seeds

    with _bar("looking", enough if seeds is None else len(seeds)) as advance:
        found = find_seeds(model, wanted, seeds=seeds, enough=enough, truncation=truncation, advance=advance)
    print(f"Kept {found}.")
    return found.seeds


def _latents_of(model: Model, seeds: Sequence[int]) -> NDArray[np.float32]:
    """The model's latents (n, latent_size) of these seeds."""
    from strangers.latents import latents

    return latents(seeds, model.recipe.latent_size, model.recipe.latent)


def _directions(model: Model, attribute: str, hold: str | None) -> Directions:
    """The model's directions, as the command line asks for them."""
    from strangers.evaluation.attributes import load_attributes
    from strangers.latent.directions import COUNT, find_directions

    held = [] if hold in (None, "all") else [name.strip() for name in str(hold).split(",") if name.strip()]
    load_attributes().positions([attribute, *held])  # refuses what no model has, before a face is drawn
    with _bar("directions", COUNT) as advance:
        directions = find_directions(model, count=COUNT, advance=advance)
    directions.index(attribute)
    return directions.orthogonal_to(directions.names if hold == "all" else held)


def _face_of(photograph: Path, model: Model, cropped: bool) -> Pixels:
    """The photograph as the model's photographs were: cropped, and resized."""
    from strangers.data.crops import crop_named, default_crop, whole
    from strangers.data.decode import dimensions, face

    try:
        data = photograph.read_bytes()
    except OSError as error:
        raise DataError(f"The photograph {photograph} cannot be read: {error.strerror or error}.") from None
    try:
        name = model.header.crop if model.header.crop != "auto" else default_crop(*dimensions(data))
        return face(data, model.header.size, whole(name) if cropped else crop_named(name))
    except DataError as error:
        advice = "" if cropped else "; if it is cropped already, say --cropped"
        raise DataError(f"{photograph} cannot be inverted: {error}{advice}.") from None


def _refuse_many(faces: int) -> None:
    if faces > MOST:
        raise UsageError(f"One picture holds at most {MOST:,} faces, not {faces:,}; name fewer.")


@contextmanager
def _bar(work: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal, gone when the work is done; gives `advance(how many more)`."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda count: None
        return
    with Progress(console=console, transient=True) as bars:
        task = bars.add_task(work, total=total)
        yield lambda count: bars.advance(task, count)
