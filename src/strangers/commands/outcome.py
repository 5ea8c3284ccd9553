"""Outcome: what a command reports at its end; and the options that all commands share: --json, -q, -v."""

from __future__ import annotations

import inspect
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

from typer import Exit, Option

from strangers.commands.arguments import STDOUT
from strangers.errors import StrangersError, UsageError
from strangers.system import outputs, streams
from strangers.system.machine import process_number

STREAMED = ("sample", "edit")
"""Commands whose picture may go to standard output."""

Json = Annotated[bool, Option("--json", help="Print the result as JSON.")]
Quiet = Annotated[bool, Option("--quiet", "-q", help="Print results, warnings and errors only.")]
Verbose = Annotated[bool, Option("--verbose", "-v", help="Print details too, and tracebacks of errors.")]


@dataclass(frozen=True)
class Outcome:
    """The report of a command at its end.

    Attributes:
        result: lines of what was asked for, such as a table; --quiet prints them too.
        notes: lines about what was done, such as "Wrote faces.png.".
        facts: the same for programs, as --json prints it.
        next: a command that makes sense next.
        data: bytes for standard output; all words are then printed on standard error.
        exit_code: of the command.
    """

    result: Sequence[str] = ()
    notes: Sequence[str] = ()
    facts: Any = None
    next: str = ""
    data: bytes | None = None
    exit_code: int = 0


Command = Callable[..., Outcome | None]


def as_command(command: Command) -> Callable[..., None]:
    """Return the command with --quiet and --verbose, and with --json for its outcome, which is printed."""
    signature = inspect.signature(command, eval_str=True)
    kinds: dict[str, Any] = {"quiet": Quiet, "verbose": Verbose}
    if signature.return_annotation is Outcome:
        kinds = {"as_json": Json, **kinds}

    @wraps(command)
    def run(**arguments: Any) -> None:
        as_json, quiet, verbose = (arguments.pop(name, False) for name in ("as_json", "quiet", "verbose"))
        if arguments.get("out") == STDOUT:
            _check_stdout(command.__name__, as_json=as_json)
        with streams.verbosity(quiet=quiet, verbose=verbose), _detailed(), _naming_files():
            with redirect_stdout(sys.stderr) if as_json else nullcontext():
                outcome = command(**arguments)
            if outcome is not None and process_number() == 0:
                show(outcome, as_json=as_json)
        if outcome is not None and outcome.exit_code:
            raise Exit(outcome.exit_code)

    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
        for name, kind in kinds.items()
    ]
    parameters = [*signature.parameters.values(), *options]
    run.__signature__ = signature.replace(parameters=parameters, return_annotation=None)  # type: ignore[attr-defined]
    return run


def _check_stdout(command: str, *, as_json: bool) -> None:
    """Raise UsageError unless the command may write a picture to standard output."""
    if command not in STREAMED:
        raise UsageError(f"--out - is for one picture, of {' or '.join(STREAMED)}; name a file or folder.")
    if as_json:
        raise UsageError("--json and --out - both write to standard output; pass one of them.")
    if sys.stdout.isatty():
        raise UsageError("--out - writes a picture to standard output, which is a terminal: redirect it.")


def write_picture(out: Path, data: bytes, *, force: bool) -> bytes | None:
    """Write a PNG, or return it for `Outcome.data` if `out` is standard output."""
    if out == STDOUT:
        return data
    outputs.write_output(out, data, kind="picture", force=force)
    return None


def show(outcome: Outcome, *, as_json: bool = False) -> None:
    """Print an outcome: facts as JSON, or results and notes, and the next command on standard error."""
    if as_json:
        streams.echo(*json.dumps(outcome.facts, indent=1, default=str).split("\n"))
        return
    if outcome.data is not None:
        streams.write_bytes(outcome.data)
    streams.echo(*outcome.result, error=outcome.data is not None)
    if not streams.is_quiet():
        streams.echo(*outcome.notes, error=outcome.data is not None)
        # Raises BrokenPipeError here if nobody reads the output; otherwise it precedes the next line.
        sys.stdout.flush()
        streams.echo(*([f"Next: {outcome.next}"] if outcome.next else []), error=True)


@contextmanager
def _naming_files() -> Iterator[None]:
    """Report, if the block is interrupted, which files it wrote."""
    outputs.written.clear()
    try:
        yield
    except KeyboardInterrupt:
        if not streams.is_quiet() and process_number() == 0:
            streams.echo(_interrupted(outputs.written), error=True)
        raise


def _interrupted(written: Sequence[Path]) -> str:
    if not written:
        return "Interrupted; nothing was written."
    more = f" and {len(written) - 3:,} other files" if len(written) > 3 else ""
    named = ", ".join(str(path) for path in written[:3])
    return f"Interrupted after writing {named}{more}. The same command starts again."


@contextmanager
def _detailed() -> Iterator[None]:
    """Print with --verbose how long the block took, or the traceback of its error."""
    before = time.monotonic()
    try:
        yield
    except StrangersError:
        streams.detail(*traceback.format_exc().splitlines())
        raise
    streams.detail(f"Took {time.monotonic() - before:.1f} seconds.")
