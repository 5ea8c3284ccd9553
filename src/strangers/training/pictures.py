"""The pictures of a run: the same seeds' faces at every interval, photographs, curves, an animation."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from strangers.data.prepared import PreparedSet
from strangers.files import write_atomically
from strangers.images import Pixels, encode_animation, encode_png, grid
from strangers.sampling import Model
from strangers.training.journal import curves

SEEDS = range(64)
"""The faces that every picture of a run shows."""

SECONDS_PER_FRAME = 0.5
LAST_FRAMES = 4
"""The animation shows its last picture for as long as so many others."""

FRAMES = 60
"""Of more pictures than this the animation shows an even choice: it has to stay small enough to share."""


def save_reals(run: Path, data: PreparedSet) -> None:
    """reals.png: photographs of the set, to compare with."""
    first = np.arange(min(len(SEEDS), len(data)))
    write_atomically(run / "reals.png", encode_png(grid(data.batch(first))))


def save_samples(run: Path, model: Model, faces: Pixels) -> None:
    """samples/000100k.png: the model's faces of SEEDS, 100,000 images into the run. And the curves so far."""
    folder = run / "samples"
    folder.mkdir(exist_ok=True)
    picture = encode_png(grid(faces), model.provenance(SEEDS))
    write_atomically(folder / f"{model.header.images_seen // 1000:06d}k.png", picture)
    save_curves(run)


def remove_samples(run: Path, after: int) -> None:
    """Remove the pictures of what came after so many images, when that is trained again and otherwise."""
    for path in (run / "samples").glob("*k.png"):
        if int(path.stem.removesuffix("k")) > after // 1000:
            path.unlink()


def save_curves(run: Path) -> None:
    """curves.png: losses and accuracies, once there is a line of them."""
    picture = curves(run)
    if picture is not None:
        write_atomically(run / "curves.png", picture)


def save_animation(run: Path) -> None:
    """progress.webp: the grids in the order in which they were drawn."""
    from PIL import Image

    paths = sorted((run / "samples").glob("*k.png"))
    if not paths:
        return
    chosen = np.unique(np.linspace(0, len(paths) - 1, min(FRAMES, len(paths))).round().astype(int))
    frames = [np.asarray(Image.open(paths[index]).convert("RGB")) for index in chosen]
    frames += [frames[-1]] * (LAST_FRAMES - 1)
    write_atomically(run / "progress.webp", encode_animation(frames, SECONDS_PER_FRAME))
