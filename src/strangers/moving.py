"""Faces in motion: a walk as WebP, GIF or MP4, or as a strip of its frames."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from strangers.errors import UsageError
from strangers.files import write_atomically
from strangers.images import Pixels, Provenance, encode_animation, encode_png, grid
from strangers.sampling import BATCH, Model
from strangers.video import encode_video, require_video

FRAMES_PER_SECOND = 20
"""Smooth for the eye, and whole hundredths of a second, in which a GIF counts."""

ENDINGS = (".webp", ".gif", ".mp4", ".png")


def check_walk(out: Path) -> None:
    """Raise UsageError for a name that a walk cannot be written to, before anything is drawn."""
    if out.suffix.lower() not in ENDINGS:
        raise UsageError(
            f"{out}: a walk is written as WebP, GIF, MP4, or as a strip in a PNG; end --out in one."
        )
    if out.suffix.lower() == ".mp4":
        require_video()


def write_walk(model: Model, z: NDArray[np.float32], out: Path, provenance: Provenance) -> None:
    """The faces of the latents (n, latent_size), one after another, in the format that `out` ends in."""
    check_walk(out)
    ending = out.suffix.lower()
    if ending == ".mp4":
        data = encode_video(_frames(model, z), FRAMES_PER_SECOND, provenance)
    elif ending == ".png":
        data = encode_png(grid(np.stack([*_frames(model, z)]), columns=len(z)), provenance)
    else:
        kind: Literal["WEBP", "GIF"] = "WEBP" if ending == ".webp" else "GIF"
        data = encode_animation([*_frames(model, z)], 1 / FRAMES_PER_SECOND, kind, provenance)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, data)


def _frames(model: Model, z: NDArray[np.float32]) -> Iterator[Pixels]:
    """The faces one by one, drawn BATCH at once."""
    for start in range(0, len(z), BATCH):
        yield from model.decode(z[start : start + BATCH])
