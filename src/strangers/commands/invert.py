"""`strangers invert`: find the latent of a photograph."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from strangers.commands.arguments import Device, Force, ModelName
from strangers.commands.outcome import Outcome
from strangers.commands.progress import progress_bar
from strangers.errors import UsageError
from strangers.system.streams import echo

Out = Annotated[
    Path,
    Option(
        "--out",
        "-o",
        metavar="JSON",
        help="Latent file; a .png of photograph and reconstruction is added.",
    ),
]
Cropped = Annotated[bool, Option("--cropped", help="The photograph already has the crop of the model.")]
Starts = Annotated[int, Option(metavar="N", min=1, max=256, help="Number of restarts.")]
Steps = Annotated[int, Option(metavar="N", min=1, help="Optimization steps per restart.")]


def invert(
    model: ModelName,
    photograph: Annotated[Path, Argument(metavar="PHOTO", help="A photograph of one face.")],
    *,
    out: Out,
    cropped: Cropped = False,
    starts: Starts = 4,
    steps: Steps = 200,
    seed: Annotated[int, Option(metavar="N", min=0, help="Random seed.")] = 0,
    force: Force = False,
    device: Device = "auto",
) -> Outcome:
    """Find the face in a photograph, its latent, and its reconstruction."""
    if out.suffix != ".json":
        raise UsageError(f"--out must end in .json (got {out.name!r}).")
    from strangers.latent import inversion
    from strangers.latent.latent_file import latent_file, write_latent
    from strangers.latent.ood import OOD_THRESHOLD, ood_score
    from strangers.latent.photograph import read_photograph
    from strangers.sampling.load import load
    from strangers.system.outputs import check_outputs

    picture = out.with_suffix(".png")
    check_outputs(out, kind="latent", inputs=[model, photograph], force=force)
    check_outputs(picture, kind="comparison", inputs=[model, photograph], force=force)
    generator = load(model, device=device)
    seen = read_photograph(photograph, generator, cropped=cropped)
    pixels = seen.pixels
    if seen.missed:
        echo(f"warning: no face was found in {photograph}; its largest square is used.", error=True)
    score = ood_score(generator, pixels)
    if score > OOD_THRESHOLD:
        _warn(photograph, generator.header.crop, score, OOD_THRESHOLD)
    search = inversion.invert(generator, pixels, starts=starts, steps=steps, seed=seed)
    with progress_bar("inverting", steps) as advance:
        done = 0
        for result in search:
            advance(result.step - done)
            done = result.step
    found = latent_file(generator, result, score, starts, seed)
    write_latent(out, found, pixels, result.face, force=force)
    errors = {"image_error": result.image_error, "feature_error": result.feature_error, "ood_score": score}
    return Outcome(
        notes=[
            f"Wrote {out} and {picture}. Pixel error: {result.image_error:.0f} of 255. "
            f"Feature error: {result.feature_error:.2f} (1 is a different face)."
        ],
        facts={"wrote": [out, picture], **errors},
        next=f"strangers edit {model} --latent {out} --attribute Smiling --out smile.png",
    )


def _warn(photograph: Path, crop: str, score: float, threshold: float) -> None:
    echo(
        f"warning: {photograph} does not look like one upright face cropped by {crop}: its "
        f"out-of-distribution score is {score:.2f}; few photographs of faces score above {threshold}.",
        error=True,
    )
