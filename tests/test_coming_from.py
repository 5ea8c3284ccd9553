"""Each command of other tools has a translation that the command line accepts; short ones are run."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

import strangers as package

from .support import Strangers, parse

PAGE = Path(__file__).parents[1] / "docs/how-to/coming-from.md"
ROW = re.compile(r"\| `(.+?)` \| `(.+?)` \|")
ROWS = [match.groups() for match in map(ROW.fullmatch, PAGE.read_text().splitlines()) if match]
COMMANDS = [ours for _, ours in ROWS if re.match(r"(torchrun .*-m )?strangers ", ours)]
SHORT = [line for line in COMMANDS if line.split()[1] in ("sample", "recipes", "--version")]


def test_the_page_translates_commands_of_four_tools() -> None:
    theirs = " ".join(line for line, _ in ROWS)
    for word in ("yolo train", "gen_images.py", "train_unconditional.py", "python -m pytorch_fid"):
        assert word in theirs
    assert len(COMMANDS) >= 25
    assert len(SHORT) >= 4


@pytest.mark.parametrize("line", COMMANDS)
def test_a_translation_is_accepted(line: str) -> None:
    words = shlex.split(line)
    words = words[words.index("strangers") + 1 :]
    if words == ["--version"]:
        return
    parse(words)


@pytest.fixture
def faces(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of the page, with the run `runs/faces`."""
    run = tmp_path / "runs/faces"
    shutil.copytree(trained, run)
    shutil.copy(run / "latest", run / "best")
    monkeypatch.chdir(tmp_path)
    return run


@pytest.mark.parametrize("line", SHORT)
def test_a_short_translation_runs(strangers: Strangers, faces: Path, line: str) -> None:
    code, out, err = strangers(*shlex.split(line)[1:])
    assert code == 0, err
    assert out
    assert faces.exists()


def test_the_translations_in_python_run(faces: Path) -> None:
    lines = [ours for _, ours in ROWS if not re.match(r"(torchrun .*-m )?strangers ", ours)]
    assert len(lines) == 2
    assert lines[0] == 'model = strangers.load("hf:OWNER/NAME")'
    model = package.load(faces)
    assert eval(lines[1], {"model": model}).shape == (4, 32, 32, 3)
