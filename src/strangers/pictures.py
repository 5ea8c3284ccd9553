"""Faces as PNG files: all in one grid, a strip for each, or one file each."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strangers.files import write_atomically
from strangers.images import Provenance, encode_png, grid
from strangers.machine import usable_cores
from strangers.sampling import Model


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
