"""Write docs/commands.md from the commands themselves; with --check, fail where it is stale.

python docs/generate.py [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path

from typer.main import get_command
from typer.testing import CliRunner

from strangers.cli import app

PAGE = Path(__file__).parent / "commands.md"

HEAD = """\
# Commands

What `--help` prints. This page is generated: change `src/strangers/cli.py`, then run `make docs`.

SOURCE is a folder, a `.zip` or `.tar`, `hf:OWNER/NAME`, `synthetic` or `synthetic:5000`. DATA is a prepared
set, or a SOURCE, which is then prepared into a cache at the recipe's size and crop. MODEL is a model file, a
run, a checkpoint or `hf:OWNER/NAME`. Numbers of images are written as `50000`, `100k` or `1.5M`.

A command exits with 0 if it did what it says, 1 for a failure, 2 for a wrong call, 130 after Ctrl-C and 143
after SIGTERM. Errors are one sentence on standard error.
"""


def page() -> str:
    """The page as it should be."""
    verbs = list(get_command(app).commands)  # type: ignore[attr-defined]
    sections = [HEAD, *(f"## {verb}\n\n```\n{help_of(verb)}\n```\n" for verb in verbs)]
    return "\n".join(sections)


def help_of(*words: str) -> str:
    """What the command prints for --help, at a width of 100 columns."""
    result = CliRunner().invoke(app, [*words, "--help"], prog_name="strangers", terminal_width=100)
    return "\n".join(line.rstrip() for line in result.output.strip().splitlines())


def main() -> int:
    """Write the page, or compare it."""
    wanted = page()
    if "--check" not in sys.argv:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != wanted:
        print(f"error: {PAGE} is stale; run `make docs`.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
