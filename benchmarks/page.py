"""Count the faces that the page's server draws for a crowd, and time how soon one comes to a hand that drags.

python benchmarks/page.py [--model FILE] [--clients 32] [--seconds 10]

Everything happens in one process tree on one machine: a server on loopback, and clients that share its cores.
Without a model, dcgan-64 is drawn from as it is before training: it costs the same.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np

ASKED = 16
"""Faces in one request of the crowd."""


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=10.0)
    wishes = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = wishes.model or untrained(Path(folder) / "dcgan-64.safetensors")
        alone = limit(model, wishes.seconds)
        print(f"the model alone, batches of 64: {alone:,.0f} faces/s")
        words = [sys.executable, "-m", "strangers", "serve", str(model), "--port", "0"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                found = re.search(r"http://\S+/", server.stdout.readline())
                assert found is not None
                measure(found[0], alone, wishes.clients, wishes.seconds)
            finally:
                server.terminate()


def measure(url: str, alone: float, clients: int, seconds: float) -> None:
    """A crowd with seeds of their own, a crowd before one wall, and a hand that drags."""
    wait_for_directions(url)
    for name, seeds in (
        (
            "everybody other seeds",
            lambda who, turn: f"{who * 10**9 + turn * ASKED}-{who * 10**9 + turn * ASKED + 15}",
        ),
        ("everybody the same wall", lambda who, turn: f"{turn % 40 * ASKED}-{turn % 40 * ASKED + 15}"),
    ):
        took, failed = crowd(url, clients, seconds, seeds)
        rate = len(took) * ASKED / seconds
        print(
            f"{clients} clients, {name}: {rate:,.0f} faces/s, {rate / alone:.0%} of the model alone; "
            f"a request of {ASKED}: median {statistics.median(took) * 1000:,.0f} ms, "
            f"p99 {np.quantile(took, 0.99) * 1000:,.0f} ms; {failed} failed"
        )
    took = drag(url, 200)
    p99 = np.quantile(took, 0.99) * 1000
    print(f"a dragged face: median {statistics.median(took) * 1000:.1f} ms, p99 {p99:.1f} ms")


def crowd(
    url: str, clients: int, seconds: float, seeds: Callable[[int, int], str]
) -> tuple[list[float], int]:
    """Seconds of each request, and how many failed."""
    took: list[float] = []
    failed = 0
    end = time.perf_counter() + seconds

    def ask(who: int) -> None:
        nonlocal failed
        with httpx.Client(base_url=url, timeout=60) as client:
            turn = 0
            while time.perf_counter() < end:
                started = time.perf_counter()
                answer = client.get("/api/faces", params={"seeds": seeds(who, turn)})
                took.append(time.perf_counter() - started)
                failed += answer.status_code != 200 or len(answer.content) % ASKED != 0
                turn += 1

    threads = [threading.Thread(target=ask, args=(who,)) for who in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took, failed


def drag(url: str, steps: int) -> list[float]:
    """Seconds from a latent to its face, one after another, as a moving hand asks."""
    took = []
    with httpx.Client(base_url=url, timeout=60) as client:
        size = client.get("/api/model").json()["latent_size"]
        for z in np.random.default_rng(0).standard_normal((steps, size)).clip(-1, 1):
            started = time.perf_counter()
            client.post("/api/faces", json={"latents": [z.tolist()]}).raise_for_status()
            took.append(time.perf_counter() - started)
    return took


def wait_for_directions(url: str) -> None:
    """Until the server has found its attribute directions, which it does beside its first requests."""
    with httpx.Client(base_url=url, timeout=60) as client:
        while client.get("/api/directions").json()["state"] == "searching":
            time.sleep(0.5)


def limit(path: Path, seconds: float) -> float:
    """Faces a second that the model draws in this process, with nobody asking."""
    from strangers.sampling.load import load

    model = load(path, device="cpu")
    model.sample(range(64))
    count, started = 0, time.perf_counter()
    while time.perf_counter() < started + seconds:
        count += len(model.sample(range(count, count + 64)))
    return count / (time.perf_counter() - started)


def untrained(path: Path) -> Path:
    """A model file of dcgan-64 as training begins."""
    import torch

    from strangers.recipes.presets import RECIPES
    from strangers.recipes.recipe import build_networks
    from strangers.sampling.model_file import ModelHeader, save_model

    torch.manual_seed(0)
    generator, _ = build_networks(RECIPES["dcgan-64"])
    header = ModelHeader(
        software="strangers", recipe=RECIPES["dcgan-64"], images_seen=0, size=64, crop="c178",
        filter="bicubic", data_hash="0" * 64,
    )  # fmt: skip
    save_model(path, generator.eval(), header)
    return path


if __name__ == "__main__":
    main()
