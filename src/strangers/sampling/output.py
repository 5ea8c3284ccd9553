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
    grid,
    require_video,
)
from strangers.sampling.model import DRAW_BATCH, Model
from strangers.system.files import check_outputs, write_output
from strangers.system.machine import usable_cores


def write_grid(
    model: Model,
    seeds: Sequence[int],
    out: Path,
    columns: int | None,
    truncation: float,
    *,
    force: bool = False,
) -> None:
    """Write the faces of `seeds` as one PNG, row by row, in `columns` columns or near square.

    force: as for `write_output`, in all functions here. Raises UsageError and OSError.
    """
    check_outputs(out, kind="picture", force=force)
    faces = grid(model.sample(seeds, truncation=truncation), columns)
    data = encode_png(faces, model.provenance(seeds, truncation))
    write_output(out, data, kind="picture", force=force)


def write_strips(
    model: Model, strips: NDArray[np.float32], out: Path, provenance: Provenance, *, force: bool = False
) -> None:
    """Write the faces of latents (rows, columns, latent_size), in these rows and columns, as one PNG."""
    check_outputs(out, kind="picture", force=force)
    rows, columns, size = strips.shape
    faces = model.decode(strips.reshape(rows * columns, size))
    write_output(out, encode_png(grid(faces, columns), provenance), kind="picture", force=force)


def write_each(
    model: Model, seeds: Sequence[int], out: Path, truncation: float, *, force: bool = False
) -> None:
    """Write one PNG per face into the folder `out`, named by its seed.

    Files are written while the next faces are drawn.
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
            writing = [writers.submit(write, seed, face) for seed, face in zip(numbers, faces, strict=True)]
        for written in writing:
            written.result()


FRAMES_PER_SECOND = 20
"""Frames per second of animations; a frame of a GIF lasts a whole number of hundredths of a second."""

WALK_ENDINGS = (".webp", ".gif", ".mp4", ".png")


def check_walk(out: Path) -> None:
    """Raise UsageError unless an animation can be written to a file of this name."""
    if out.suffix.lower() not in WALK_ENDINGS:
        raise UsageError(f"{out}: --out must end in .webp, .gif or .mp4, or in .png for a strip.")
    if out.suffix.lower() == ".mp4":
        require_video()


def write_walk(
    model: Model, z: NDArray[np.float32], out: Path, provenance: Provenance, *, force: bool = False
) -> None:
    """Write the faces of latents (n, latent_size), one after another, in the format that `out` ends in."""
    check_walk(out)
    check_outputs(out, kind="picture", force=force)
    ending = out.suffix.lower()
    if ending == ".mp4":
        data = encode_video(_frames(model, z), FRAMES_PER_SECOND, provenance)
    elif ending == ".png":
        data = encode_png(grid(np.stack([*_frames(model, z)]), columns=len(z)), provenance)
    else:
        kind: Literal["WEBP", "GIF"] = "WEBP" if ending == ".webp" else "GIF"
        data = encode_animation([*_frames(model, z)], 1 / FRAMES_PER_SECOND, kind, provenance)
    write_output(out, data, kind="picture", force=force)


def _frames(model: Model, z: NDArray[np.float32]) -> Iterator[Pixels]:
    """Yield the faces one by one, drawn DRAW_BATCH at a time."""
    for start in range(0, len(z), DRAW_BATCH):
        yield from model.decode(z[start : start + DRAW_BATCH])
