"""The networks of the view Learn in node: their products of matrices, their gradients, what they learn."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strangers.data.synthetic.faces import draw

LEARN = Path(__file__).parents[2] / "src/strangers/web/static/learn"
NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")


def run(folder: Path, script: str) -> Any:
    """Run a module in node and return what it prints as JSON."""
    imports = "\n".join(
        f'import * as {name} from "{(LEARN / f"{name}.js").as_uri()}";'
        for name in ("arena", "gan", "layers", "losses", "measures", "networks", "patches", "random")
    )
    path = folder / "script.mjs"
    path.write_text(f"{imports}\nimport fs from 'node:fs';\nimport path from 'node:path';\n{script}")
    assert NODE is not None
    done = subprocess.run([NODE, str(path)], capture_output=True, text=True, timeout=300, cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_products_of_matrices_are_numpys_with_and_without_webassembly(tmp_path: Path) -> None:
    shapes = [(4, 1, 4), (4, 3, 8), (8, 5, 12), (64, 48, 20)]
    found = run(
        tmp_path,
        f"""
        const results = [];
        for (const wasm of [true, false]) for (const [n, k, m] of {json.dumps(shapes)}) {{
          const memory = new arena.Arena(1, wasm);
          const numbers = (count, first) => {{ const array = memory.allocate(count);
            for (let i = 0; i < count; i++) array[i] = ((i * 7 + first) % 11) - 5; return array; }};
          const [a, b, c] = [numbers(n * k, 1), numbers(k * m, 2), numbers(n * m, 3)];
          memory.multiply(a, b, c, n, k, m, {{ add: true }});
          const plain = [...c];
          memory.multiply(a, b, c, n, k, m, {{ transposed: true }});
          results.push({{ wasm: memory.kernel !== null, plain, transposed: [...c] }});
        }}
        console.log(JSON.stringify(results));""",
    )
    for result, (n, k, m), wasm in zip(found, shapes * 2, [True] * 4 + [False] * 4, strict=True):

        def numbers(count: int, first: int) -> np.ndarray:
            return (np.arange(count) * 7 + first) % 11 - 5

        a, b, c = numbers(n * k, 1), numbers(k * m, 2).reshape(k, m), numbers(n * m, 3).reshape(n, m)
        assert result["wasm"] == wasm
        np.testing.assert_array_equal(np.reshape(result["plain"], (n, m)), c + a.reshape(n, k) @ b)
        np.testing.assert_array_equal(np.reshape(result["transposed"], (n, m)), a.reshape(k, n).T @ b)


def test_gradients_of_both_networks_are_those_of_differences(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const memory = new arena.Arena(32);
        const dice = new random.Random(1);
        const G = networks.generator(memory, dice, 8), D = networks.discriminator(memory, dice, 8);
        const z = memory.allocate(8 * networks.LATENT_SIZE), outputs = memory.allocate(32);
        dice.fillNormal(z);
        for (const { value } of G.parameters) for (let i = 0; i < value.length; i++) value[i] *= 3;
        const logits = () => networks.logitsOf(D.forward(G.forward(z, 8), 8), 8);
        const loss = () => losses.generatorLoss("bce", logits());
        G.clearGradients(); D.clearGradients();
        G.backward(D.backward(networks.spread(loss().gradient, outputs), 8), 8);
        const pairs = [];
        for (const network of [G, D]) for (const { value, gradient } of network.parameters) {
          // Along the gradient itself, where rounding matters least.
          const square = gradient.reduce((sum, each) => sum + each * each, 0), kept = value.slice();
          const step = 1e-2 / Math.sqrt(square + 1e-24);
          const at = (sign) => {
            for (let i = 0; i < value.length; i++) value[i] = kept[i] + sign * step * gradient[i];
            return loss().value;
          };
          const difference = (at(1) - at(-1)) / (2 * step);
          value.set(kept);
          if (square > 1e-12) pairs.push([difference, square]);
        }
        console.log(JSON.stringify(pairs));""",
    )
    assert len(found) > 15
    for difference, exact in found:
        assert difference == pytest.approx(exact, rel=0.1)


