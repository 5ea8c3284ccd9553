"""The commands of the guide "From a hundred photographs" work, here with drawn faces and a small model."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from strangers.data.synthetic.faces import draw

from .support import Strangers

GUIDE = Path(__file__).parents[1] / "docs/how-to/few-photographs.md"

PHOTOGRAPHS = 12

SHORTER = {
    "train": ["--images", "1008", "--evaluate-every", "1000", "--evaluate-count", "257", "--device", "cpu"],
    "evaluate": ["--count", "64", "--device", "cpu"],
}
"""Options that make a command of the guide short."""


def commands() -> list[list[str]]:
    """Return the words of the commands in the guide's first block."""
    block = re.findall(r"```\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)[0]
    return [shlex.split(line) for line in block.splitlines()]


def test_every_command_of_the_guide_works(
    trained: Path, strangers: Strangers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "holiday").mkdir()
    for number, face in enumerate(draw(range(PHOTOGRAPHS), 160)[0]):
        photograph = np.full((200, 260, 3), 180, np.uint8)
        photograph[20:180, 50:210] = face
        Image.fromarray(photograph).save(tmp_path / "holiday" / f"{number}.png")
    instead = {"64": "32", "celeba-64": str(trained)}
    for program, command, *words in commands():
        assert program == "strangers"
        if command == "export":  # takes minutes without onnxruntime-web; tests/export has it
            continue
        outcome = strangers(command, *(instead.get(word, word) for word in words), *SHORTER.get(command, []))
        assert outcome.code == 0, outcome.err
    assert len(np.load("mine/images.npy", mmap_mode="r")) >= PHOTOGRAPHS // 2
    assert (tmp_path / "runs/mine/best").exists()
    assert (tmp_path / "faces.png").exists()
