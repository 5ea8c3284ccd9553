"""The speedrun: seconds of training until held-out photographs are a given distance away.

    make speedrun DATA=celeba64 HELD_OUT=val64 NAME=fast-64 RUN="--weights WEIGHTS --threads 1 --seeds 0,1,2"

Trains once per seed and judges the averaged generator at stated intervals, while the clock is stopped.
Writes records/NAME.json after every judgment, the console of each training beside it, and the table in
README.md, which has the rules. A record that exists gets the seeds that it lacks.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import torch
from speedrun.table import METRIC, TARGETS, Seconds, all_records, with_table

from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet, is_prepared, open_prepared
from strangers.evaluation.evaluate import Settings, evaluate
from strangers.images import Pixels
from strangers.recipes.presets import recipe_named
from strangers.recipes.recipe import Recipe, with_overrides
from strangers.sampling.load import load
from strangers.system.devices import choose_device, choose_precision
from strangers.system.files import sha256_of, write_atomically
from strangers.system.machine import processor_name, usable_cores, versions
from strangers.training.callbacks import Callback
from strangers.training.loop import train
from strangers.training.plan import dtype_name
from strangers.training.run import Run

HERE = Path(__file__).parent


class Clock:
    """The seconds since it was created, without those in which it was stopped."""

    def __init__(self) -> None:
        self._start = Seconds.now()

    def read(self) -> Seconds:
        return Seconds.now().since(self._start)

    @contextmanager
    def stopped(self) -> Iterator[Seconds]:
        """Stop the clock in the block, which gets the time."""
        time_now = self.read()
        yield time_now
        self._start = Seconds.now().since(time_now)


class FinishedError(Exception):
    """The end of a training that reached its target, or its budget."""


@dataclass
class Judge(Callback):
    """Judges the model of a run at every snapshot from `first` images on, while the clock is stopped.

    Attributes:
        before: time that was spent before the training, on preparing photographs.
        points: one entry per judgment, in `record`.
    """

    held_out: Path
    settings: Settings
    first: int
    target: float
    budget: float
    before: Seconds
    record: Record
    points: list[dict[str, Any]]
    clock: Clock = field(default_factory=Clock)
    run: Path = Path()

    def on_start(self, run: Run) -> None:
        self.run = run.path

    def on_snapshot(self, images_seen: int, faces: Pixels) -> None:
        with self.clock.stopped() as spent:
            spent = spent.plus(self.before)
            over = spent.cpu > self.budget
            if images_seen < self.first and not over:
                return
            value = self._judge(images_seen, spent)
        if value <= self.target or over:
            raise FinishedError

    def _judge(self, images_seen: int, spent: Seconds) -> float:
        result = evaluate(load(self.run), self.held_out, settings=self.settings, progress=False).result
        value = result.values[METRIC]
        point = {
            "images_seen": images_seen,
            "wall_seconds": round(spent.wall, 1),
            "cpu_seconds": round(spent.cpu, 1),
            METRIC: {"value": value.value, "error": value.error},
            "model": result.model.hash,
        }
        self.points.append(point)
        self.record.state("judge", {
            "metric": METRIC, "generated": result.generated, "reference": result.reference,
            "features": result.features,
        })  # fmt: skip
        self.record.write()
        print(
            f"{images_seen:>9,} images  {spent.wall:>7.0f} s  {spent.cpu:>7.0f} CPU s  {METRIC} {value}",
            flush=True,
        )
        return float(value.value)


class Record:
    """A record: its conditions, and the judgments of each seed's training; new, or the one at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.facts: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        self.runs: list[dict[str, Any]] = self.facts.pop("runs", [])

    @property
    def seeds(self) -> set[int]:
        return {run["seed"] for run in self.runs}

    def state(self, name: str, fact: Any) -> None:
        """Add a condition, which all trainings of the record share. Exits if the record has another."""
        if self.facts.setdefault(name, fact) != fact:
            raise SystemExit(f"{self.path} is of other conditions: {name}. Choose another --name.")

    def write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        content = self.facts | {"runs": self.runs}
        write_atomically(self.path, (json.dumps(content, indent=1) + "\n").encode())


