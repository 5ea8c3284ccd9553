"""The examples run as they are, with no data and nothing of ours, and teach the method that we use."""

from __future__ import annotations

import ast
import importlib.util
import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from strangers.data.prepare import prepare
from strangers.export.onnx import export_onnx
from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import parameter_counts, with_overrides
from strangers.sampling.load import load

from .support import tiny, write_model

EXAMPLES = Path(__file__).parents[1] / "examples"
ONE_FILE = EXAMPLES / "dcgan_in_one_file.py"
NEW_ARCHITECTURE = EXAMPLES / "new_architecture.py"
WITHOUT_TORCH = EXAMPLES / "onnx_without_torch.py"


@pytest.fixture(scope="module")
def dcgan() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dcgan_in_one_file", ONE_FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run the file as a program, in this process, and return what it prints."""

    def running(*words: object) -> str:
        monkeypatch.setattr(sys, "argv", [str(ONE_FILE), *map(str, words)])
        runpy.run_path(str(ONE_FILE), run_name="__main__")
        return capsys.readouterr().out

    return running


def test_it_learns_from_its_own_drawings_and_draws_64_faces(run: Callable[..., str], tmp_path: Path) -> None:
    out = tmp_path / "faces.png"
    said = run("--images", 256, "--size", 16, "--out", out)
    losses = [float(number) for number in re.findall(r"(?:police|forger) ([0-9.]+)", said)]
    assert len(losses) >= 2
    assert np.isfinite(losses).all()
    assert np.asarray(Image.open(out)).shape == (8 * 16, 8 * 16, 3)


def test_it_learns_from_a_folder_of_pictures(run: Callable[..., str], tmp_path: Path) -> None:
    for shade in range(4):
        Image.new("RGB", (50, 40 + shade), (60 * shade, 100, 50)).save(tmp_path / f"{shade}.png")
    assert "64 faces" in run(
        "--folder", tmp_path, "--images", 128, "--size", 16, "--out", tmp_path / "made.png"
    )


@pytest.mark.parametrize(
    ("file", "packages"),
    [(ONE_FILE, {"torch", "numpy", "PIL"}), (WITHOUT_TORCH, {"onnxruntime", "numpy", "PIL"})],
)
def test_it_imports_three_packages_and_nothing_of_ours(file: Path, packages: set[str]) -> None:
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module).partition(".")[0])
    assert names - set(sys.stdlib_module_names) == packages


@pytest.mark.usefixtures("traced_once")
@pytest.mark.parametrize("latent", ["normal", "uniform"])
def test_an_exported_file_draws_a_seeds_face_without_torch(latent: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    recipe = with_overrides(tiny(), {"latent": latent})
    model = load(write_model(tmp_path / "model.safetensors", recipe), device="cpu")
    export_onnx(model, tmp_path / "faces.onnx")
    words = (tmp_path / "faces.onnx", 2**40 + 17, tmp_path / "face.png")
    subprocess.run([sys.executable, WITHOUT_TORCH, *map(str, words)], check=True)
    drawn = np.asarray(Image.open(tmp_path / "face.png")).astype(int)
    assert np.abs(drawn - model.sample([2**40 + 17])[0]).max() <= 1


def test_a_new_architecture_trains_and_samples(tmp_path: Path) -> None:
    data = tmp_path / "set"
    prepare("synthetic:64", data, size=32, workers=1, progress=False)
    words = ("--data", data, "--images", 64, "--out", tmp_path / "run")
    said = subprocess.run(
        [sys.executable, NEW_ARCHITECTURE, *map(str, words)], capture_output=True, text=True, check=True
    ).stdout
    assert "64 faces of 32 px" in said


@pytest.mark.parametrize("size", [32, 64, 128])
def test_its_networks_are_those_of_our_recipe(dcgan: ModuleType, size: int) -> None:
    networks = {"generator": dcgan.generator(size), "discriminator": dcgan.discriminator(size)}
    counts = {name: sum(p.numel() for p in network.parameters()) for name, network in networks.items()}
    assert counts == parameter_counts(RECIPES["fast-64"].replace(size=size))
    pictures = networks["generator"](torch.randn(2, dcgan.LATENT, 1, 1))
    assert pictures.shape == (2, 3, size, size)
    assert pictures.abs().max() <= 1
    assert networks["discriminator"](pictures).shape == (2,)
