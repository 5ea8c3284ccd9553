"""`strangers train`: train a generator, or resume a run."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from strangers.commands import completion
from strangers.commands.arguments import Device, parse_changes, parse_images
from strangers.commands.help import in_group
from strangers.commands.outcome import Outcome
from strangers.commands.recipes import complete_recipe
from strangers.system.streams import is_quiet
from strangers.training.options import TrainingOptions


def _images(number: str | int) -> int:
    """Parse a number of images; defaults are integers already."""
    return parse_images(str(number))


OPTIONS: dict[str, dict[str, Any]] = {
    "Training": {
        "recipe": Annotated[
            str | None,
            Option(
                metavar="NAME|FILE|RUN",
                help="A recipe of `strangers recipes`, or that of a JSON file, run or model.  "
                "[default: fast-64; few-* with --from]",
                autocompletion=complete_recipe,
            ),
        ],
        "from_model": Annotated[
            str | None,
            Option(
                "--from",
                metavar="MODEL",
                help="Start from the weights of a model or a run.",
                autocompletion=completion.models,
            ),
        ],
        "size": Annotated[
            int | None,
            Option(metavar="PX", min=8, max=1024, help="Size of the pictures; the networks' widths follow."),
        ],
        "changes": Annotated[
            list[str] | None,
            Option("--set", metavar="FIELD=VALUE", help="Change a recipe field; repeatable."),
        ],
        "images": Annotated[
            int | None,
            Option(metavar="N", parser=_images, help="Images: 50000, 100k, 1.5M.  [default: the recipe's]"),
        ],
        "epochs": Annotated[
            int | None, Option(metavar="N", min=1, help="Passes over the set, instead of --images.")
        ],
        "seed": Annotated[int, Option(metavar="N", min=0, help="Random seed.")],
    },
    "Run": {
        "out": Annotated[
            Path | None,
            Option(
                "--out",
                "-o",
                metavar="RUN",
                help="Folder of the run; a run in it is resumed.  [default: runs/NAME-0001, -0002, ...]",
            ),
        ],
        "every": Annotated[
            int, Option(metavar="N", parser=_images, help="Images between sample grids with checkpoints.")
        ],
        "log_every": Annotated[
            int | None,
            Option(
                metavar="N",
                parser=_images,
                help="Images between lines of the log.  [default: a hundredth of all]",
            ),
        ],
        "keep": Annotated[int, Option(metavar="N", min=1, help="Number of checkpoints to keep.")],
        "tensorboard": Annotated[bool, Option("--tensorboard", help="Log for TensorBoard too.")],
    },
    "Evaluation": {
        "evaluate_every": Annotated[
            int | None,
            Option(
                metavar="N", parser=_images, help="Images between measurements of fd-face.  [default: none]"
            ),
        ],
        "evaluate_count": Annotated[
            int | None,
            Option(metavar="N", help="Faces in each measurement.  [default: 2000; 512 of few pictures]"),
        ],
        "patience": Annotated[
            int | None, Option(metavar="K", help="Stop after K measurements without improvement.")
        ],
        "on_collapse": Annotated[
            str, Option(metavar="NAME", help="Reaction to a collapse: warn, stop or rollback.")
        ],
    },
    "Machine": {
        "device": Device,
        "precision": Annotated[str, Option(metavar="NAME", help="auto, fp32 or bf16.")],
        "threads": Annotated[
            int | None, Option(metavar="N", min=1, help="CPU threads.  [default: one per core]")
        ],
        "compiled": Annotated[
            bool, Option("--compile", help="Compile the networks with torch; gains little.")
        ],
    },
    "Options": {
        "dry_run": Annotated[bool, Option("--dry-run", help="Print the plan and its cost without training.")],
    },
}
"""Options of the command by group of its help: the fields of `TrainingOptions`, and two more."""


def train(
    data: Annotated[str, Argument(metavar="DATA", help="A prepared set, or a SOURCE as in `prepare`.")],
    *,
    changes: list[str] | None = None,
    dry_run: bool = False,
    **options: Any,
) -> Outcome:
    """Train a generator, or resume a run."""
    wanted = TrainingOptions(overrides=parse_changes(changes or []), progress=not is_quiet(), **options)
    arguments = {field.name: getattr(wanted, field.name) for field in fields(wanted)}
    from strangers.training import dry_run as rehearsal
    from strangers.training import loop
    from strangers.training.run import Interrupted, Terminated

    if dry_run:
        planned = rehearsal.dry_run(data, **arguments)
        recipe = planned.recipe.model_dump(mode="json")
        return Outcome(str(planned).split("\n"), facts={"plan": planned.rows, "recipe": recipe})
    try:
        run = loop.train(data, **arguments)
    except (Interrupted, Terminated) as stopped:
        where = "" if wanted.out else f" with --out {shlex.quote(str(stopped.run))}"
        return results(stopped.run, f"the same command{where}, to resume", int(stopped.code or 0))
    return results(run.path)


def _parameters() -> Iterator[inspect.Parameter]:
    """Yield the command's parameters, for typer."""
    defaults = {field.name: field.default for field in fields(TrainingOptions)}
    defaults |= {"changes": None, "dry_run": False}
    yield inspect.signature(train, eval_str=True).parameters["data"]
    for group, options in OPTIONS.items():
        for name, kind in options.items():
            annotation = in_group(kind, group)
            yield inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=defaults[name], annotation=annotation
            )


train.__signature__ = inspect.Signature([*_parameters()], return_annotation=Outcome)  # type: ignore[attr-defined]


def results(run: Path, following: str = "", exit_code: int = 0) -> Outcome:
    """Return the paths of the pictures and the model of a run with a checkpoint, and the next command."""
    newest = sorted((run / "samples").glob("*.png"))[-1:]
    model = run / "checkpoints" / (run / "latest").read_text().strip() / "model.safetensors"
    places = {
        "faces": newest[0] if newest else run / "samples",
        "curves": run / "curves.png",
        "progress": run / "progress.webp",
        "strip": run / "progress.png",
        "model": model,
    }
    written = {name: path for name, path in places.items() if path.exists()}
    more = f"strangers sample {shlex.quote(str(run))} --seeds 64-127 --out faces.png"
    return Outcome(
        notes=[f"Wrote {run}:", *(f"  {name:<10}{place}" for name, place in written.items())],
        facts={"run": run, **written},
        next=following or more,
        exit_code=exit_code,
    )
