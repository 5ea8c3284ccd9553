"""Warnings, measured: in how many pictures of each kind the out-of-distribution score exceeds its threshold.

    .venv/bin/python benchmarks/ood.py --model celeba-64 SET64 --model celeba-128 SET128 \\
        --portraits portraits.zip --record benchmarks/results/ood.json

Each prepared set has photographs as its model's, which were not trained on. Portraits are photographs from
other sources, of which the middle square is taken.
"""

from __future__ import annotations

import argparse
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from strangers.data.decode import decode, resize
from strangers.data.prepared import open_prepared
from strangers.images import Pixels
from strangers.latent.ood import OOD_THRESHOLD, ood_scores
from strangers.sampling.load import load

PHOTOGRAPHS = 300
VARIED = 80
"""Photographs, the first of these, that are changed in each way."""

DRAWN = 40
"""Pictures of each kind without a face."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the warnings of the out-of-distribution score.")
    parser.add_argument("--model", nargs=2, action="append", required=True, metavar=("MODEL", "SET"))
    parser.add_argument("--portraits", type=Path, required=True, help="a zip of photographs")
    parser.add_argument("--record", type=Path, required=True, help="JSON file")
    given = parser.parse_args()
    record = {name: measure(name, Path(data), given.portraits) for name, data in given.model}
    given.record.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def measure(name: str, data: Path, portraits: Path) -> dict[str, object]:
    """Return the share of pictures with a warning by kind."""
    model = load(name, device="cpu")
    photographs = open_prepared(data).batch(np.arange(PHOTOGRAPHS))
    kinds = {
        "photographs": iter(photographs),
        "gray": map(gray, photographs[:VARIED]),
        "closer": map(closer, photographs[:VARIED]),
        "portraits": middles(portraits, model.header.size),
        "upside-down": (face[::-1] for face in photographs[:VARIED]),
        "turned": turned_or_quarter(photographs[:VARIED]),
        "border": map(bordered, photographs[:VARIED]),
        "faceless": faceless(model.header.size),
    }
    found = {}
    for kind, pictures in kinds.items():
        scores = ood_scores(model, np.stack([*pictures]))
        found[kind] = {"pictures": len(scores), "share": round(float((scores > OOD_THRESHOLD).mean()), 4)}
    return {"hash": model.hash, "threshold": OOD_THRESHOLD, "kinds": found}


def gray(face: Pixels) -> Pixels:
    light: Pixels = face.mean(axis=2, keepdims=True).astype(np.uint8)
    return light.repeat(3, axis=2)


def closer(face: Pixels) -> Pixels:
    """Return the middle three quarters, enlarged."""
    edge = len(face) // 8
    return resized(face[edge:-edge, edge:-edge], len(face))


def bordered(face: Pixels) -> Pixels:
    """Return the face at half its size before a gray background."""
    size = len(face)
    picture = np.full_like(face, 128)
    picture[size // 4 : size // 4 + size // 2, size // 4 : size // 4 + size // 2] = resized(face, size // 2)
    return picture


def turned_or_quarter(faces: Pixels) -> Iterator[Pixels]:
    """Yield every face on its side, then a random quarter of every face."""
    random = np.random.default_rng(0)
    half = faces.shape[1] // 2
    yield from (np.rot90(face) for face in faces)
    for face in faces:
        top, left = random.integers(0, half + 1, 2)
        yield resized(face[top : top + half, left : left + half], 2 * half)


def faceless(size: int) -> Iterator[Pixels]:
    """Yield pictures of one color, of noise, of gradients and of soft patches."""
    random = np.random.default_rng(0)
    for _ in range(DRAWN):
        first, second = random.integers(0, 256, (2, 3))
        yield np.full((size, size, 3), first, np.uint8)
        yield random.integers(0, 256, (size, size, 3)).astype(np.uint8)
        mix = np.linspace(0, 1, size)[:, None, None]
        yield np.broadcast_to(first * (1 - mix) + second * mix, (size, size, 3)).astype(np.uint8)
        patches = random.integers(0, 256, (*random.integers(2, 12, 2), 3)).astype(np.uint8)
        yield resized(patches, size)


def middles(portraits: Path, size: int) -> Iterator[Pixels]:
    """Yield the middle square of each photograph in a zip."""
    with zipfile.ZipFile(portraits) as archive:
        for name in sorted(archive.namelist()):
            if name.lower().endswith((".jpg", ".jpeg", ".png")):
                photograph = decode(archive.read(name))
                height, width = photograph.shape[:2]
                edge = min(height, width)
                top, left = (height - edge) // 2, (width - edge) // 2
                yield resize(photograph[top : top + edge, left : left + edge], size)


def resized(picture: Pixels, size: int) -> Pixels:
    return np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.BICUBIC))


if __name__ == "__main__":
    main()
