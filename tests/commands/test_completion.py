"""Completion in bash and zsh, as their users have it after `strangers --install-completion`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from strangers.commands import completion
from strangers.commands.evaluate import complete_metrics
from strangers.commands.recipes import complete_recipe

BASH = """
source <(strangers --show-completion bash)
COMP_WORDS=({words} '{last}'); COMP_CWORD={position}
_strangers_completion strangers
printf '%s\\n' "${{COMPREPLY[@]}}"
"""

ZSH = """
compdef() {{ : }}
_files() {{ print FILES }}
_arguments() {{ print -r -- "$1" }}
source <(strangers --show-completion zsh)
words=({words} '{last}'); CURRENT={zsh_position}
_strangers_completion
"""


def completed(shell: str, line: str, folder: Path) -> str:
    """Return what the shell offers after this command line."""
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"there is no {shell} on this machine")
    *words, last = line.split(" ")
    position = len(words)
    script = {"bash": BASH, "zsh": ZSH}[shell].format(
        words=" ".join(words), last=last, position=position, zsh_position=position + 1
    )
    program = folder / "bin" / "strangers"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m strangers "$@"\n')
    program.chmod(0o755)
    environment = os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    bare = {"bash": ("--norc", "--noprofile"), "zsh": ("--no-rcs",)}[shell]
    ran = subprocess.run(
        [path, *bare, "-c", script], capture_output=True, text=True, env=environment, cwd=folder, check=False
    )
    assert ran.stderr == ""
    return ran.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_shell_completes_commands_and_names(shell: str, tmp_path: Path) -> None:
    assert "interpolate" in completed(shell, "strangers inter", tmp_path)
    assert "fast-64" in completed(shell, "strangers train synthetic --recipe fast-", tmp_path)


@pytest.mark.parametrize(
    ("complete", "incomplete", "expected"),
    [
        (complete_recipe, "dcgan-128", ["dcgan-128", "dcgan-128-r1"]),
        (completion.crops, "c17", ["c178"]),
        (complete_metrics, "fid,kid7", ["fid,kid768"]),
        (completion.attributes, "Smil", ["Smiling"]),
        (completion.one_of("cpu", "cuda"), "cu", ["cuda"]),
        (completion.models, "celeba-1", ["celeba-128"]),
        (completion.models, "ru", ["runs"]),
        (completion.models, "runs/f", ["runs/faces"]),
        (completion.models, "nowhere/", []),
    ],
)
def test_names_are_completed(
    complete: object, incomplete: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs" / "faces").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert callable(complete)
    assert complete(incomplete) == expected