def test_the_penalty_has_the_gradient_of_r1(tmp_path: Path) -> None:
    """Half the mean square of the slope by the image; without kinks, which differences step over."""
    found = run(
        tmp_path,
        """
        const images = new Uint8Array(3 * 32 * 32 * 8).map((_, i) => (i * 37) % 256);
        const game = new gan.Gan(images, 1);
        const { discriminator: D } = game;
        for (const layer of D.layers) if (layer instanceof layers.LeakyReLU) layer.slope = 1;
        const batch = 8, size = batch * networks.IMAGE, outputs = game.outputs;
        for (let i = 0; i < size; i++) game.real[i] = Math.sin(i * i);
        const ones = new Float64Array(batch).fill(1);
        const penalty = () => {
          D.forward(game.real, batch);
          const slope = D.backward(networks.spread(ones, outputs), batch, false);
          let sum = 0;
          for (let i = 0; i < size; i++) sum += slope[i] ** 2;
          return sum / 2 / batch;
        };
        D.clearGradients();
        D.forward(game.real, batch);
        game.penalize(batch, 1);
        const pairs = D.parameters.map(({ value, gradient }) => {
          const kept = value.slice(), square = gradient.reduce((sum, each) => sum + each * each, 0);
          if (square < 1e-12) return [0, 0];
          const step = 1e-3 / Math.sqrt(square);
          const at = (sign) => {
            for (let i = 0; i < value.length; i++) value[i] = kept[i] + sign * step * gradient[i];
            return penalty();
          };
          const difference = (at(1) - at(-1)) / (2 * step);
          value.set(kept);
          return [difference, square];
        });
        console.log(JSON.stringify(pairs));""",
    )
    checked = [(difference, exact) for difference, exact in found if exact > 1e-6]
    assert len(checked) >= 4
    for difference, exact in checked:
        assert difference == pytest.approx(exact, rel=0.02)


def test_faces_come_nearer_to_the_drawn_ones_and_differ(tmp_path: Path) -> None:
    pixels, _ = draw(range(64), 32)
    (tmp_path / "faces.bin").write_bytes(pixels.tobytes())
    first, last = run(
        tmp_path,
        """
        const images = new Uint8Array(fs.readFileSync("faces.bin"));
        const game = new gan.Gan(images, 1), real = measures.statisticsOfReal(images, game.count);
        const settings = { generatorRate: 0.002, discriminatorRate: 0.001, discriminatorSteps: 1,
          smoothing: 0.1, batch: 8, r1: 0.5, loss: "bce" };
        const found = [measures.measure(game.faces(), gan.FACES, real)];
        for (let i = 0; i < 40; i++) game.step(settings);
        found.push({ ...measures.measure(game.faces(), gan.FACES, real), images: game.imagesSeen });
        console.log(JSON.stringify(found));""",
    )
    assert last["images"] == 320
    assert last["distance"] < first["distance"] - 3
    assert last["variety"] > 0.25


@pytest.mark.parametrize("loss", ["bce", "minimax", "hinge"])
def test_losses_have_the_slopes_of_their_values(tmp_path: Path, loss: str) -> None:
    found = run(
        tmp_path,
        f"""
        const points = Float64Array.from([-3, -0.4, 0.3, 2.5]), e = 1e-6;
        const all = [(x) => losses.realLoss("{loss}", x, 0.1), (x) => losses.fakeLoss("{loss}", x),
          (x) => losses.generatorLoss("{loss}", x)];
        console.log(JSON.stringify(all.map((one) => points.reduce((pairs, _, i) => {{
          const moved = (by) => one(points.map((x, j) => (i === j ? x + by : x))).value;
          return [...pairs, [(moved(e) - moved(-e)) / 2 / e, one(points).gradient[i]]];
        }}, [])).flat()));""",
    )
    for difference, exact in found:
        assert difference == pytest.approx(exact, abs=1e-6)
