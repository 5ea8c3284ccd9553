"""`strangers invert`: find the latent of a photograph."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from strangers.commands.arguments import Device, ModelName
from strangers.commands.progress import progress_bar
from strangers.errors import UsageError


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
    from strangers.latent import inversion
    from strangers.latent.latent_file import latent_file, write_latent
    from strangers.latent.ood import OOD_THRESHOLD, ood_score
    from strangers.latent.photograph import face_of
    from strangers.sampling.load import load

    generator = load(model, device=device)
    pixels = face_of(photograph, generator, cropped)
    strange = ood_score(generator, pixels)
    if strange > OOD_THRESHOLD:
        print(
            f"warning: {photograph} does not look like a face cropped by {generator.header.crop}: its "
            f"strangeness is {strange:.1f}; this model's faces have 1, few photographs {OOD_THRESHOLD}.",
            file=sys.stderr,
        )
    search = inversion.invert(generator, pixels, starts=starts, steps=steps, seed=seed)
    with progress_bar("inverting", steps) as advance:
        done = 0
        for result in search:
            advance(result.step - done)
            done = result.step
    write_latent(out, latent_file(generator, result, strange, starts, seed), pixels, result.face)
    print(
        f"Wrote {out}, and {out.with_suffix('.png')} with the photograph beside its likeness. Pixels differ "
        f"by {result.image_error:.0f} of 255, features by {result.feature_error:.2f} of what two faces do."
    )
