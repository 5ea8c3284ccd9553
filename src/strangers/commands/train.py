"""`strangers train`: train a generator, or resume a run."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from strangers.commands.arguments import (
    Device,
    parse_changes,
    parse_images,
)
from strangers.system.machine import process_number


def train(
    data: Annotated[str, Argument(metavar="DATA", help="A prepared set, or a SOURCE as of `prepare`.")],
    *,
    recipe: Annotated[str, Option(metavar="NAME", help="One of `strangers recipes`.")] = "fast-64",
    out: Annotated[Path, Option(metavar="RUN", help="The run's folder; a run that it holds goes on.")],
    images: Annotated[
        str | None, Option(metavar="N", help="Images to see: 50000, 100k, 1.5M.  [default: the recipe's]")
    ] = None,
    epochs: Annotated[
        int | None, Option(metavar="N", min=1, help="The same in times through the set.")
    ] = None,
    seed: Annotated[int, Option(metavar="N", min=0, help="Decides all that is random.")] = 0,
    device: Device = "auto",
    precision: Annotated[str, Option(metavar="NAME", help="auto, fp32 or bf16.")] = "auto",
    threads: Annotated[
        int | None, Option(metavar="N", min=1, help="Threads on a CPU.  [default: a core each]")
    ] = None,
    compiled: Annotated[
        bool,
        Option("--compile", help="Let torch compile the networks first; off, as it gained little."),
    ] = False,
    changes: Annotated[
        list[str] | None, Option("--set", metavar="FIELD=VALUE", help="Change the recipe; repeatable.")
    ] = None,
    every: Annotated[str, Option(metavar="N", help="Images between pictures with checkpoints.")] = "20k",
    log_every: Annotated[
        str | None, Option(metavar="N", help="Images between lines of the log.  [default: 50 steps]")
    ] = None,
    keep: Annotated[int, Option(metavar="N", min=1, help="How many checkpoints stay.")] = 3,
    evaluate_every: Annotated[
        str | None, Option(metavar="N", help="Images between measurements of fd-face.  [default: none]")
    ] = None,
    evaluate_count: Annotated[int, Option(metavar="N", help="Faces in each of them.")] = 2_000,
    patience: Annotated[
        int | None, Option(metavar="K", help="Stop after K measurements without a better one.")
    ] = None,
    on_collapse: Annotated[str, Option(metavar="NAME", help="warn, stop or rollback.")] = "warn",
    tensorboard: Annotated[bool, Option("--tensorboard", help="Log for TensorBoard too.")] = False,
    dry_run: Annotated[
        bool, Option("--dry-run", help="Print what it would do and cost; train nothing.")
    ] = False,
) -> None:
    """Train a generator, or go on where this command stopped."""
    settings: dict[str, Any] = {
        "recipe": recipe, "out": out, "epochs": epochs, "seed": seed, "device": device,
        "precision": precision, "threads": threads, "compiled": compiled,
        "overrides": parse_changes(changes or []),
        "every": parse_images(every), "images": None if images is None else parse_images(images),
        "log_every": None if log_every is None else parse_images(log_every), "keep": keep,
        "evaluate_every": None if evaluate_every is None else parse_images(evaluate_every),
        "evaluate_count": evaluate_count, "patience": patience, "on_collapse": on_collapse,
        "tensorboard": tensorboard,
    }  # fmt: skip
    from strangers.training import dry_run as rehearsal
    from strangers.training import loop

    if dry_run:
        print(rehearsal.dry_run(data, **settings))
        return
    run = loop.train(data, **settings)
    if process_number() == 0:
        print(results(run.path))


def results(run: Path) -> str:
    """Where a finished run's pictures and its model are, and what to try next."""
    newest = sorted((run / "samples").glob("*.png"))[-1:]
    model = run / "checkpoints" / (run / "latest").read_text().strip() / "model.safetensors"
    places = {
        "faces": newest[0] if newest else run / "samples",
        "curves": run / "curves.png",
        "progress": run / "progress.webp",
        "model": model,
    }
    lines = [f"  {name:<10}{place}" for name, place in places.items()]
    return "\n".join(
        [
            *lines,
            f"More faces:    strangers sample {shlex.quote(str(run))} --seeds 64-127 --out faces.png",
            "Train longer:  the same command with a larger --images goes on from here.",
        ]
    )
