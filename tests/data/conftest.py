"""Photographs for tests: drawn faces, in CelebA's format and layout."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from strangers.data.synthetic import faces as synthetic

from .faces import SEEDS

PHOTOGRAPHS = 30
"""Number of photographs in `celeba`: 24 of the train split, 3 of val, 3 of test."""

OFFICIAL_ATTRIBUTES = "list_attr_celeba.txt"
OFFICIAL_PARTITION = "list_eval_partition.txt"


@pytest.fixture(scope="session")
def photographs() -> list[Image.Image]:
    """Portraits of 178 x 218 pixels, RGB."""
    pixels, _ = synthetic.draw(range(PHOTOGRAPHS), 218)
    return [Image.fromarray(face[:, 20:198]) for face in pixels]


@pytest.fixture(scope="session")
def encoded() -> Callable[..., bytes]:
    """encoded(image, format, **options): the bytes of an image file."""

    def encode(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
        stream = BytesIO()
        image.save(stream, kind, **options)
        return stream.getvalue()

    return encode


@pytest.fixture(scope="session")
def values() -> NDArray[np.int8]:
    """The attributes of the photographs of `celeba`, int8 (n, 2)."""
    return np.random.default_rng(0).choice(np.array([-1, 1], np.int8), (PHOTOGRAPHS, 2))


@pytest.fixture(scope="session")
def tables(values: NDArray[np.int8]) -> dict[str, bytes]:
    """CelebA's two tables in both forms, by name."""
    names = [f"{number:06d}.jpg" for number in range(1, PHOTOGRAPHS + 1)]
    split = [0 if number < 24 else 1 if number < 27 else 2 for number in range(PHOTOGRAPHS)]
    rows = list(zip(names, values.tolist(), split, strict=True))
    texts = {
        OFFICIAL_ATTRIBUTES: f"{len(rows)}\nMale Smiling \n"
        + "".join(f"{name} {male:2d} {smiling:2d}\n" for name, (male, smiling), _ in rows),
        OFFICIAL_PARTITION: "".join(f"{name} {part}\n" for name, _, part in rows),
        "list_attr_celeba.csv": "image_id,Male,Smiling\r\n"
        + "".join(f"{name},{male},{smiling}\r\n" for name, (male, smiling), _ in rows),
        "list_eval_partition.csv": "image_id,partition\r\n"
        + "".join(f"{name},{part}\r\n" for name, _, part in rows),
    }
    return {name: text.encode() for name, text in texts.items()}


@pytest.fixture(scope="session")
def celeba(
    tmp_path_factory: pytest.TempPathFactory,
    photographs: list[Image.Image],
    tables: dict[str, bytes],
    encoded: Callable[..., bytes],
) -> Path:
    """A folder as users have CelebA: img_align_celeba/000001.jpg ... and the official tables beside it."""
    folder = tmp_path_factory.mktemp("celeba")
    (folder / "img_align_celeba").mkdir()
    for number, photograph in enumerate(photographs, start=1):
        path = folder / "img_align_celeba" / f"{number:06d}.jpg"
        path.write_bytes(encoded(photograph, quality=92))
    for name in (OFFICIAL_ATTRIBUTES, OFFICIAL_PARTITION):
        (folder / name).write_bytes(tables[name])
    return folder


@pytest.fixture(scope="session")
def celeba_zip(tmp_path_factory: pytest.TempPathFactory, celeba: Path) -> Path:
    """The folder `celeba` as one archive, tables included."""
    path = tmp_path_factory.mktemp("archives") / "celeba.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(celeba.rglob("*.*")):
            archive.write(file, file.relative_to(celeba))
    return path


@pytest.fixture(scope="session")
def faces() -> list[NDArray[np.uint8]]:
    """Generated faces of 128 px, as crop c178 shows them."""
    from strangers.sampling.load import load

    return list(load("celeba-128", device="cpu").sample(SEEDS))
