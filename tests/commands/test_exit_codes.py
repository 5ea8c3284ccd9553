"""Exit codes of all commands: 2 for a wrong call, 1 for a failure, 130 for Ctrl-C."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

from strangers.cli import COMMANDS
from strangers.system import streams

from ..support import Strangers

ABSENT = {
    "prepare": ["nowhere --out x", "nowhere --merge --out x", "PHOTOS --annotations nowhere --out x"],
    "explore": ["nowhere --out x.html", "SET --landmarks nowhere --out x.html"],
    "train": ["nowhere --out x", "SET --recipe nowhere.json --out x", "SET --from nowhere --out x"],
    "recipes": ["nowhere"],
    "sample": ["nowhere --out x.png"],
    "interpolate": ["nowhere --seeds 1,2 --out x.webp", "MODEL --seeds 1 --latent nowhere --out x.webp"],
    "edit": [
        "nowhere --seeds 1 --attribute Smiling --out x.png",
        "MODEL --latent nowhere --attribute Smiling --out x.png",
    ],
    "invert": ["nowhere DAMAGED --out x.json", "MODEL nowhere --out x.json"],
    "evaluate": ["nowhere SET --out x.json", "MODEL nowhere --out x.json", "--human nowhere"],
    "compare": ["nowhere MODEL SET", "MODEL SET nowhere"],
    "verify": ["nowhere"],
    "statistics": ["nowhere --out x.npz"],
    "train-attributes": ["nowhere --out x.safetensors"],
    "export": [
        "nowhere --to file --out x.safetensors",
        "MODEL --to file --result nowhere --out x.safetensors",
    ],
    "serve": ["nowhere --port 0", "MODEL --photographs nowhere --port 0"],
    "doctor": [],
    "cache": ["--clear nowhere"],
}
"""Calls that name something that is not there."""

DAMAGED = {
    "prepare": ["EMPTY --out x", "DAMAGED --out x"],
    "explore": ["EMPTY --out x.html", "BROKEN --out x.html"],
    "train": ["EMPTY --out x", "BROKEN --out x", "SET --from DAMAGED --out x"],
    "recipes": [],
    "sample": ["DAMAGED --out x.png", "EMPTY --out x.png"],
    "interpolate": ["DAMAGED --seeds 1,2 --out x.webp", "MODEL --seeds 1 --latent DAMAGED --out x.webp"],
    "edit": ["DAMAGED --seeds 1 --attribute Smiling --out x.png"],
    "invert": ["DAMAGED DAMAGED --out x.json", "MODEL DAMAGED --out x.json"],
    "evaluate": ["DAMAGED SET --out x.json", "MODEL EMPTY --out x.json", "--human DAMAGED"],
    "compare": ["DAMAGED MODEL SET", "MODEL SET BROKEN"],
    "verify": ["DAMAGED"],
    "statistics": ["EMPTY --out x.npz"],
    "train-attributes": ["EMPTY --out x.safetensors", "BROKEN --out x.safetensors"],
    "export": [
        "DAMAGED --to file --out x.safetensors",
        "MODEL --to file --result DAMAGED --out x.safetensors",
    ],
    "serve": ["DAMAGED --port 0", "MODEL --photographs EMPTY --port 0"],
    "doctor": [],
    "cache": [],
}
"""Calls that name something that is there and cannot be used."""


@pytest.fixture
def things(tmp_path: Path, trained: Path, tiny_file: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Meanings of the words in capitals: a model, a set, a file of nothing, folders of nothing."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for name in ("photos", "empty", "broken"):
        (tmp_path / name).mkdir()
    (tmp_path / "broken" / "manifest.json").write_text("{")
    (tmp_path / "damaged").write_bytes(b"{\0")
    return {"MODEL": str(tiny_file), "SET": str(trained.with_name("drawn"))} | {
        name.upper(): str(tmp_path / name) for name in ("photos", "empty", "broken", "damaged")
    }


def lines(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, line) for name, all_lines in table.items() for line in all_lines]


def test_the_tables_have_all_commands() -> None:
    names = [command.__name__.replace("_", "-") for group in COMMANDS.values() for command, *_ in group]
    assert sorted(ABSENT) == sorted(DAMAGED) == sorted(names)


@pytest.mark.parametrize(
    ("name", "line", "expected"),
    [(*call, 2) for call in lines(ABSENT)] + [(*call, 1) for call in lines(DAMAGED)],
)
def test_what_is_not_there_is_a_wrong_call_and_what_cannot_be_used_a_failure(
    strangers: Strangers, things: dict[str, str], name: str, line: str, expected: int
) -> None:
    code, out, err = strangers(name, *(things.get(word, word) for word in line.split()))
    assert (code, out) == (expected, ""), err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("name", ABSENT)
def test_an_unknown_option_is_a_wrong_call(strangers: Strangers, name: str) -> None:
    assert strangers(name, "--bogus").code == 2


@pytest.mark.parametrize("name", ABSENT)
def test_ctrl_c_is_130(
    strangers: Strangers, things: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(**_: bool) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(streams, "verbosity", interrupted)
    line = next(iter(ABSENT[name]), "")
    assert strangers(name, *(things.get(word, word) for word in line.split())).code == 130
