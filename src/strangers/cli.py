"""The command line: a table of all commands, and the exit codes.

Exit codes: 2 for a wrong call and 1 for a failure, both with a one-line error on stderr; 130 for Ctrl-C, 143
for SIGTERM, 129 for a closed terminal (SIGHUP). Slow imports are placed inside the functions, so that --help
is fast.
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
from strangers.commands.compare import compare
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
from strangers.commands.statistics import statistics
from strangers.commands.train import train
from strangers.commands.train_attributes import train_attributes
from strangers.commands.verify import verify
from strangers.errors import PeerError, RunError, StrangersError, UsageError
from strangers.system import streams
from strangers.system.machine import is_out_of_memory, process_number

app = typer.Typer(
    help="Train, measure and share generators of human faces.",
    epilog="To start: strangers train synthetic --recipe fast-32 --images 30k --out runs/first",
    add_completion=False,
    rich_markup_mode=None,  # importing rich would double the time of --help
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        streams.echo(f"strangers {__version__}")
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
    (evaluate, "strangers evaluate runs/faces celeba64 --metrics quick,fid --out faces.json"),
    (compare, "strangers compare runs/old runs/new celeba64 --out table.md"),
    (verify, "strangers verify faces.json --data celeba64"),
    (statistics, "strangers statistics celeba64 --metrics fid768 --out celeba64-fid768.npz"),
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
    """Run one command line and return its exit code. Print errors on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = app(words or ["--help"], prog_name="strangers", standalone_mode=False)
        sys.stdout.flush()  # raises BrokenPipeError here if nobody reads the output
    except (UsageError, RunError, PeerError) as error:  # raised in every process of a training
        return _fail(str(error), error.exit_code) if process_number() == 0 else error.exit_code
    except StrangersError as error:
        return _fail(str(error), error.exit_code)
    except typer.TyperException as error:
        message = " ".join(error.format_message().split())
        return _fail(message, error.exit_code) if process_number() == 0 else error.exit_code
    except BrokenPipeError:
        return 1
    except OSError as error:
        place = error.filename2 or error.filename  # the user knows the target of a rename
        return _fail(f"{place or 'System error'}: {error.strerror or error}.", 1)
    except (KeyboardInterrupt, typer.Abort):
        return 128 + signal.SIGINT
    except (MemoryError, RuntimeError, ImportError) as error:
        if not is_out_of_memory(error):
            raise
        return _fail("Out of memory; choose a smaller recipe, or a smaller batch with --set batch=N.", 1)
    return status if isinstance(status, int) else 0


def run() -> None:
    """Run the `strangers` program."""
    streams.make_usable()
    stop_on_signals()
    try:
        sys.exit(main())
    finally:
        streams.flush_or_discard()


def stop_on_signals() -> None:
    """Let SIGTERM and a closed terminal raise SystemExit, so that nothing half-written is left."""
    for number in _stop_signals():
        signal.signal(number, _stop)


def _stop_signals() -> list[signal.Signals]:
    """Return SIGTERM and SIGHUP, as far as the system has them and nobody, such as nohup, ignores them."""
    found = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    return [number for number in found if signal.getsignal(number) != signal.SIG_IGN]


def _stop(number: int, _frame: FrameType | None) -> None:
    """Raise SystemExit, so that partial files are removed; ignore further signals meanwhile."""
    for other in _stop_signals():
        signal.signal(other, signal.SIG_IGN)
    raise SystemExit(128 + number)


def _fail(message: str, exit_code: int) -> int:
    streams.echo(f"error: {message}", error=True)
    return exit_code
