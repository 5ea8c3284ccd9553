"""The pictures of a run: sample grids of fixed seeds, photographs, curves and an animation."""

from __future__ import annotations

import errno
import io
import os
import re
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strangers.data.prepared import PreparedSet
from strangers.images import Pixels, encode_animation, encode_png, grid
from strangers.sampling.model import Model
from strangers.system.files import write_atomically
from strangers.system.outputs import OF_TRAINING, kind_of
from strangers.training.evaluator import KERNEL_METRIC
from strangers.training.log import METRIC, RunLog, entries
from strangers.training.step import StepReport

SEEDS = range(64)
"""The seeds of every sample grid."""

TITLE = f"Samples{OF_TRAINING}"
"""Title of the pictures of faces."""

GRID = re.compile(r"[0-9]{6,}k\.png")
"""The name of a grid in samples/."""

SECONDS_PER_FRAME = 0.5
LAST_FRAMES = 4
"""Frames for which the animation shows the last grid."""

MAX_FRAMES = 60
"""Grids in the animation, evenly chosen from more, so that it stays small enough to share."""

MAX_POINTS, MAX_VALUE = 300, 1e300
"""Limits of a curve: number of its points, as a panel has pixels for no more, and absolute value of each."""

FEW_POINTS = 30
"""Points below which each is marked."""

COLORS = {"real": "#0072b2", "fake": "#d55e00", "generator": "#009e73"}
"""Colors of the curves, distinguishable with color blindness too."""


LABELS = {
    "loss": {"real": "D on real", "fake": "D on fake", "generator": "G"},
    "accuracy": {"real": "D on real", "fake": "D on fake", "generator": "G fools D"},
}
"""Curves of the panels of losses and accuracies."""


def _write(path: Path, picture: bytes) -> None:
    """Write a picture of the run. Raises OSError, also where something is that no training wrote."""
    if os.path.lexists(path) and not _is_of_training(path):
        raise FileExistsError(errno.EEXIST, f"{path} is something else; move it", str(path))
    write_atomically(path, picture)


def _is_of_training(path: Path) -> bool:
    """Return whether a training wrote this file, by its title; a person may have one of that name."""
    return path.is_file() and not path.is_symlink() and kind_of(path) == "run"


def save_reals(run: Path, data: PreparedSet) -> None:
    """Write reals.png: photographs of the set, for comparison."""
    first = np.arange(min(len(SEEDS), len(data)))
    picture = encode_png(grid(data.batch(first)), title=f"Photographs{OF_TRAINING}")
    _write(run / "reals.png", picture)


def save_samples(run: Path, model: Model, faces: Pixels) -> None:
    """Write the grid of SEEDS' faces, as samples/000100k.png after 100,000 images, and the curves so far."""
    folder = run / "samples"
    folder.mkdir(exist_ok=True)
    picture = encode_png(grid(faces), model.provenance(SEEDS), title=TITLE)
    _write(grid_path(run, model.header.images_seen), picture)
    save_curves(run)


def remove_samples(run: Path, after: int) -> None:
    """Remove the grids of later images, which will be trained again and otherwise."""
    for path in _grids(run):
        if int(path.stem.removesuffix("k")) > after // 1000 and _is_of_training(path):
            path.unlink()


def newest_grid(run: Path) -> Path | None:
    """Return the run's grid after the most images, or None without any."""
    return next(filter(_is_of_training, reversed(_grids(run))), None)


def _grids(run: Path) -> list[Path]:
    """Return the files in samples/ that have names of grids, in the order of their images."""
    found = [path for path in (run / "samples").glob("*k.png") if GRID.fullmatch(path.name)]
    return sorted(found, key=lambda path: int(path.stem.removesuffix("k")))


def grid_path(run: Path, images_seen: int) -> Path:
    """Return the place of the grid after `images_seen` images."""
    return run / "samples" / f"{images_seen // 1000:06d}k.png"


@contextmanager
def optional(log: RunLog, images_seen: int, what: str) -> Iterator[None]:
    """Log a warning if the block fails: no picture is worth a training. Raises RunError without the run."""
    try:
        yield
    except Exception as error:
        log.require_folder()
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        log.warn(
            images_seen,
            f"The {what} after {images_seen:,} images could not be written: {why}. Training continues.",
            kind="not written",
        )


def save_curves(run: Path) -> None:
    """Write curves.png, once there is something to plot."""
    picture = curves(run)
    if picture is not None:
        _write(run / "curves.png", picture)


