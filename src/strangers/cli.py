"""The command line: one short function per verb. What each does is in the module that it calls.

A wrong call ends at once with one sentence and exit code 2, a failure with one sentence and 1, Ctrl-C with
130 and SIGTERM with 143. Imports that cost time stand inside the functions, so that --help answers at once.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from typer import Argument, Option

from strangers import __version__, exporting, measuring, preparing, serving, steering, streams
from strangers.arguments import (
    Device,
    ModelName,
    counted,
    is_picture,
    parse_changes,
    parse_grid,
    parse_images,
    parse_where,
)
from strangers.errors import PeerError, RunError, StrangersError, UsageError
from strangers.machine import is_out_of_memory, process_number

app = typer.Typer(
    help="Generators of human faces: trained, measured, shared.",
    epilog="Begin with: strangers train synthetic --recipe dcgan-32 --images 50k --out runs/first",
    add_completion=False,
    rich_markup_mode=None,  # rich takes longer to import than --help may take
    pretty_exceptions_enable=False,
)

MOST_IN_A_GRID = 10_000
"""Faces in one picture: a hundred by a hundred are already more than anybody looks at."""

Json = Annotated[bool, Option("--json", help="Print JSON.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"strangers {__version__}")
        raise typer.Exit


@app.callback()
def strangers(
    version: Annotated[
        bool, Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


app.command(epilog="Example: strangers prepare img_align_celeba.zip --size 64 --out celeba64")(
    preparing.prepare
)
app.command(epilog="Example: strangers explore celeba64 --out celeba64.html")(measuring.explore)


@app.command(epilog="Example: strangers train celeba64 --out runs/faces")
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
    from strangers.listing import results
    from strangers.training import loop

    if dry_run:
        print(loop.dry_run(data, **settings))
        return
    run = loop.train(data, **settings)
    if process_number() == 0:
        print(results(run.path))


@app.command(epilog="Example: strangers sample runs/faces --seeds 0-63 --out faces.png")
def sample(
    model: ModelName,
    *,
    out: Annotated[Path, Option(metavar="PNG|DIR", help="One grid, or a folder of one PNG per face.")],
    seeds: Annotated[
        str | None, Option(metavar="LIST", help="As in 0-63,70.  [default: 0 to 63, or what fills --grid]")
    ] = None,
    grid: Annotated[
        str | None, Option(metavar="CxR", help="Columns x rows, as in 8x8.  [default: near square]")
    ] = None,
    truncation: Annotated[float, Option(metavar="T", help="Below 1: fewer oddities, less variety.")] = 1.0,
    where: Annotated[
        str | None, Option(metavar="LIST", help="Keep such faces only, as in Smiling=1,Eyeglasses=0.")
    ] = None,
    device: Device = "auto",
) -> None:
    """Draw the faces that seeds name."""
    as_grid = is_picture(out)
    columns, rows = (None, None) if grid is None else parse_grid(grid)
    if columns and not as_grid:
        raise UsageError(f"--grid is for one picture, but {out} is a folder; let --out end in .png.")
    from strangers.latents import parse_seeds

    cells = columns * rows if columns and rows else 64
    numbers = range(cells) if seeds is None else parse_seeds(seeds)
    wanted = None if where is None else parse_where(where)
    if wanted is None or seeds is None:
        _refuse_many(numbers, as_grid, grid, cells)
    from strangers.pictures import write_each, write_grid
    from strangers.sampling import load

    generator = load(model, device=device)
    if wanted is not None:
        numbers = steering.matching(generator, wanted, None if seeds is None else numbers, cells, truncation)
        _refuse_many(numbers, as_grid, grid, cells)
    if as_grid:
        write_grid(generator, numbers, out, columns, truncation)
    else:
        write_each(generator, numbers, out, truncation)
    print(f"Wrote {counted(len(numbers), 'face')} to {out}.")


def _refuse_many(numbers: Sequence[int], as_grid: bool, grid: str | None, cells: int) -> None:
    """Raise UsageError for more faces than one picture takes."""
    if grid is not None and len(numbers) > cells:
        raise UsageError(f"{len(numbers):,} seeds do not fit into a grid of {grid}, which holds {cells:,}.")
    if as_grid and len(numbers) > MOST_IN_A_GRID:
        raise UsageError(
            f"A grid holds at most {MOST_IN_A_GRID:,} faces, not {len(numbers):,}; let --out name a folder."
        )


app.command(epilog="Example: strangers interpolate runs/faces --seeds 1,5,9 --out walk.webp")(
    steering.interpolate
)
app.command(epilog="Example: strangers edit runs/faces --seeds 3,4 --attribute Smiling --out smile.png")(
    steering.edit
)
app.command(epilog="Example: strangers invert runs/faces photo.jpg --out latent.json")(steering.invert)
app.command(
    epilog="Example: strangers evaluate runs/faces celeba64 --features face,inception --out faces.json"
)(measuring.evaluate)

app.command(epilog="Example: strangers export runs/faces --to page --out faces/")(exporting.export)


app.command(epilog="Example: strangers serve runs/faces")(serving.serve)


@app.command(epilog="Example: strangers recipes dcgan-64 --json")
def recipes(
    name: Annotated[str | None, Argument(metavar="[NAME]", help="One recipe, with every value.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """List the recipes, or every value of one."""
    from strangers.listing import describe, table, values
    from strangers.recipes import RECIPES, recipe_named

    if name:
        described = describe(recipe_named(name))
        print(json.dumps(described, indent=2) if as_json else values(described))
    else:
        everything = [describe(recipe) for recipe in RECIPES.values()]
        print(json.dumps(everything, indent=2) if as_json else table(everything))


@app.command(epilog="Example: strangers doctor")
def doctor(
    *,
    seconds: Annotated[float, Option(metavar="S", min=0, help="For the speed check; 0 leaves it out.")] = 5.0,
    as_json: Json = False,
) -> None:
    """Say what this machine can do, and how fast it trains."""
    from strangers.doctor import examine

    report = examine(seconds)
    print(report.to_json() if as_json else report)


app.command(epilog="Example: strangers train-attributes celeba64 --validation val64 --out a.safetensors")(
    measuring.train_attributes
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code. What went wrong is told in one sentence on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = app(words or ["--help"], prog_name="strangers", standalone_mode=False)
        sys.stdout.flush()  # here, so that a reader who has gone is noticed here
    except (UsageError, RunError, PeerError) as error:  # which all processes of a training meet
        return _fail(str(error), error.exit_code) if process_number() == 0 else error.exit_code
    except StrangersError as error:
        return _fail(str(error), error.exit_code)
    except typer.TyperException as error:
        sentence = " ".join(error.format_message().split())
        return _fail(sentence, error.exit_code) if process_number() == 0 else error.exit_code
    except BrokenPipeError:
        return 1
    except OSError as error:
        place = error.filename2 or error.filename  # of a rename, the second one is what the user knows
        return _fail(f"{place or 'The system'}: {error.strerror or error}.", 1)
    except (KeyboardInterrupt, typer.Abort):
        return 128 + signal.SIGINT
    except (MemoryError, RuntimeError, ImportError) as error:
        if not is_out_of_memory(error):
            raise
        return _fail("There is not enough memory; choose a smaller recipe, or a smaller --set batch=N.", 1)
    return status if isinstance(status, int) else 0


def run() -> None:
    """The `strangers` program."""
    streams.make_usable()
    signal.signal(signal.SIGTERM, _stop)
    try:
        sys.exit(main())
    finally:
        streams.settle()


def _stop(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)  # an exception, so that nothing half-written is left


def _fail(sentence: str, exit_code: int) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return exit_code
