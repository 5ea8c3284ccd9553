"""Measure the same pictures by pytorch-fid and by `strangers evaluate`, in every form that they can take.

    pip install pytorch-fid
    python benchmarks/referee.py celeba-64 val64 --weights WEIGHTS --out referee.json

Generated faces and as many photographs are written as PNGs. pytorch-fid's own functions give fid768 of the
two folders, and so does `evaluate`. Then both sides are packed as folders within a folder, .zip, .tar, .npy
and .npz, and `evaluate` gives fd-face of each. The photographs stay in --work. pytorch-fid needs
torchvision.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

from strangers.data.prepared import open_prepared
from strangers.evaluation.evaluate import Settings, evaluate
from strangers.evaluation.features import picture_order
from strangers.evaluation.result import hardware
from strangers.images import Pixels
from strangers.sampling.load import load
from strangers.system.files import write_atomically
from strangers.system.machine import versions

Pack = Callable[[Path, Path], Path]
"""A new folder and a folder of PNGs -> the same pictures in another form."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("photographs", help="a prepared set of the model's size")
    parser.add_argument("--weights", type=Path, required=True, help="Inception weights, .safetensors")
    parser.add_argument("--count", type=int, default=1200)
    parser.add_argument("--work", type=Path, default=Path("runs/referee"), help="a new folder")
    parser.add_argument("--out", type=Path, required=True, help="a .json file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model, photographs = load(arguments.model, device="cpu"), open_prepared(arguments.photographs)
    real = photographs.batch(np.sort(picture_order(len(photographs), arguments.count)))
    sides = {"faces": model.sample(range(arguments.count)), "photographs": real}
    folders = [_folder(arguments.work / "folder" / name, pixels) for name, pixels in sides.items()]

    forms: dict[str, float] = {}
    for form, pack in FORMS.items():
        packed = [pack(arguments.work / form, folder) for folder in folders]
        forms[form] = _evaluate(packed, "fd-face", arguments)
        print(form, forms[form], flush=True)
    ours = _evaluate(folders, "fid768", arguments)
    theirs = pytorch_fid(folders, arguments.weights)
    print(f"fid768: {ours}, by pytorch-fid {theirs}")
    record: dict[str, Any] = {
        "what": f"{arguments.count:,} faces of {arguments.model} (seeds from 0) to as many held-out "
        "photographs: fid768 by pytorch-fid and by `strangers evaluate`, and what that says of the same "
        "pictures in other forms",
        "command": "python benchmarks/referee.py MODEL VAL64 --weights WEIGHTS --out FILE",
        "model": model.hash,
        "data": photographs.manifest.hash,
        "count": arguments.count,
        "fid768": {"strangers": ours, "pytorch-fid": theirs, "difference": abs(ours - theirs)},
        "fd-face": forms,
        "spread": max(forms.values()) - min(forms.values()),
        "packages": {"pytorch-fid": version("pytorch-fid")},
        "versions": versions(),
        "hardware": hardware("cpu").model_dump(),
    }
    write_atomically(arguments.out, (json.dumps(record, indent=1) + "\n").encode())


def _evaluate(sides: list[Path], metric: str, arguments: argparse.Namespace) -> float:
    settings = Settings(metrics=[metric], count=arguments.count, weights=arguments.weights, device="cpu")
    return evaluate(*sides, settings=settings, progress=False).result.values[metric].value


def pytorch_fid(folders: list[Path], weights: Path) -> float:
    """Return fid768 of two folders by pytorch-fid's functions, on other weights than those it downloads."""
    from pytorch_fid import fid_score, inception  # type: ignore[import-not-found]

    load_state_dict = torch.nn.Module.load_state_dict

    def load_early_layers(network: torch.nn.Module, state: dict[str, torch.Tensor]) -> None:
        found = load_state_dict(network, state, strict=False)
        late = ("Mixed_7", "fc.")
        assert not found.unexpected_keys
        assert all(name.startswith(late) for name in found.missing_keys)

    with (
        mock.patch.object(inception, "load_state_dict_from_url", return_value=load_file(weights)),
        mock.patch.object(torch.nn.Module, "load_state_dict", load_early_layers),
    ):
        network = inception.InceptionV3([inception.InceptionV3.BLOCK_INDEX_BY_DIM[768]])
    means, covariances = zip(
        *(
            fid_score.compute_statistics_of_path(str(folder), network, 50, 768, "cpu", 0)
            for folder in folders
        ),
        strict=True,
    )
    (first, second), (spread, other) = means, covariances
    return float(fid_score.calculate_frechet_distance(first, spread, second, other))


def _folder(place: Path, pixels: Pixels) -> Path:
    place.mkdir(parents=True)
    for number, picture in enumerate(pixels):
        Image.fromarray(picture).save(place / f"{number:05d}.png")
    return place


def _folders(place: Path, source: Path) -> Path:
    """Copy a folder's pictures into two folders within one."""
    files = sorted(source.iterdir())
    for number, file in enumerate(files):
        part = place / source.name / ("first" if number < len(files) // 2 else "second")
        part.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, part)
    return place / source.name


def _archive(format: str) -> Pack:
    def pack(place: Path, source: Path) -> Path:
        place.mkdir(exist_ok=True)
        return Path(shutil.make_archive(str(place / source.name), format, source))

    return pack


def _array(suffix: str) -> Pack:
    def pack(place: Path, source: Path) -> Path:
        place.mkdir(exist_ok=True)
        pixels = np.stack([np.asarray(Image.open(file)) for file in sorted(source.iterdir())])
        path = place / f"{source.name}.{suffix}"
        if suffix == "npy":
            np.save(path, pixels)
        else:
            np.savez(path, pixels)
        return path

    return pack


FORMS: dict[str, Pack] = {
    "folder": lambda _, source: source,
    "folders": _folders,
    "zip": _archive("zip"),
    "tar": _archive("tar"),
    "npy": _array("npy"),
    "npz": _array("npz"),
}


if __name__ == "__main__":
    main()
