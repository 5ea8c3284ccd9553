"""Compare the face detector of `prepare --align` with others whose weights PyPI has.

    pip install --no-deps facenet-pytorch dlib-bin 'opencv-python-headless<4.13'
    python benchmarks/detectors.py celeba-val-3k.zip val64 val128 --portraits portraits.zip --out found.json

Each detector counts the faces in raw photographs, in CelebA's aligned photographs on larger canvases, and, at
256 px, in faces of the bundled models and in photographs prepared as those that they learned from. MTCNN also
says where the eyes are in pictures that were aligned. MTCNN needs torchvision.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from alignment import GOOD, PICTURE, distort, photographs
from PIL import Image

from strangers.data.alignment import LANDMARKS, aligned_images, find_faces
from strangers.data.crops import ALIGNED, CROPS
from strangers.data.face_detection import Points
from strangers.data.prepared import open_prepared, positions
from strangers.errors import DataError
from strangers.evaluation.result import hardware
from strangers.images import Pixels
from strangers.sampling.load import load
from strangers.system.files import write_atomically
from strangers.system.machine import versions

ENLARGED = 256
"""Height and width at which prepared pictures and generated faces are searched."""

SCALES = 0.7, 2.0
"""Factors by which photographs of 178x218 px are resized on their canvases."""

MTCNN_SMALLEST = 20
"""Height and width in pixels of the smallest faces that MTCNN finds, unless it is told otherwise."""

HOG_SMALLEST = 80
"""The same of HOG, always: the least that counts as a face in pictures of one that fills them."""

PACKAGES = ("facenet-pytorch", "dlib-bin", "opencv-python-headless")

Counter = Callable[[Pixels], int]
"""A photograph (height, width, 3) -> the number of faces in it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("celeba", help="CelebA's aligned photographs, 178x218 px")
    parser.add_argument(
        "prepared", nargs=2, type=Path, help="photographs prepared with c178 at 64 and 128 px"
    )
    parser.add_argument("--portraits", help="raw photographs")
    parser.add_argument("--count", type=int, default=1000, help="faces and photographs of each kind")
    parser.add_argument("--scenes", type=int, default=650, help="photographs to lay on canvases")
    parser.add_argument("--counted", type=int, default=200, help="of them, to count faces in")
    parser.add_argument("--out", type=Path, required=True, help="a .json file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    mtcnn = _mtcnn()
    raw = {"scenes": list(_scenes(arguments.celeba, arguments.scenes))}
    if arguments.portraits:
        raw = {"portraits": [found for _, found in photographs(arguments.portraits, 10**6)]} | raw
    aligned: dict[str, Iterable[Pixels | None]] = {name: map(_aligned, found) for name, found in raw.items()}
    aligned["celeba"] = _prepared(arguments.prepared[1], arguments.scenes)
    record: dict[str, Any] = {
        "what": "shares of pictures in which the detector of `prepare --align` (yunet) and three others find "
        f"one face, and where mtcnn finds the eyes in aligned pictures of {PICTURE} px",
        "command": "python benchmarks/detectors.py CELEBA VAL64 VAL128 --portraits PORTRAITS --out FILE",
        "eyes": {name: _eye_errors(mtcnn, pictures) for name, pictures in aligned.items()},
    }
    print(json.dumps(record["eyes"], indent=1), flush=True)
    found = {
        name: _counts(name, pictures[: arguments.counted], MTCNN_SMALLEST) for name, pictures in raw.items()
    }
    for name, pictures in _faces(arguments.prepared, arguments.count).items():
        found[name] = _counts(name, pictures, HOG_SMALLEST)
    record["found"] = found
    record["packages"] = {name: version(name) for name in PACKAGES}
    record |= {"versions": versions(), "hardware": hardware("cpu").model_dump()}
    write_atomically(arguments.out, (json.dumps(record, indent=1) + "\n").encode())


def _counts(name: str, pictures: list[Pixels], smallest: int) -> dict[str, Any]:
    """Count faces of at least `smallest` pixels; ours in raw photographs only, since it judged the others."""
    mtcnn = _mtcnn(smallest)
    counters: dict[str, Counter] = {
        "mtcnn": lambda photograph: len(_eyes(mtcnn, photograph)),
        "hog": _hog(),
        "haar": _haar(smallest),
    }
    if smallest < HOG_SMALLEST:
        counters["yunet"] = lambda photograph: len(find_faces(photograph))
    counts = {detector: _found(count, pictures) for detector, count in counters.items()}
    print(name, json.dumps(counts, indent=1), flush=True)
    return counts


def _mtcnn(smallest: int = MTCNN_SMALLEST) -> Any:
    from facenet_pytorch import MTCNN  # type: ignore[import-not-found]

    return MTCNN(keep_all=True, device="cpu", min_face_size=smallest)


def _eyes(mtcnn: Any, photograph: Pixels) -> list[Points]:
    """Return the eyes (2, 2) of each face, the most certain face first."""
    _, scores, landmarks = mtcnn.detect(Image.fromarray(photograph), landmarks=True)
    if landmarks is None:
        return []
    return [np.asarray(landmarks[i][:2], np.float64) for i in np.argsort(-scores, kind="stable")]


def _hog() -> Counter:
    import dlib  # type: ignore[import-not-found]

    detector = dlib.get_frontal_face_detector()
    return lambda photograph: len(detector(np.ascontiguousarray(photograph), 0))


def _haar(smallest: int) -> Counter:
    import cv2  # type: ignore[import-not-found]

    cv2.setNumThreads(1)
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    return lambda photograph: len(
        cascade.detectMultiScale(
            cv2.cvtColor(photograph, cv2.COLOR_RGB2GRAY), 1.1, 5, minSize=(smallest, smallest)
        )
    )


def _scenes(source: str, count: int) -> Iterator[Pixels]:
    """Yield aligned photographs, inclined by up to 15 degrees, on larger canvases; a fifth of them gray."""
    for number, photograph in photographs(source, count):
        rng = np.random.default_rng(number)
        yield distort(photograph, rng.uniform(-15, 15), rng, SCALES)[0]


def _faces(sets: list[Path], count: int) -> dict[str, list[Pixels]]:
    """Return faces of the bundled models, and photographs prepared as those that they learned from."""
    faces: dict[str, list[Pixels]] = {}
    for size, folder in zip((64, 128), sets, strict=True):
        drawn = load(f"celeba-{size}", device="cpu").sample(range(count))
        faces[f"celeba-{size}"] = [_enlarged(face) for face in drawn]
        faces[f"photographs-{size}"] = [_enlarged(found) for found in _prepared(folder, count)]
    return faces


def _prepared(folder: Path, count: int) -> list[Pixels]:
    pictures = open_prepared(folder)
    return list(pictures.batch(positions(len(pictures), count, 0, 0)))


def _enlarged(picture: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(picture).resize((ENLARGED, ENLARGED), Image.Resampling.BICUBIC))


def _aligned(photograph: Pixels) -> Pixels | None:
    try:
        return aligned_images(photograph, PICTURE)[0].pixels
    except DataError:
        return None


def _eye_errors(mtcnn: Any, pictures: Iterable[Pixels | None]) -> dict[str, Any]:
    """Return how far the farther eye, as MTCNN sees it, lies from its place, in pixels."""
    left, top, right, _ = CROPS["c178"].box(*ALIGNED)
    truth = (LANDMARKS[:2] - (left, top)) * PICTURE / (right - left)
    all_pictures = list(pictures)
    kept = [picture for picture in all_pictures if picture is not None]
    found = [eyes[0] for picture in kept if (eyes := _eyes(mtcnn, _enlarged(picture)))]
    errors = [np.hypot(*(eyes * PICTURE / ENLARGED - truth).T).max() for eyes in found]
    return {
        "photographs": len(all_pictures),
        "kept": len(kept) / len(all_pictures),
        "found": len(found) / len(kept),
        "median": float(np.median(errors)),
        "quantile_95": float(np.quantile(errors, 0.95)),
        "within": float(np.mean(np.array(errors) <= GOOD)),
    }


def _found(count: Counter, pictures: list[Pixels]) -> dict[str, Any]:
    """Return the shares of pictures with one face, none and several, and the milliseconds of each."""
    count(pictures[0])
    began = time.process_time()
    counts = np.array([count(picture) for picture in pictures])
    seconds = time.process_time() - began
    shares = {"one": counts == 1, "none": counts == 0, "several": counts > 1}
    return {"pictures": len(pictures), "ms": 1000 * seconds / len(pictures)} | {
        name: float(which.mean()) for name, which in shares.items()
    }


if __name__ == "__main__":
    main()
