"""Write faces to files: a grid, strips, one PNG per face, or an animation."""

from __future__ import annotations

import os
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
    enlarge,
    grid,
    require_video,
)
from strangers.sampling.model import DRAW_BATCH, Model
from strangers.system.machine import usable_cores
from strangers.system.outputs import check_outputs, write_output

MAX_PIXELS = 2**28
"""Pixels of one picture: 800 MB in memory."""


def grid_png(
    model: Model, seeds: Sequence[int], columns: int | None, truncation: float, *, scale: int = 1
) -> bytes:
    """Return the faces of `seeds` as one PNG, row by row, in `columns` columns or near square.

    scale: factor of height and width. Raises UsageError for a picture of more than MAX_PIXELS.
    """
    if len(seeds) * (model.header.size * scale) ** 2 > MAX_PIXELS:
        raise UsageError(f"{len(seeds):,} faces at --scale {scale} are too large a picture; use fewer.")
    faces = enlarge(model.sample(seeds, truncation=truncation), scale)
    return encode_png(grid(faces, columns), model.provenance(seeds, truncation))


def strips_png(model: Model, strips: NDArray[np.float32], provenance: Provenance) -> bytes:
    """Return the faces of latents (rows, columns, latent_size), in these rows and columns, as one PNG."""
    rows, columns, size = strips.shape
    faces = model.decode(strips.reshape(rows * columns, size))
    return encode_png(grid(faces, columns), provenance)


def write_each(
    model: Model,
    seeds: Sequence[int],
    out: Path,
    truncation: float,
    *,
    scale: int = 1,
    force: bool = False,
) -> None:
    """Write one PNG per face into the folder `out`, named by its seed.

    Files are written while the next faces are drawn. scale: factor of height and width.
    force: as for `write_output`. Raises UsageError and OSError.
    """
    there = set(os.listdir(out)) if out.is_dir() else set()
    names = (f"seed{seed:04d}.png" for seed in seeds)
    check_outputs(*(out / name for name in names if name in there), kind="picture", force=force)

    def write(seed: int, face: Pixels) -> None:
        data = encode_png(face, model.provenance([seed], truncation))
        write_output(out / f"seed{seed:04d}.png", data, kind="picture", force=force)

    writing: list[Future[None]] = []
    with ThreadPoolExecutor(usable_cores()) as writers:
        for numbers, faces in model.batches(seeds, truncation=truncation):
            for written in writing:
                written.result()
            larger = zip(numbers, enlarge(faces, scale), strict=True)
            writing = [writers.submit(write, seed, face) for seed, face in larger]
        for written in writing:
            written.result()


FRAMES_PER_SECOND = 20
"""Default frames per second of animations."""

WALK_ENDINGS = (".webp", ".gif", ".mp4", ".png")


GIF_CLOCK = 100
"""A frame of a GIF lasts a whole number of hundredths of a second, and at least two in every viewer."""


def check_walk(out: Path, fps: int = FRAMES_PER_SECOND) -> None:
    """Raise UsageError unless an animation at this speed can be written to a file of this name."""
    if out.suffix.lower() == ".gif" and (GIF_CLOCK % fps or fps > GIF_CLOCK // 2):
        raise UsageError(f"--fps {fps}: a GIF has 1, 2, 4, 5, 10, 20, 25 or 50 frames per second.")
    if out.suffix.lower() not in WALK_ENDINGS:
        raise UsageError(f"{out}: --out must end in .webp, .gif or .mp4, or in .png for a strip.")
    if out.suffix.lower() == ".mp4":
        require_video()


def write_walk(
    model: Model,
    z: NDArray[np.float32],
    out: Path,
    provenance: Provenance,
    *,
    fps: int = FRAMES_PER_SECOND,
    force: bool = False,
) -> None:
    """Write the faces of latents (n, latent_size), one after another, in the format that `out` ends in.

    fps: frames per second. force: as for `write_output`. Raises UsageError and OSError.
    """
    check_walk(out, fps)
    check_outputs(out, kind="picture", force=force)
    ending = out.suffix.lower()
    if ending == ".mp4":
        data = encode_video(_frames(model, z), fps, provenance)
    elif ending == ".png":
        data = encode_png(grid(np.stack([*_frames(model, z)]), columns=len(z)), provenance)
    else:
        kind: Literal["WEBP", "GIF"] = "WEBP" if ending == ".webp" else "GIF"
        data = encode_animation([*_frames(model, z)], 1 / fps, kind, provenance)
    write_output(out, data, kind="picture", force=force)


def _frames(model: Model, z: NDArray[np.float32]) -> Iterator[Pixels]:
    """Yield the faces one by one, drawn DRAW_BATCH at a time."""
    for start in range(0, len(z), DRAW_BATCH):
        yield from model.decode(z[start : start + DRAW_BATCH])
