"""The examples run as they are, with no data and nothing of ours, and teach the method that we use."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from strangers.recipe import parameter_counts
from strangers.recipes import RECIPES

ONE_FILE = Path(__file__).parents[1] / "examples" / "dcgan_in_one_file.py"


@pytest.fixture(scope="module")
def dcgan() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dcgan_in_one_file", ONE_FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*words: object) -> str:
    command = [sys.executable, str(ONE_FILE), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_it_learns_from_its_own_drawings_and_draws_64_faces(tmp_path: Path) -> None:
    out = tmp_path / "faces.png"
    said = run("--images", 256, "--size", 16, "--out", out)
    losses = [float(number) for number in re.findall(r"(?:detective|forger) ([0-9.]+)", said)]
    assert len(losses) >= 2
    assert np.isfinite(losses).all()
    assert np.asarray(Image.open(out)).shape == (8 * 16, 8 * 16, 3)


def test_it_learns_from_a_folder_of_pictures(tmp_path: Path) -> None:
    for shade in range(4):
        Image.new("RGB", (50, 40 + shade), (60 * shade, 100, 50)).save(tmp_path / f"{shade}.png")
    assert "64 faces" in run(
        "--folder", tmp_path, "--images", 128, "--size", 16, "--out", tmp_path / "made.png"
    )


def test_it_imports_torch_numpy_pillow_and_nothing_of_ours() -> None:
    names = set()
    for node in ast.walk(ast.parse(ONE_FILE.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module).partition(".")[0])
    assert names - set(sys.stdlib_module_names) == {"torch", "numpy", "PIL"}


@pytest.mark.parametrize("size", [32, 64, 128])
def test_its_networks_are_those_of_our_recipe(dcgan: ModuleType, size: int) -> None:
    networks = {"generator": dcgan.generator(size), "discriminator": dcgan.discriminator(size)}
    counts = {name: sum(p.numel() for p in network.parameters()) for name, network in networks.items()}
    assert counts == parameter_counts(RECIPES[f"dcgan-{size}"])
    pictures = networks["generator"](torch.randn(2, dcgan.LATENT, 1, 1))
    assert pictures.shape == (2, 3, size, size)
    assert pictures.abs().max() <= 1
    assert networks["discriminator"](pictures).shape == (2,)
