"""`strangers interpolate`: an animation between faces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from typer import Option

from strangers.commands.arguments import MAX_FACES, Device, ModelName, plural, require_few


def interpolate(
    model: ModelName,
    *,
    seeds: Annotated[str, Option(metavar="LIST", help="The faces on the way, as in 1,5,9.")],
    frames: Annotated[int, Option(metavar="N", min=2, max=MAX_FACES, help="Frames, 20 a second.")] = 60,
    out: Annotated[Path, Option(metavar="FILE", help="Ends in .webp, .gif, .mp4, or .png for a strip.")],
    loop: Annotated[bool, Option("--loop", help="Walk back to the first face, to begin anew.")] = False,
    device: Device = "auto",
) -> None:
    """Walk from face to face."""
    from strangers.sampling.latents import parse_seeds
    from strangers.sampling.output import check_walk, write_walk

    numbers = parse_seeds(seeds)
    check_walk(out)
    require_few(len(numbers))
    from strangers.latent.interpolation import walk
    from strangers.sampling.load import load

    generator = load(model, device=device)
    told = f"a walk of {frames} frames{', and back' if loop else ''}"
    z = walk(generator.latents(numbers), frames, generator.recipe.latent, loop=loop)
    write_walk(generator, z, out, replace(generator.provenance(numbers), latents=told))
    print(f"Wrote {plural(frames, 'frame')} by way of {plural(len(numbers), 'face')} to {out}.")
