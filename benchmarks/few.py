"""Faces by the number of photographs that a model is adapted to, each for the same processor time.

    .venv/bin/python benchmarks/few.py celeba-train-128.zip --annotations ANNOTATIONS --out runs/few

The photographs with one attribute, eyeglasses, stand for somebody's own: CelebA's generators draw few.
People are split by CelebA's identities: all pictures of one fifth are held out, and the sets of 50, 200, ...
pictures are the first ones of the others. Every model is judged by the same held-out pictures.
"""

from __future__ import annotations

import argparse
import json
import time
import zipfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from strangers.data.annotations import is_annotation, read_annotations
from strangers.data.prepare import prepare
from strangers.evaluation.evaluate import Settings, evaluate
from strangers.images import Pixels
from strangers.sampling.load import load
from strangers.system.files import write_atomically
from strangers.system.machine import processor_name, versions
from strangers.training.callbacks import Callback
from strangers.training.loop import train

METRICS = ("kd-face", "precision-face", "recall-face", "memorization")


class FinishedError(Exception):
    """The end of a training that has used up its time."""


class Budget(Callback):
    """Ends a training at the first snapshot after `seconds` of processor time.

    Attributes:
        spent: processor time from its creation to the newest snapshot, in seconds.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._start = seconds, time.process_time()
        self.spent = 0.0

    def on_snapshot(self, images_seen: int, faces: Pixels) -> None:
        self.spent = time.process_time() - self._start
        if self.spent >= self._seconds:
            raise FinishedError


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure faces by the number of photographs.")
    parser.add_argument("photographs", type=Path, help="a zip of CelebA's, cropped as c178")
    parser.add_argument(
        "--annotations", type=Path, required=True, help="folder of the attributes, identities"
    )
    parser.add_argument("--attribute", default="Eyeglasses")
    parser.add_argument("--from", dest="model", default="celeba-64")
    parser.add_argument("--counts", default="50,200,1000,2000")
    parser.add_argument("--seconds", type=float, default=600, help="processor time of each training")
    parser.add_argument("--faces", type=int, default=512)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--record", type=Path, default=Path("few-counts.json"))
    arguments = parser.parse_args()
    rest, held_out = split(people(arguments.photographs, arguments.annotations, arguments.attribute))
    judge = prepared(arguments, held_out, "held-out")
    record: dict[str, Any] = {
        "attribute": arguments.attribute, "from": arguments.model, "held_out": len(held_out),
        "faces": arguments.faces, "seconds": arguments.seconds, "seed": 0, "runs": {},
        "versions": versions(), "processor": processor_name(), "threads": 1,
    }  # fmt: skip
    record["runs"]["0"] = measured(arguments.model, judge, None, arguments)
    for count in (int(text) for text in arguments.counts.split(",")):
        data = prepared(arguments, rest[:count], f"set-{count}")
        run = arguments.out / f"run-{count}"
        budget = Budget(arguments.seconds)
        with suppress(FinishedError):
            train(data, out=run, from_model=arguments.model, threads=1, every=1_000, progress=False,
                  callbacks=[budget])  # fmt: skip
        found: dict[str, Any] = {"pictures": len(rest[:count]), "processor_seconds": round(budget.spent)}
        found["last"] = measured(str(run), judge, data, arguments)
        found["best"] = measured(str(run / "best"), judge, data, arguments)
        record["runs"][str(count)] = found
        write_atomically(arguments.record, (json.dumps(record, indent=1) + "\n").encode())


def people(photographs: Path, annotations: Path, attribute: str) -> dict[str, str]:
    """Return the person in each picture of the zip that has the attribute, by member."""
    tables = {file.name: file.read_bytes() for file in annotations.iterdir() if is_annotation(file.name)}
    known = read_annotations(tables)
    with zipfile.ZipFile(photographs) as archive:
        members = [member.filename for member in archive.infolist() if not member.is_dir()]
    has = known.attributes_of(members)[:, known.names.index(attribute)] > 0
    return known.people_of([member for member, yes in zip(members, has, strict=True) if yes])


def split(people: dict[str, str]) -> tuple[list[str], list[str]]:
    """Return the pictures to train on, and those of a fifth of the people, each sorted by name."""
    sides: tuple[list[str], list[str]] = [], []
    for name, person in sorted(people.items()):
        sides[sha256(person.encode()).digest()[0] % 5 == 0].append(name)
    return sides


def prepared(arguments: argparse.Namespace, names: list[str], name: str) -> Path:
    """Return a prepared set of some of the photographs."""
    folder = arguments.out / "photographs" / name
    folder.mkdir(parents=True)
    with zipfile.ZipFile(arguments.photographs) as archive:
        for member in names:
            (folder / Path(member).name).write_bytes(archive.read(member))
    return prepare(folder, arguments.out / name, size=64, applied_crop="c178", progress=False).path


def measured(name: str, held_out: Path, data: Path | None, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the measurements of a model: against held-out pictures, and its copies of those trained on."""
    metrics = METRICS if data else METRICS[:-1]
    settings = Settings(metrics, arguments.faces)
    model = load(name)
    result = evaluate(model, held_out, settings=settings, training=data, progress=False).result
    found: dict[str, Any] = {"images_seen": model.header.images_seen, "model": model.hash}
    found |= {name: {"value": v.value, "error": v.error} for name, v in result.values.items()}
    if result.memorization:
        checked = result.memorization
        found |= {"copies": checked.copies, "verdict": checked.verdict}
        found["near"] = {space.space: space.fraction for space in checked.spaces}
    print(name, found, flush=True)
    return found


if __name__ == "__main__":
    main()
