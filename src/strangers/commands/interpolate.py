"""`strangers interpolate`: an animation between faces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from typer import Option

from strangers.commands.arguments import MAX_FACES, Device, Force, ModelName, plural, require_few
from strangers.commands.outcome import Outcome
from strangers.errors import UsageError

Seeds = Annotated[
    str | None, Option("--seeds", "--seed", metavar="LIST", help="Keyframes: seeds, such as 1,5,9.")
]
LatentFiles = Annotated[
    list[Path] | None,
    Option(metavar="JSON", help="Keyframes after the seeds: a latent file of `invert`; repeatable."),
]


def interpolate(
    model: ModelName,
    *,
    seeds: Seeds = None,
    latent: LatentFiles = None,
    frames: Annotated[int, Option(metavar="N", min=2, max=MAX_FACES, help="Number of frames.")] = 60,
    fps: Annotated[int, Option(metavar="N", min=1, max=60, help="Frames per second.")] = 20,
    out: Annotated[
        Path, Option("--out", "-o", metavar="FILE", help="A .webp, .gif or .mp4, or a .png strip.")
    ],
    loop: Annotated[bool, Option("--loop", help="Return to the first face.")] = False,
    force: Force = False,
    device: Device = "auto",
) -> Outcome:
    """Animate an interpolation between faces."""
    from strangers.sampling.latents import parse_seeds
    from strangers.sampling.output import check_walk, write_walk

    files = latent or []
    if seeds is None and not files:
        raise UsageError("Pass the faces to walk between: --seeds, --latent, or both.")
    numbers = [] if seeds is None else parse_seeds(seeds)
    check_walk(out, fps)
    require_few(len(numbers) + len(files))
    import numpy as np

    from strangers.latent import interpolation
    from strangers.latent.latent_file import read_latent
    from strangers.sampling.load import load
    from strangers.system.outputs import check_outputs

    check_outputs(out, kind="picture", inputs=[model, *files], force=force)
    generator = load(model, device=device)
    keyframes = np.concatenate(
        [generator.latents(numbers), *(read_latent(file).of(generator) for file in files)]
    )
    z = interpolation.interpolate(keyframes, frames, generator.recipe.latent, loop=loop)
    description = f"interpolation of {frames} frames{', looped' if loop else ''}"
    if files:
        description += f"; from {', '.join(file.name for file in files)}"
    provenance = replace(generator.provenance(numbers), latents=description)
    write_walk(generator, z, out, provenance, fps=fps, force=force)
    return Outcome(
        notes=[f"Wrote {plural(frames, 'frame')} through {plural(len(keyframes), 'face')} to {out}."],
        facts={"wrote": [out], "seeds": numbers, "frames": frames, "fps": fps},
        next=f"strangers serve {model}",
    )
