"""`strangers train`: train a generator, or resume a run."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from strangers.commands.arguments import Device, parse_changes, parse_images
from strangers.system.machine import process_number
from strangers.system.streams import echo
from strangers.training.options import TrainingOptions


def _images(number: str | int) -> int:
    """Parse a number of images; defaults are integers already."""
    return parse_images(str(number))


OPTIONS: dict[str, Any] = {
    "recipe": Annotated[
        str | None,
        Option(
            metavar="NAME|FILE|RUN",
            help="A recipe of `strangers recipes`, or that of a JSON file, run or model.  "
            "[default: fast-64; few-* with --from]",
        ),
    ],
    "from_model": Annotated[
        str | None, Option("--from", metavar="MODEL", help="Start from the weights of a model or a run.")
    ],
    "out": Annotated[Path, Option(metavar="RUN", help="Folder of the run; a run in it is resumed.")],
    "images": Annotated[
        int | None,
        Option(metavar="N", parser=_images, help="Images: 50000, 100k, 1.5M.  [default: the recipe's]"),
    ],
    "epochs": Annotated[
        int | None, Option(metavar="N", min=1, help="Passes over the set, instead of --images.")
    ],
    "seed": Annotated[int, Option(metavar="N", min=0, help="Random seed.")],
    "device": Device,
    "precision": Annotated[str, Option(metavar="NAME", help="auto, fp32 or bf16.")],
    "threads": Annotated[
        int | None, Option(metavar="N", min=1, help="CPU threads.  [default: one per core]")
    ],
    "compiled": Annotated[bool, Option("--compile", help="Compile the networks with torch; gains little.")],
    "size": Annotated[
        int | None,
        Option(metavar="PX", min=8, max=1024, help="Size of the pictures; the networks' widths follow."),
    ],
    "changes": Annotated[
        list[str] | None, Option("--set", metavar="FIELD=VALUE", help="Change a recipe field; repeatable.")
    ],
    "every": Annotated[
        int, Option(metavar="N", parser=_images, help="Images between sample grids with checkpoints.")
    ],
    "log_every": Annotated[
        int | None,
        Option(metavar="N", parser=_images, help="Images between lines of the log.  [default: 50 steps]"),
    ],
    "keep": Annotated[int, Option(metavar="N", min=1, help="Number of checkpoints to keep.")],
    "evaluate_every": Annotated[
        int | None,
        Option(metavar="N", parser=_images, help="Images between measurements of fd-face.  [default: none]"),
    ],
    "evaluate_count": Annotated[int, Option(metavar="N", help="Faces in each measurement.")],
    "patience": Annotated[
        int | None, Option(metavar="K", help="Stop after K measurements without improvement.")
    ],
    "on_collapse": Annotated[
        str, Option(metavar="NAME", help="Reaction to a collapse: warn, stop or rollback.")
    ],
    "tensorboard": Annotated[bool, Option("--tensorboard", help="Log for TensorBoard too.")],
    "dry_run": Annotated[bool, Option("--dry-run", help="Print the plan and its cost without training.")],
}
"""Options of the command: the fields of `TrainingOptions`, with their defaults, and two more."""


def train(
    data: Annotated[str, Argument(metavar="DATA", help="A prepared set, or a SOURCE as in `prepare`.")],
    *,
    changes: list[str] | None = None,
    dry_run: bool = False,
    **options: Any,
) -> None:
    """Train a generator, or resume a run."""
    wanted = TrainingOptions(overrides=parse_changes(changes or []), **options)
    arguments = {field.name: getattr(wanted, field.name) for field in fields(wanted)}
    from strangers.training import dry_run as rehearsal
    from strangers.training import loop

    if dry_run:
        echo(*str(rehearsal.dry_run(data, **arguments)).split("\n"))
        return
    run = loop.train(data, **arguments)
    if process_number() == 0:
        echo(*results(run.path))


def _parameters() -> Iterator[inspect.Parameter]:
    """Yield the command's parameters, for typer."""
    defaults = {field.name: field.default for field in fields(TrainingOptions)}
    defaults |= {"out": inspect.Parameter.empty, "changes": None, "dry_run": False}
    yield inspect.signature(train, eval_str=True).parameters["data"]
    for name, kind in OPTIONS.items():
        yield inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=defaults[name], annotation=kind)


train.__signature__ = inspect.Signature([*_parameters()], return_annotation=None)  # type: ignore[attr-defined]


def results(run: Path) -> list[str]:
    """Return the paths of the pictures and the model of a finished run, and next commands."""
    newest = sorted((run / "samples").glob("*.png"))[-1:]
    model = run / "checkpoints" / (run / "latest").read_text().strip() / "model.safetensors"
    places = {
        "faces": newest[0] if newest else run / "samples",
        "curves": run / "curves.png",
        "progress": run / "progress.webp",
        "model": model,
    }
    lines = [f"  {name:<10}{place}" for name, place in places.items()]
    return [
        *lines,
        f"More faces:    strangers sample {shlex.quote(str(run))} --seeds 64-127 --out faces.png",
        "Train longer:  rerun the command with a larger --images.",
    ]