def curves(run: Path) -> bytes | None:
    """Plot losses, accuracies and distances against images seen, as a PNG; None without any."""
    lines = _series(run, "images_seen", *StepReport._fields)
    metric, evaluations = METRIC, _series(run, "images_seen", METRIC, "generated")
    if not len(evaluations):
        metric, evaluations = KERNEL_METRIC, _series(run, "images_seen", KERNEL_METRIC, "generated")
    if not len(lines) and not len(evaluations):
        return None
    from matplotlib.figure import Figure  # takes half a second to import
    from matplotlib.ticker import EngFormatter, MaxNLocator

    panels = 3 if len(evaluations) else 2
    figure = Figure(figsize=(5 * panels, 4), layout="constrained")
    all_axes = figure.subplots(1, panels)
    for axes, kind in zip(all_axes, LABELS, strict=False):
        for who, label in LABELS[kind].items():
            values = lines[:, 1 + StepReport._fields.index(f"{who}_{kind}")]
            marker = "o" if len(lines) < FEW_POINTS else ""
            axes.plot(
                lines[:, 0],
                values,
                color=COLORS[who],
                label=label,
                linewidth=1.2,
                marker=marker,
                markersize=4,
            )
        axes.set_title(kind.capitalize())
        axes.legend(frameon=False)
    if len(evaluations):
        all_axes[-1].plot(*evaluations[:, :2].T, color=COLORS["generator"], marker="o", linewidth=1.2)
        all_axes[-1].set_title(f"{metric}, {evaluations[-1, 2]:,.0f} faces")
    for axes in all_axes:
        axes.set(xlabel="images seen", xlim=(0, None), ylim=(0, None))
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    all_axes[0].set_ylim(*_limits(lines[:, [1, 3, 5]]))
    all_axes[1].set_ylim(0, 1.02)
    picture = io.BytesIO()
    title = {"Title": f"Curves{OF_TRAINING}", "Software": None}
    figure.savefig(picture, format="png", dpi=110, metadata=title)
    return picture.getvalue()


def _limits(losses: NDArray[np.float64]) -> tuple[float, float]:
    """Return the limits of the panel of losses: all of them, but of spikes no more than the curves need."""
    if not losses.size:
        return 0, 1
    low, high = np.percentile(losses, (1, 99))
    margin = max(0.3 * (high - low), 1e-6)
    bottom, top = max(losses.min(), low - margin), min(losses.max(), high + margin)
    return min(0, bottom), 1.02 * top if top > 0 else margin


def _series(run: Path, *names: str) -> NDArray[np.float64]:
    """Return the values of the log entries that have all these names, one row each, oldest first.

    More than MAX_POINTS rows are averaged in groups, so that the cost of a curve does not grow with its run.
    """
    values = array("d")
    for entry in entries(run):
        row: list[Any] = [entry.get(name) for name in names]
        if all(isinstance(value, int | float) and not abs(value) > MAX_VALUE for value in row):
            values.extend(row)
    rows = np.array(values).reshape(-1, len(names))
    starts = np.arange(0, len(rows), max(1, -(-len(rows) // MAX_POINTS)))
    return np.add.reduceat(rows, starts) / np.diff(starts, append=len(rows))[:, None] if len(rows) else rows


STRIP_FACES, STRIP_COLUMNS = 8, 10
"""Rows and columns of progress.png: the first faces of the grids, and grids from the first to the last."""


def save_strip(run: Path, size: int) -> None:
    """Write progress.png: the same faces from the first grid to the last, one row per face.

    size: height and width of a face. The grids have eight columns; those that cannot be read are left out.
    """
    # The first faces of a grid are its first row, with a gap of 2 pixels between them.
    lefts = range(0, STRIP_FACES * (size + 2), size + 2)
    grids, _ = _read_grids(run, STRIP_COLUMNS)
    columns = [[pixels[:size, left : left + size] for left in lefts] for pixels in grids]
    if columns:
        faces = np.stack([column[face] for face in range(STRIP_FACES) for column in columns])
        _write(run / "progress.png", encode_png(grid(faces, columns=len(columns)), title=TITLE))


def save_animation(run: Path) -> list[Path]:
    """Write progress.webp: the grids in the order of their images. Return files that are no grids."""
    frames, others = _read_grids(run, MAX_FRAMES)
    if frames:
        frames += [frames[-1]] * (LAST_FRAMES - 1)
        _write(run / "progress.webp", encode_animation(frames, SECONDS_PER_FRAME, title=TITLE))
    return others


def _read_grids(run: Path, most: int) -> tuple[list[Pixels], list[Path]]:
    """Read at most `most` grids, evenly chosen; also return the files among them that are none."""
    from PIL import Image

    paths = _grids(run)
    chosen = np.unique(np.linspace(0, len(paths) - 1, min(most, len(paths))).round().astype(int))
    read, others = [], []
    for path in (paths[index] for index in chosen):
        try:
            if not _is_of_training(path):
                raise ValueError("something else")
            with Image.open(path) as picture:
                read.append(np.asarray(picture.convert("RGB")))
        except (OSError, SyntaxError, ValueError):  # PIL raises SyntaxError for a broken PNG
            others.append(path)
    return read, others
