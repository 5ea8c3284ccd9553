"""`strangers interpolate`: an animation between faces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from typer import Option

from strangers.commands.arguments import MAX_FACES, Device, Force, ModelName, plural, require_few
from strangers.system.streams import echo


def interpolate(
    model: ModelName,
    *,
    seeds: Annotated[str, Option(metavar="LIST", help="Keyframes: seeds, such as 1,5,9.")],
    frames: Annotated[
        int, Option(metavar="N", min=2, max=MAX_FACES, help="Number of frames, at 20 per second.")
    ] = 60,
    out: Annotated[Path, Option(metavar="FILE", help="A .webp, .gif or .mp4, or a .png strip.")],
    loop: Annotated[bool, Option("--loop", help="Return to the first face.")] = False,
    force: Force = False,
    device: Device = "auto",
) -> None:
    """Animate an interpolation between faces."""
    from strangers.sampling.latents import parse_seeds
    from strangers.sampling.output import check_walk, write_walk

    numbers = parse_seeds(seeds)
    check_walk(out)
    require_few(len(numbers))
    from strangers.latent import interpolation
    from strangers.sampling.load import load
    from strangers.system.files import check_outputs

    check_outputs(out, kind="picture", inputs=[model], force=force)
    generator = load(model, device=device)
    description = f"interpolation of {frames} frames{', looped' if loop else ''}"
    z = interpolation.interpolate(generator.latents(numbers), frames, generator.recipe.latent, loop=loop)
    write_walk(generator, z, out, replace(generator.provenance(numbers), latents=description), force=force)
    echo(f"Wrote {plural(frames, 'frame')} through {plural(len(numbers), 'face')} to {out}.")
