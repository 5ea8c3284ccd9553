"""Every command in the documentation is accepted by the command line."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from .support import parse

ROOT = Path(__file__).parents[1]
DOCUMENTS = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```\n(.*?)^```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`(strangers [a-z-]+ [^`\n]* --[^`\n]*)`")
COMMAND = re.compile(r"\s*(?:torchrun .*-m )?(strangers [a-z].*?)(?:\s{2,}.*)?")


def commands() -> Iterator[tuple[str, str]]:
    """Yield every command with arguments, with the name of its document."""
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        lines = [line for block in BLOCK.findall(text) for line in block.replace("\\\n", " ").splitlines()]
        for line in [*lines, *INLINE.findall(text)]:
            if found := COMMAND.fullmatch(line):
                # A shell takes the name of a file after " > ".
                line = re.sub(r"\$\([^)]*\)", "TEXT", found[1]).partition(" > ")[0]
                yield path.relative_to(ROOT).as_posix(), line


COMMANDS = sorted(set(commands()))


def test_the_documents_have_commands() -> None:
    assert len({line.split()[1] for _, line in COMMANDS}) >= 11


@pytest.mark.parametrize(("document", "line"), COMMANDS)
def test_a_documented_command_is_accepted(document: str, line: str) -> None:
    del document
    words = shlex.split(line.replace("$SLURM_ARRAY_TASK_ID", "3"))[1:]
    parse(words)