def main() -> None:
    arguments = parsed()
    recipe = with_overrides(
        recipe_named(arguments.recipe), dict(change.split("=", 1) for change in arguments.set)
    )
    out = arguments.out / arguments.name
    record = Record(arguments.records / f"{arguments.name}.json")
    seeds = [seed for seed in map(int, arguments.seeds.split(",")) if seed not in record.seeds]
    if not seeds:
        raise SystemExit(
            f"{record.path} has these seeds: a training is recorded once. Choose another --name."
        )
    for taken in (out / f"seed-{seed}" for seed in seeds):
        if taken.exists():
            raise SystemExit(f"{taken} exists: a training is timed from its start. Choose another --out.")
    prepared, before = photographs(arguments.data, recipe, out)
    shared = conditions(arguments, recipe, open_prepared(prepared), open_prepared(arguments.held_out), before)
    for name, fact in shared.items():
        record.state(name, fact)
    for seed in seeds:
        attempt(arguments, recipe, prepared, seed, before, record)
    readme = HERE / "README.md"
    if arguments.records == HERE / "records":
        readme.write_text(with_table(readme.read_text(), all_records(arguments.records)))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time a training until it reaches a distance.")
    parser.add_argument(
        "data", type=Path, help="a prepared set; or photographs, and the clock includes preparing"
    )
    parser.add_argument("held_out", type=Path, help="a prepared set of photographs that are not trained on")
    parser.add_argument("--name", required=True, help="of the record")
    parser.add_argument("--recipe", default="fast-64")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--every", type=int, default=20_000, help="images between judgments")
    parser.add_argument("--first", type=int, default=0, help="no judgment before as many images")
    parser.add_argument("--target", type=float, default=TARGETS[0], help=f"{METRIC} that ends a training")
    parser.add_argument("--minutes", type=float, default=60, help="processor time that ends a training")
    parser.add_argument("--count", type=int, default=2_000, help="faces, and photographs, of a judgment")
    parser.add_argument("--weights", type=Path, help="of the Inception network")
    parser.add_argument("--out", type=Path, default=Path("runs/speedrun"))
    parser.add_argument("--records", type=Path, default=HERE / "records")
    return parser.parse_args()


def photographs(data: Path, recipe: Recipe, out: Path) -> tuple[Path, Seconds]:
    """Return the prepared set, and the time that preparing it took."""
    if is_prepared(data):
        return data, Seconds(0.0, 0.0)
    clock = Clock()
    return prepare(str(data), out / "set", size=recipe.size, progress=False).path, clock.read()


def attempt(
    arguments: argparse.Namespace, recipe: Recipe, data: Path, seed: int, before: Seconds, record: Record
) -> None:
    """Train with one seed until the target or the budget is reached, and add the judgments to the record."""
    name = f"{arguments.name}-seed-{seed}"
    run: dict[str, Any] = {
        "seed": seed,
        "date": datetime.now(UTC).date().isoformat(),
        "preparing": {"wall_seconds": round(before.wall, 1), "cpu_seconds": round(before.cpu, 1)},
        "budget_cpu_minutes": arguments.minutes,
        "load_at_start": round(os.getloadavg()[0], 1),
        "priority": os.nice(0),
        "versions": versions() | {"commit": commit()},
        "points": [],
        "log": f"{name}.log",
    }
    record.runs.append(run)
    settings = Settings((METRIC,), arguments.count, weights=arguments.weights, device=arguments.device)
    judge = Judge(
        arguments.held_out, settings, arguments.first, arguments.target, 60 * arguments.minutes, before,
        record, run["points"],
    )  # fmt: skip
    folder = arguments.out / arguments.name / f"seed-{seed}"
    with suppress(FinishedError):
        train(
            data, recipe, folder, seed=seed, device=arguments.device, threads=arguments.threads,
            every=arguments.every, progress=False, callbacks=[judge],
        )  # fmt: skip
    run["file"] = sha256_of(newest_model(folder))
    shutil.copyfile(folder / "console.log", record.path.with_name(run["log"]))
    record.write()


def newest_model(run: Path) -> Path:
    """Return the newest model file of a run."""
    return run / "checkpoints" / (run / "latest").read_text().strip() / "model.safetensors"


def conditions(
    arguments: argparse.Namespace, recipe: Recipe, data: PreparedSet, held_out: PreparedSet, before: Seconds
) -> dict[str, Any]:
    """Return what the times of a record depend on and its trainings share."""
    device = choose_device(arguments.device).value
    return {
        "name": arguments.name,
        "clock": "photographs" if any(before) else "prepared set",
        "preset": arguments.recipe,
        "changes": arguments.set,
        "recipe": json.loads(recipe.model_dump_json()),
        "data": described(data),
        "held_out": described(held_out),
        "interval": {"every": arguments.every, "first": arguments.first},
        "machine": {
            "processor": processor_name(),
            "device": str(device) if device.type == "cpu" else torch.cuda.get_device_name(device),
            "cores": usable_cores(),
            "threads": arguments.threads,
            "precision": dtype_name(choose_precision("auto", device).value),
        },
    }


@cache
def commit() -> str:
    """Return the commit of this checkout, with a plus if it was changed before; empty outside of one."""
    found = subprocess.run(
        ["git", "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=+"],
        cwd=HERE, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return found.stdout.strip()


def described(pictures: PreparedSet) -> dict[str, Any]:
    manifest = pictures.manifest
    return {
        "count": len(pictures), "size": manifest.size, "crop": manifest.crop, "filter": manifest.filter,
        "hash": manifest.hash,
    }  # fmt: skip


if __name__ == "__main__":
    main()
