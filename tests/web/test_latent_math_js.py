"""The page edits latents as Python does."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import strangers
from strangers.latent.directions import Directions
from strangers.sampling.latents import Distribution, latents

NODE = shutil.which("node")
MODULE = Path(strangers.__file__).parent / "web" / "static" / "latent-math.js"
NAMES = ("Smiling", "Male", "Young", "Bald")
STRENGTHS = {"Smiling": 1.5, "Bald": -0.7}

SCRIPT = """
import { edit } from %s;
import { readFileSync } from "node:fs";
const { latent, names, vectors, strengths, distribution, held } = JSON.parse(readFileSync(0, "utf8"));
const directions = { names, vectors: vectors.map((each) => Float32Array.from(each)) };
console.log(JSON.stringify([...edit(Float32Array.from(latent), directions, strengths, distribution, held)]));
"""

pytestmark = pytest.mark.skipif(
    NODE is None, reason="node, which runs the page's modules here, is not installed"
)


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.parametrize("held", [[], ["Male"], ["Smiling", "Male", "Young"], list(NAMES)])
def test_an_edit_is_pythons_also_where_attributes_are_held(
    held: list[str], distribution: Distribution
) -> None:
    noise = np.random.default_rng(0).standard_normal((4, 16)) + 0.7  # far from orthogonal
    vectors = (noise / np.linalg.norm(noise, axis=1, keepdims=True)).astype(np.float32)
    directions = Directions(NAMES, vectors, (0.9,) * 4, distribution)
    z = latents([17], 16, distribution)
    given = {
        "latent": z[0].tolist(), "names": NAMES, "vectors": vectors.tolist(), "strengths": STRENGTHS,
        "distribution": distribution, "held": held,
    }  # fmt: skip
    command = [str(NODE), "--input-type=module", "-e", SCRIPT % json.dumps(MODULE.as_uri())]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True)
    expected = directions.orthogonal_to(held).edit(z, STRENGTHS)[0]
    np.testing.assert_allclose(json.loads(done.stdout), expected, atol=1e-5)
