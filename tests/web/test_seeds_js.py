"""The page's latents are Python's, to the bit."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import strangers
from strangers.sampling.latents import Distribution, latents

NODE = shutil.which("node")
MODULE = Path(strangers.__file__).parent / "web" / "static" / "seeds.js"
SEEDS = [*range(200), 2**32 - 1, 2**32, 2**32 + 17, 2**64 - 1, 12345678901234567890]

pytestmark = pytest.mark.skipif(
    NODE is None, reason="node, which runs the page's modules here, is not installed"
)


def in_javascript(body: str, *values: object) -> str:
    """Return the output of a script that imports latents.js; `values` are its arguments."""
    script = (
        f"import * as it from {json.dumps(MODULE.as_uri())};\nconst values = process.argv.slice(1);\n{body}"
    )
    command = [str(NODE), "--input-type=module", "-e", script, *map(str, values)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def bits(z: NDArray[np.float32]) -> list[list[int]]:
    found: list[list[int]] = z.view(np.uint32).tolist()
    return found


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_a_seed_has_the_latent_that_python_gives_it(distribution: Distribution) -> None:
    body = """
    const [distribution, ...seeds] = values;
    const z = seeds.map((seed) => it.latentOfSeed(BigInt(seed), 99, distribution));
    console.log(JSON.stringify(z.map((each) => [...new Uint32Array(each.buffer)])));
    """
    found = json.loads(in_javascript(body, distribution, *SEEDS))
    assert found == bits(latents(SEEDS, 99, distribution))
