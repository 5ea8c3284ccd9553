"""The pictures of a run: the same seeds' faces at every interval, photographs, curves, an animation."""

from __future__ import annotations

import io
from array import array
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strangers.data.prepared import PreparedSet
from strangers.images import Pixels, encode_animation, encode_png, grid
from strangers.sampling.model import Model
from strangers.system.files import write_atomically
from strangers.training.log import METRIC, entries
from strangers.training.step import StepReport

SEEDS = range(64)
"""The faces that every picture of a run shows."""

SECONDS_PER_FRAME = 0.5
LAST_FRAMES = 4
"""The animation shows its last picture for as long as so many others."""

FRAMES = 60
"""Of more pictures than this the animation shows an even choice: it has to stay small enough to share."""

POINTS, HUGE = 2_000, 1e300
"""The most points of a curve, and what no value of a point exceeds."""

INK = {"real": "#0072b2", "fake": "#d55e00", "generator": "#009e73"}  # told apart by color-blind eyes too


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


def curves(run: Path) -> bytes | None:
    """Losses, accuracies and distances, if any, against images seen, as a PNG; None before the first."""
    lines = _series(run, "images", *StepReport._fields)
    evaluations = _series(run, "images", METRIC, "generated")
    if not len(lines) and not len(evaluations):
        return None
    from matplotlib.figure import Figure  # half a second that only a run with a picture pays

    panels = 3 if len(evaluations) else 2
    figure = Figure(figsize=(5 * panels, 4), layout="constrained")
    all_axes = figure.subplots(1, panels)
    for axes, kind in zip(all_axes, ("loss", "accuracy"), strict=False):
        for who, label in (("real", "D on real"), ("fake", "D on fake"), ("generator", "G")):
            values = lines[:, 1 + StepReport._fields.index(f"{who}_{kind}")]
            axes.plot(lines[:, 0], values, color=INK[who], label=label, linewidth=1.2)
        axes.set_title(kind.capitalize())
    if len(evaluations):
        all_axes[-1].plot(*evaluations[:, :2].T, color=INK["generator"], marker="o", linewidth=1.2)
        all_axes[-1].set_title(f"{METRIC}, {evaluations[-1, 2]:,.0f} faces")
    for axes in all_axes:
        axes.set(xlabel="images seen", xlim=(0, None), ylim=(0, None))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:,.0f}k")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    all_axes[0].legend(frameon=False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    return picture.getvalue()


def _series(run: Path, *names: str) -> NDArray[np.float64]:
    """These values of the entries that have them all, a row each, oldest first.

    Of more than POINTS entries, means of several, so that a curve costs no more as its run gets longer.
    """
    values = array("d")
    for entry in entries(run):
        row: list[Any] = [entry.get(name) for name in names]
        if all(isinstance(value, int | float) and not abs(value) > HUGE for value in row):
            values.extend(row)
    rows = np.array(values).reshape(-1, len(names))
    starts = np.arange(0, len(rows), max(1, -(-len(rows) // POINTS)))
    return np.add.reduceat(rows, starts) / np.diff(starts, append=len(rows))[:, None] if len(rows) else rows


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
