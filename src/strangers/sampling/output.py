"""Faces as PNG files: all in one grid, a strip for each, or one file each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from strangers.errors import UsageError
from strangers.images import (
    Pixels,
    Provenance,
    encode_animation,
    encode_png,
    encode_video,
    grid,
    require_video,
)
from strangers.sampling.model import DRAW_BATCH, Model
from strangers.system.files import write_atomically
from strangers.system.machine import usable_cores


def write_grid(model: Model, seeds: Sequence[int], out: Path, columns: int | None, truncation: float) -> None:
    """All the faces in one PNG."""
    faces = grid(model.sample(seeds, truncation=truncation), columns)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, encode_png(faces, model.provenance(seeds, truncation)))


def write_strips(model: Model, strips: NDArray[np.float32], out: Path, provenance: Provenance) -> None:
    """The faces of latents (rows, columns, latent_size), in these rows and columns, in one PNG."""
    rows, columns, size = strips.shape
    faces = model.decode(strips.reshape(rows * columns, size))
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, encode_png(grid(faces, columns), provenance))


def write_each(model: Model, seeds: Sequence[int], out: Path, truncation: float) -> None:
    """One PNG per face, named by its seed. While files are written, the next faces are drawn."""
    writing: list[Future[None]] = []
    with ThreadPoolExecutor(usable_cores()) as writers:
        for numbers, faces in model.batches(seeds, truncation=truncation):
            out.mkdir(
                parents=True, exist_ok=True
            )  # after the first faces, so that a wrong call leaves nothing
            for written in writing:
                written.result()
            writing = [
                writers.submit(
                    lambda path, face, provenance: write_atomically(path, encode_png(face, provenance)),
                    out / f"seed{seed:04d}.png", face, model.provenance([seed], truncation),
                )
                for seed, face in zip(numbers, faces, strict=True)
            ]  # fmt: skip
        for written in writing:
            written.result()


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
    """The faces one by one, drawn DRAW_BATCH at once."""
    for start in range(0, len(z), DRAW_BATCH):
        yield from model.decode(z[start : start + DRAW_BATCH])
