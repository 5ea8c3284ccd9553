"""Measure the crop `aligned`: how many faces it keeps, and how far from their place it lays them.

    python benchmarks/alignment.py img_align_celeba.zip --count 3000
    python benchmarks/alignment.py --kept my-photographs/

The first lays CelebA's aligned photographs, whose eyes lie in a known place, inclined, turned, scaled and in
part gray, on larger canvases, aligns these, and reports where the eyes are then. The second reports which of
some photographs are kept.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator

import numpy as np
from PIL import Image

from strangers.data.alignment import Similarity, aligned_images, find_faces
from strangers.data.containers import is_picture
from strangers.data.decode import decode
from strangers.data.face_detection import Pixels, Points
from strangers.data.sources import open_container
from strangers.errors import DataError

EYES: Points = np.array([[69.5, 111.5], [108.0, 111.5]])
"""The eyes in an aligned photograph of 178x218 px."""

PICTURE = 128
"""Errors are in pixels of pictures of this size."""

GOOD = 4.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("source", help="CelebA's aligned photographs, or with --kept any photographs")
    parser.add_argument("--count", type=int, default=3000, help="photographs to take, evenly spread")
    parser.add_argument("--kept", action="store_true", help="only count what is kept, by reason")
    arguments = parser.parse_args()
    found = photographs(arguments.source, arguments.count)
    if arguments.kept:
        print(Counter(_outcome(photograph) for _, photograph in found).most_common())
        return
    errors: dict[str, list[float]] = {}
    for number, photograph in found:
        rng = np.random.default_rng(number)
        errors.setdefault("as they are", []).append(_error(photograph, Similarity(1, 0)))
        for kind, most, turned in (("inclined to 15", 15, 0), ("inclined to 30", 30, 0), ("turned", 15, 1)):
            angle = rng.uniform(-most, most) + 90 * turned * rng.integers(1, 4)
            canvas, place = distort(photograph, angle, rng)
            errors.setdefault(kind, []).append(_error(canvas, place))
        if number % 50 == 49:
            _report(errors)
    _report(errors)


def photographs(source: str, count: int) -> Iterator[tuple[int, Pixels]]:
    """Yield at most `count` photographs, evenly spread, with their numbers."""
    container = open_container(source)
    names = [name for name in container.names() if is_picture(name)]
    chosen = set(names[:: max(1, len(names) // count)][:count])
    for number, file in enumerate(container.files(lambda _position, name: name in chosen)):
        yield number, decode(file.data)


def distort(
    photograph: Pixels, degrees: float, rng: np.random.Generator, scales: tuple[float, float] = (0.7, 4)
) -> tuple[Pixels, Similarity]:
    """Lay a photograph on a canvas; also return where its points come to lie."""
    scale = rng.uniform(*scales)
    width, height = (int(side) for side in rng.uniform(1.3, 2.5, 2) * 290 * scale)
    turn = complex(scale * np.exp(1j * np.radians(degrees)))
    middle = complex(width * rng.uniform(0.4, 0.6), height * rng.uniform(0.4, 0.6))
    place = Similarity(turn, middle - turn * complex(photograph.shape[1], photograph.shape[0]) / 2)
    back, move = 1 / place.turn, -place.move / place.turn
    rows = (back.real, -back.imag, move.real, back.imag, back.real, move.imag)
    picture = Image.fromarray(photograph)
    if rng.random() < 0.2:
        picture = picture.convert("L").convert("RGB")
    background = tuple(rng.integers(0, 256, 3).tolist())
    canvas = picture.transform(
        (width, height), Image.Transform.AFFINE, rows, Image.Resampling.BICUBIC, fillcolor=background
    )
    return np.array(canvas), place


def _error(canvas: Pixels, place: Similarity) -> float:
    """Return how far the farther eye lies from its place in the picture, in pixels; inf without a face."""
    faces = find_faces(canvas)
    if not faces:
        return float("inf")
    where, truth = faces[0].place(EYES), place(EYES)
    distances = np.hypot(*(where - truth).T) / abs(faces[0].place.turn)
    return float(distances.max() * PICTURE / 178)


def _outcome(photograph: Pixels) -> str:
    try:
        return aligned_images(photograph, PICTURE)[0].problem.split(":")[0] or "kept"
    except DataError as error:
        return str(error)


def _report(errors: dict[str, list[float]]) -> None:
    print(f"\n{'':<16}{'n':>6}{'found':>8}{'median':>8}{'95 %':>8}{f'within {GOOD:g} px':>14}")
    for kind, values in errors.items():
        all_values = np.array(values)
        found = all_values[np.isfinite(all_values)]
        share, good = np.isfinite(all_values).mean(), (all_values <= GOOD).mean()
        median, high = np.quantile(found, [0.5, 0.95])
        print(f"{kind:<16}{len(values):>6}{share:>8.1%}{median:>8.2f}{high:>8.2f}{good:>14.1%}", flush=True)


if __name__ == "__main__":
    main()
