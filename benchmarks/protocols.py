"""Measure what crop, resize filter, JPEG and count alone do to distances: photographs against photographs.

python benchmarks/protocols.py img_align_celeba.zip --out protocols.json [--train SET] [--weights WEIGHTS]

PHOTOGRAPHS are CelebA's aligned JPEGs of one split. Three groups of --count of them, drawn with seed 0: the
first, prepared as usual, is the reference; the second is prepared in other ways, each of which changes one
thing; the third adds pictures to the second. Features are kept in --work, so that the command resumes.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from strangers.data.containers import is_picture
from strangers.data.crops import crop_named
from strangers.data.decode import decode, resize
from strangers.data.prepared import open_prepared, positions
from strangers.data.sources import open_container
from strangers.evaluation.attributes import load_attributes
from strangers.evaluation.features import Extractor, FeatureSet
from strangers.evaluation.frechet import frechet_distance, statistics
from strangers.evaluation.inception import load_inception
from strangers.evaluation.result import hardware
from strangers.evaluation.values import frechet_error
from strangers.images import Pixels
from strangers.system.files import write_atomically
from strangers.system.machine import versions

SIZE = 64
USUAL = "crop c178, filter bicubic, lossless"

Preparation = Callable[[Pixels], Pixels]
"""A photograph (218, 178, 3) -> a picture (64, 64, 3), both uint8."""


def cropped(photograph: Pixels, name: str = "c178") -> Pixels:
    """Return the part of a photograph that a crop takes."""
    height, width = photograph.shape[:2]
    left, top, right, bottom = crop_named(name).box(width, height)
    return photograph[top:bottom, left:right]


def pillow(filter: Image.Resampling) -> Preparation:
    """Resize by a filter of Pillow."""
    return lambda photograph: np.asarray(Image.fromarray(cropped(photograph)).resize((SIZE, SIZE), filter))


def aliased(photograph: Pixels) -> Pixels:
    """Resize bilinearly without antialiasing, as F.interpolate and OpenCV do."""
    maps = torch.from_numpy(cropped(photograph).copy()).permute(2, 0, 1)[None].float()
    small = F.interpolate(maps, (SIZE, SIZE), mode="bilinear", align_corners=False)
    return small[0].round().clamp(0, 255).byte().permute(1, 2, 0).numpy()


def jpeg(quality: int) -> Preparation:
    """Prepare as usual, then compress as JPEG."""

    def prepare(photograph: Pixels) -> Pixels:
        buffer = io.BytesIO()
        Image.fromarray(usual(photograph)).save(buffer, "JPEG", quality=quality)
        return np.asarray(Image.open(buffer))

    return prepare


def usual(photograph: Pixels) -> Pixels:
    """Prepare as `strangers prepare --crop c178 --size 64` does."""
    return resize(cropped(photograph), SIZE)


def with_crop(name: str) -> Preparation:
    """Prepare with another crop."""
    return lambda photograph: resize(cropped(photograph, name), SIZE)


def prepared(photographs: list[Pixels], prepare: Preparation) -> Callable[[], Pixels]:
    """Return a function that prepares the photographs when their features are not known yet."""
    return lambda: np.stack([prepare(photograph) for photograph in photographs])


VARIANTS: dict[str, Preparation] = {
    "crop c148": with_crop("c148"),
    "crop c140": with_crop("c140"),
    "crop c108": with_crop("c108"),
    "crop squash": with_crop("squash"),
    "filter lanczos": pillow(Image.Resampling.LANCZOS),
    "filter bilinear": pillow(Image.Resampling.BILINEAR),
    "filter bilinear, not antialiased": aliased,
    "filter nearest": pillow(Image.Resampling.NEAREST),
    "JPEG quality 95": jpeg(95),
    "JPEG quality 75": jpeg(75),
    "JPEG quality 50": jpeg(50),
}
"""Preparations that change one thing of the usual one."""


def main() -> None:
    parser = argparse.ArgumentParser(description="What a protocol alone does to distances.")
    parser.add_argument("photographs", help="CelebA's aligned JPEGs, as a folder or an archive")
    parser.add_argument("--weights", type=Path, help="Inception weights, for fid64, fid192 and fid768 too")
    parser.add_argument("--train", type=Path, help="a prepared set of the training split, crop c178, 64 px")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--work", type=Path, default=Path("runs/protocols"), help="folder for features")
    parser.add_argument("--out", type=Path, required=True, help="a .json file; the plot is written beside it")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    groups = read(arguments.photographs, arguments.count)
    extractors: list[Extractor] = [load_attributes(device="cpu")]
    if arguments.weights:
        layers = ("inception64", "inception192", "inception768")
        extractors.append(load_inception(arguments.weights, layers, "cpu"))

    def features(name: str, pictures: Callable[[], Pixels]) -> dict[str, Any]:
        return kept(arguments.work / f"{name.replace(' ', '-').replace(',', '')}.npz", pictures, extractors)

    began = time.process_time()
    first, second = (features(f"group {number}", prepared(groups[number], usual)) for number in (0, 1))
    reference = sets(first)
    rows = [row(reference, "nothing", sets(second))]
    for name, prepare in VARIANTS.items():
        rows.append(row(reference, name, sets(features(name, prepared(groups[1], prepare)))))
    if arguments.train:
        train = open_prepared(arguments.train)
        which = positions(len(train), arguments.count, 0, 0)
        rows.append(row(reference, "split train", sets(features("train", lambda: train.batch(which)))))
    third = features("group 2", prepared(groups[2], usual))
    both = {name: np.concatenate([second[name], third[name]]) for name in second}
    rows.append(row(reference, "number, doubled", sets(both)))
    record = {
        "what": f"distances of photographs to {len(groups[0]):,} others, prepared alike ({USUAL}, {SIZE} px)",
        "command": "python benchmarks/protocols.py PHOTOGRAPHS --train SET --weights WEIGHTS --out FILE",
        "count": arguments.count,
        "seed": 0,
        "weights": {extractor.name: extractor.hash for extractor in extractors},
        "rows": rows,
        "versions": versions(),
        "hardware": hardware("cpu").model_dump(),
        "processor_seconds": round(time.process_time() - began),
    }
    write_atomically(arguments.out, (json.dumps(record, indent=1) + "\n").encode())
    arguments.out.with_suffix(".png").write_bytes(plot(rows))
    print(table(rows))


def plot(rows: list[dict[str, Any]]) -> bytes:
    """Return the distances of the changed pictures as bars, one panel per metric, as a PNG."""
    from matplotlib.figure import Figure

    metrics = [metric for metric in ("fd-face", "fid768") if metric in rows[0]["values"]]
    figure = Figure(figsize=(3 + 4 * len(metrics), 3.8), layout="constrained")
    for axes, metric in zip(
        figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0], metrics, strict=True
    ):
        found = [changed["values"][metric] for changed in rows[1:]]
        axes.barh(
            [changed["changed"] for changed in rows[1:]],
            [one["value"] for one in found],
            xerr=[1.96 * (one["error"] or math.nan) for one in found],
            color="#4c72b0", height=0.6, capsize=2,
        )  # fmt: skip
        axes.axvline(rows[0]["values"][metric]["value"], color="black", linewidth=1, linestyle="--")
        axes.set(xlabel=metric)
        axes.spines[["top", "right"]].set_visible(False)
    axes.invert_yaxis()
    figure.suptitle("Distance to photographs prepared as usual; dashed: nothing changed", fontsize=10)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    return picture.getvalue()


def read(source: str, count: int) -> list[list[Pixels]]:
    """Return three groups of at most `count` photographs, drawn with seed 0."""
    container = open_container(source)
    photographs = [decode(file.data) for file in container.files(lambda _, name: is_picture(name))]
    order = positions(len(photographs), len(photographs), 0, 0)
    return [[photographs[i] for i in order[start : start + count]] for start in (0, count, 2 * count)]


def kept(path: Path, pictures: Callable[[], Pixels], extractors: list[Extractor]) -> dict[str, Any]:
    """Return features by name from `path`, or compute them and write it."""
    if path.is_file():
        with np.load(path) as archive:
            return dict(archive)
    made: dict[str, list[Any]] = {}
    for batch in _batches(pictures()):
        for extractor in extractors:
            for name, found in extractor.extract(batch).items():
                made.setdefault(name, []).append(found)
    joined = {name: np.concatenate(parts) for name, parts in made.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    np.savez(buffer, **joined)  # type: ignore[arg-type]
    write_atomically(path, buffer.getvalue())
    print(f"{path.stem}: {len(joined['face']):,} pictures", flush=True)
    return joined


def _batches(pictures: Pixels) -> Iterator[Pixels]:
    for start in range(0, len(pictures), 128):
        yield pictures[start : start + 128]


METRICS = {"fd-face": "face", "fid768": "inception768", "fid192": "inception192", "fid64": "inception64"}


def sets(features: dict[str, Any]) -> dict[str, FeatureSet]:
    """Return the features of each metric with their statistics."""
    return {
        metric: FeatureSet(statistics(features[name]), features[name])
        for metric, name in METRICS.items()
        if name in features
    }


def row(reference: dict[str, FeatureSet], changed: str, pictures: dict[str, FeatureSet]) -> dict[str, Any]:
    """Return the distances of pictures to the reference, with errors where halves are large enough."""
    values = {}
    for metric in reference:
        distance = frechet_distance(reference[metric].statistics, pictures[metric].statistics)
        error = frechet_error(reference[metric], pictures[metric], shrinkage=False)
        values[metric] = {"value": distance, "error": error}
    return {"changed": changed, "count": len(pictures["fd-face"].features), "values": values}


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    names = list(rows[0]["values"])
    lines = ["| changed | n | " + " | ".join(names) + " |", "|---" * (len(names) + 2) + "|"]
    for found in rows:
        cells = [f"{found['values'][name]['value']:.3g}" for name in names]
        lines.append(f"| {found['changed']} | {found['count']:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
