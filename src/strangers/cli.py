"""The command line: a table of all commands, and the exit codes.

Exit codes: 2 for a wrong call, which includes names of what is not there, and 1 for a failure, both with a
one-line error on stderr; 130 for Ctrl-C, 143 for SIGTERM, 129 for a closed terminal (SIGHUP). Slow imports
are placed inside the functions, so that --help is fast.
"""

from __future__ import annotations

import math
import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType
from typing import Annotated

import typer
from typer import Option

from strangers._version import __version__
from strangers.commands.cache import cache
from strangers.commands.compare import compare
from strangers.commands.doctor import doctor
from strangers.commands.edit import edit
from strangers.commands.evaluate import evaluate
from strangers.commands.explore import explore
from strangers.commands.export import export
from strangers.commands.help import GroupedCommands, GroupedOptions, examples
from strangers.commands.interpolate import interpolate
from strangers.commands.invert import invert
from strangers.commands.outcome import Command, as_command
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
from strangers.system.machine import REPEATED_SIGNAL_SECONDS, is_out_of_memory, process_number

app = typer.Typer(
    help="Train, measure and share generators of human faces.",
    epilog=examples(
        "strangers sample celeba-64 --seeds 0-63 --out faces.png",
        "strangers train synthetic --recipe fast-32 --images 30k --out runs/first",
        "strangers sample --help",
    ),
    cls=GroupedCommands,
    context_settings={"help_option_names": ["-h", "--help"]},
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
        bool,
        Option("--version", "-V", help="Print the version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    pass


COMMANDS: dict[str, tuple[tuple[Command, *tuple[str, ...]], ...]] = {
    "Data": (
        (
            prepare,
            "strangers prepare img_align_celeba.zip --size 64 --out celeba64",
            "strangers prepare photographs/ --align --size 128 --hold-out 10% --out ours",
            "strangers prepare synthetic:5000 --size 32 --out drawn",
        ),
        (
            explore,
            "strangers explore celeba64 --out celeba64.html",
            "strangers explore photographs/ --json",
        ),
    ),
    "Training": (
        (
            train,
            "strangers train celeba64",
            "strangers train celeba64 --recipe dcgan-64-r1 --images 2M --out runs/faces",
            "strangers train ours --from celeba-64 --dry-run",
        ),
        (
            recipes,
            "strangers recipes",
            "strangers recipes dcgan-64",
            "strangers recipes dcgan-64 --layers",
        ),
    ),
    "Faces": (
        (
            sample,
            "strangers sample celeba-64 --seeds 0-63 --out faces.png",
            "strangers sample runs/faces --seeds 0..9999 --out faces/",
            "strangers sample celeba-64 --seed 5 --scale 4 --out - > face.png",
        ),
        (
            interpolate,
            "strangers interpolate runs/faces --seeds 1,5,9 --out walk.webp",
            "strangers interpolate celeba-64 --seeds 1,5,9 --loop --fps 25 --frames 150 --out walk.gif",
            "strangers interpolate celeba-64 --latent me.json --latent you.json --out walk.webp",
        ),
        (
            edit,
            "strangers edit celeba-64 --seeds 3,4 --attribute Smiling --out smile.png",
            "strangers edit runs/faces --seed 3 --attribute Young --hold Male --out young.png",
            "strangers edit celeba-64 --latent me.json --attribute Smiling --out smile.png",
        ),
        (
            invert,
            "strangers invert celeba-64 photo.jpg --out me.json",
            "strangers invert runs/faces photo.jpg --starts 16 --out me.json",
        ),
    ),
    "Evaluation": (
        (
            evaluate,
            "strangers evaluate runs/faces celeba64",
            "strangers evaluate faces/ celeba64 --metrics fid,kid --count 50000 --out faces.json",
            "strangers evaluate celeba-64 celeba64 --json",
        ),
        (
            compare,
            "strangers compare runs/old runs/new celeba64",
            "strangers compare runs/old runs/new celeba64 --metrics fid --out table.md --out table.tex",
        ),
        (
            verify,
            "strangers verify faces.json",
            "strangers verify faces.json --data celeba64 --metrics kd-face --count 2000",
        ),
        (
            statistics,
            "strangers statistics celeba64 --metrics fid --out celeba64.npz",
            "strangers statistics img_align_celeba.zip --size 64,128 --out statistics/",
        ),
        (
            train_attributes,
            "strangers train-attributes celeba64 --out attributes.safetensors",
            "strangers train-attributes train64 --validation val64 --out attributes.safetensors",
        ),
    ),
    "Sharing": (
        (
            export,
            "strangers export runs/faces --to file --out faces.safetensors",
            "strangers export runs/faces --to page --out faces/",
            "strangers export runs/faces --to hub --push OWNER/NAME --out repository/",
        ),
        (
            serve,
            "strangers serve --open",
            "strangers serve runs/faces celeba64",
            "strangers serve celeba-128 --host 0.0.0.0",
        ),
    ),
    "This machine": (
        (doctor, "strangers doctor", "strangers doctor --seconds 0 --json", "strangers doctor --report"),
        (cache, "strangers cache", "strangers cache --clear sets"),
    ),
}
"""Every command with examples by group, in the order of --help."""

for _group, _commands in COMMANDS.items():
    for _command, *_examples in _commands:
        _name = _command.__name__.replace("_", "-")
        app.command(_name, cls=GroupedOptions, epilog=examples(*_examples), rich_help_panel=_group)(
            as_command(_command)
        )


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
        return _fail(_message(error), error.exit_code) if process_number() == 0 else error.exit_code
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
    """Let Ctrl-C, SIGTERM and a closed terminal raise an exception, so that nothing half-written is left.

    Signals that are repeated at once are ignored, for they would interrupt the removal of partial files.
    SIGTERM and SIGHUP that are ignored already, as by nohup, stay so; SIGINT, which shells let commands in
    the background ignore, is heeded as `train` and `serve` heed it.
    """
    raised = -math.inf

    def stop(number: int, _frame: FrameType | None) -> None:
        nonlocal raised
        if time.monotonic() - raised < REPEATED_SIGNAL_SECONDS:
            return
        raised = time.monotonic()
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and (name == "SIGINT" or signal.getsignal(number) != signal.SIG_IGN):
            signal.signal(number, stop)


def _message(error: typer.TyperException) -> str:
    """Return the message of a wrong command line, and where the command's options are listed."""
    message = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    # A question mark, as of "Did you mean", ends the sentence too.
    stop = "" if message.endswith("?") else "."
    return f"{message}{stop}" + ("" if context is None else f" Try '{context.command_path} --help'.")


def _fail(message: str, exit_code: int) -> int:
    streams.echo(f"error: {message}", error=True)
    return exit_code
