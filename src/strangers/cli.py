"""The command line: every command, in one table, and how a call ends.

A wrong call ends at once with one sentence and exit code 2, a failure with one sentence and 1, Ctrl-C with
130 and SIGTERM with 143. Imports that cost time stand inside the functions, so that --help answers at once.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Annotated

import typer
from typer import Option

from strangers._version import __version__
from strangers.commands.doctor import doctor
from strangers.commands.edit import edit
from strangers.commands.evaluate import evaluate
from strangers.commands.explore import explore
from strangers.commands.export import export
from strangers.commands.interpolate import interpolate
from strangers.commands.invert import invert
from strangers.commands.prepare import prepare
from strangers.commands.recipes import recipes
from strangers.commands.sample import sample
from strangers.commands.serve import serve
from strangers.commands.train import train
from strangers.commands.train_attributes import train_attributes
from strangers.errors import PeerError, RunError, StrangersError, UsageError
from strangers.system import streams
from strangers.system.machine import is_out_of_memory, process_number

app = typer.Typer(
    help="Generators of human faces: trained, measured, shared.",
    epilog="Begin with: strangers train synthetic --recipe dcgan-32 --images 50k --out runs/first",
    add_completion=False,
    rich_markup_mode=None,  # rich takes longer to import than --help may take
    pretty_exceptions_enable=False,
)


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


COMMANDS: tuple[tuple[Callable[..., None], str], ...] = (
    (prepare, "strangers prepare img_align_celeba.zip --size 64 --out celeba64"),
    (explore, "strangers explore celeba64 --out celeba64.html"),
    (train, "strangers train celeba64 --out runs/faces"),
    (sample, "strangers sample runs/faces --seeds 0-63 --out faces.png"),
    (interpolate, "strangers interpolate runs/faces --seeds 1,5,9 --out walk.webp"),
    (edit, "strangers edit runs/faces --seeds 3,4 --attribute Smiling --out smile.png"),
    (invert, "strangers invert runs/faces photo.jpg --out latent.json"),
    (evaluate, "strangers evaluate runs/faces celeba64 --features face,inception --out faces.json"),
    (export, "strangers export runs/faces --to page --out faces/"),
    (serve, "strangers serve runs/faces"),
    (recipes, "strangers recipes dcgan-64 --json"),
    (doctor, "strangers doctor"),
    (train_attributes, "strangers train-attributes celeba64 --validation val64 --out a.safetensors"),
)
"""Every command with an example, in the order of --help."""

for _command, _example in COMMANDS:
    app.command(epilog=f"Example: {_example}")(_command)


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
        streams.flush_or_discard()


def _stop(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)  # an exception, so that nothing half-written is left


def _fail(sentence: str, exit_code: int) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return exit_code
