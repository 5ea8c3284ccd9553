"""No command replaces a file that it did not write, and each replaces its own."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from strangers.evaluation import attribute_training
from strangers.latent import ood
from strangers.system import outputs
from strangers.system.files import write_atomically
from strangers.system.machine import is_locked

from ..support import Strangers, write_model
from .commands import bytes_of

EVALUATE = "evaluate MODEL SMALL --metrics kd-face --count 16 --allow-mismatch --device cpu --out OUT.json"

CALLS = {
    "sample": ("sample MODEL --seeds 1-4 --out OUT.png", [".png"]),
    "sample --out DIR": ("sample MODEL --seeds 1-4 --out OUT", ["/seed0003.png"]),
    "interpolate": ("interpolate MODEL --seeds 1,2 --frames 3 --out OUT.webp", [".webp"]),
    "interpolate .gif": ("interpolate MODEL --seeds 1,2 --frames 3 --out OUT.gif", [".gif"]),
    "interpolate .png": ("interpolate MODEL --seeds 1,2 --frames 3 --out OUT.png", [".png"]),
    "invert": ("invert MODEL face.png --cropped --steps 1 --starts 1 --out OUT.json", [".json", ".png"]),
    "explore": ("explore SET --out OUT.html", [".html", ".json"]),
    "evaluate": (EVALUATE, [".json", ".html"]),
    "export --to file": ("export MODEL --to file --out OUT.safetensors", [".safetensors", ".md"]),
    "export --to onnx": ("export MODEL --to onnx --out OUT.onnx", [".onnx"]),
    "train-attributes": (
        "train-attributes SET --epochs 1 --precision fp32 --out OUT.safetensors",
        [".safetensors", ".md"],
    ),
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, a set and a face."""
    from strangers.cli import main

    folder = tmp_path_factory.mktemp("inputs")
    write_model(folder / "model.safetensors")
    for name, words in (("set", "synthetic:40 --hold-out 30%"), ("small", "synthetic:16 --size 32")):
        assert main(["prepare", *words.split(), "--workers", "1", "--out", str(folder / name)]) == 0
    face = folder / "face.png"
    assert main(["sample", str(folder / "model.safetensors"), "--seeds", "7", "--out", str(face)]) == 0
    return folder


@pytest.fixture
def call(strangers: Strangers, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Strangers:
    """Runs a line in which MODEL, SET, OUT and face.png are replaced by paths."""
    monkeypatch.setattr(attribute_training, "TRAINING_BATCH", 8)
    monkeypatch.setattr(ood, "OWN_FACES", 4)
    paths = {
        "MODEL": inputs / "model.safetensors", "SET": inputs / "set", "SMALL": inputs / "small",
        "OUT": tmp_path / "out", "face.png": inputs / "face.png",
    }  # fmt: skip

    def run(line: str, *more: str) -> object:
        for name, path in paths.items():
            line = line.replace(name, str(path))
        return strangers(*line.split(), *more)

    return run  # type: ignore[return-value]


@pytest.mark.usefixtures("traced_once")
@pytest.mark.parametrize("name", CALLS)
def test_a_command_refuses_each_file_of_the_user_and_replaces_its_own(
    call: Strangers, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line, endings = CALLS[name]
    if "onnx" in name:
        pytest.importorskip("onnxruntime")
    for ending in endings:
        mine = tmp_path / f"out{ending}"
        mine.parent.mkdir(exist_ok=True)
        mine.write_bytes(b'{"hours": "of work"}')
        before = bytes_of(tmp_path)
        code, _, err = call(line)
        assert code == 2, err
        assert f"{mine} exists" in err
        assert "--force" in err
        assert bytes_of(tmp_path) == before
        mine.unlink()
    held: list[bool] = []

    def noted(path: Path, data: bytes) -> None:
        held.append(is_locked(path.parent))
        write_atomically(path, data)

    monkeypatch.setattr(outputs, "write_atomically", noted)
    code, _, err = call(line)
    assert code == 0, err
    assert all(held) or len(endings) == 1 or os.name != "posix"  # files that belong together
    mine.chmod(0o600)
    code, _, err = call(line)
    assert code == 0, err
    if os.name == "posix":
        assert stat.S_IMODE(mine.stat().st_mode) == 0o600
    mine.write_bytes(b"mine")
    code, _, err = call(line, "--force")
    assert code == 0, err
    assert mine.read_bytes() != b"mine"


@pytest.mark.parametrize(
    "line",
    [
        "invert MODEL OUT.png --cropped --steps 1 --starts 1 --out OUT.json",
        "sample OUT.png --seeds 1 --out OUT.png",
        "export OUT.safetensors --to file --out OUT.safetensors",
        "export OUT.safetensors --to onnx --out OUT.onnx --result OUT.onnx",
        "evaluate OUT.safetensors SET --out OUT.json --held-out OUT.json",
    ],
)
def test_a_command_never_replaces_its_input(call: Strangers, tmp_path: Path, inputs: Path, line: str) -> None:
    assert call("sample MODEL --seeds 3 --out OUT.png").code == 0
    assert call("export MODEL --to file --out OUT.safetensors").code == 0
    (tmp_path / "out.onnx").write_bytes(b"")
    (tmp_path / "out.json").write_text('{"values": 0, "versions": 0, "hardware": 0}')
    before = bytes_of(tmp_path)
    assert call(line).code in (1, 2)
    assert bytes_of(tmp_path) == before


def test_files_of_the_user_under_names_of_ours_are_kept(call: Strangers, tmp_path: Path) -> None:
    """A model of a run, a result and a photograph's latent are not what these commands write."""
    write_model(tmp_path / "out.safetensors")
    before = bytes_of(tmp_path)
    assert call("export MODEL --to file --out OUT.safetensors").code == 2
    assert bytes_of(tmp_path) == before
