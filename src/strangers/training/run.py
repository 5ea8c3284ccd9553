"""Run: the folder of one training.

recipe.json  run.json       recipe; seed, set, precision, threads and versions; both with a SHA-256
log.jsonl  console.log      losses and metrics; the lines of the console
reals.png  samples/  curves.png  progress.webp  progress.png
checkpoints/  latest  best  checkpoints, and the names of the newest and of the best
lock                        empty; locked by the training that writes here

Every checkpoint has copies of recipe.json and run.json, which replace damaged ones.
"""

from __future__ import annotations

import json
import re
import signal
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from strangers._version import __version__
from strangers.errors import RunError, UsageError
from strangers.recipes.recipe import Recipe, flatten, parse_recipe
from strangers.sampling.load import load
from strangers.sampling.model import Model
from strangers.system.files import PARTIAL
from strangers.system.machine import lock
from strangers.training.checkpoint import read_copies
from strangers.training.json_files import is_damaged, read_json, write_json
from strangers.training.options import TrainingOptions
from strangers.training.pictures import newest_grid
from strangers.training.plan import Plan, dtype_name
from strangers.training.threads import ThreadSchedule

FORMAT = 3
"""Version of run.json."""

LOCK = "lock"
RUN, RECIPE = "run.json", "recipe.json"

RUNS = Path("runs")
"""Folder of the runs that are numbered."""


@dataclass(frozen=True)
class Run:
    """A run's folder and its recipe."""

    path: Path
    recipe: Recipe

    @property
    def model(self) -> Model:
        """The averaged generator of the newest checkpoint. Raises ModelError without a checkpoint."""
        return load(self.path)

    def _repr_png_(self) -> bytes | None:
        """Return the newest grid of faces: what a notebook shows of a run."""
        grid = newest_grid(self.path)
        return None if grid is None else grid.read_bytes()


class Interrupted(KeyboardInterrupt):
    """Ctrl-C in a training, after a checkpoint of the run in the folder `run` was saved."""

    def __init__(self, run: Path) -> None:
        super().__init__()
        self.run, self.code = run, 128 + signal.SIGINT


class Terminated(SystemExit):
    """SIGTERM or SIGHUP in a training, after a checkpoint of the run in the folder `run` was saved."""

    def __init__(self, run: Path, code: int) -> None:
        super().__init__(code)
        self.run = run


def number_run(recipe: str) -> Path:
    """Create the folder of a new run, the next one of its recipe: runs/fast-64-0001. Raises OSError."""
    name = re.sub(r"[^\w.-]", "-", recipe)
    RUNS.mkdir(parents=True, exist_ok=True)
    taken = (re.fullmatch(rf"{re.escape(name)}-(\d+)", path.name) for path in RUNS.iterdir())
    number = max((int(found[1]) for found in taken if found), default=0)
    while True:
        number += 1
        path = RUNS / f"{name}-{number:04d}"
        # another training may take the same number meanwhile
        with suppress(FileExistsError):
            path.mkdir()
            return path


def lock_run(path: Path) -> AbstractContextManager[object]:
    """Create the run's folder if needed, and lock it until the block or the process ends.

    Raises RunError if another training is writing there, or if `path` is not a run.
    """
    _refuse_something_else(path)
    path.mkdir(parents=True, exist_ok=True)
    try:
        return lock(path / LOCK)
    except BlockingIOError:
        raise RunError(
            f"Another training is running in {path}; wait until it ends, stop it, or choose another folder."
        ) from None


def open_run(path: Path, plan: Plan, schedule: ThreadSchedule) -> tuple[Run, list[str]]:
    """Create the run at `path`, or open it to resume; also return messages about repairs.

    Raises RunError as `check_run` does. Only the number of images and of threads may differ; they are
    replaced.
    """
    repaired = check_run(path, plan, schedule)
    # run.json comes first: a folder with anything else and without it is "not a run" to another training.
    write_run(path, plan, schedule)
    (path / "checkpoints").mkdir(exist_ok=True)
    write_json(path / RECIPE, plan.recipe.model_dump(mode="json"))
    return Run(path, plan.recipe), repaired


def check_run(path: Path, plan: Plan, schedule: ThreadSchedule) -> list[str]:
    """Return messages about what opening the run at `path` repairs; none where nothing is yet.

    Raises RunError if `path` is not a run, or a run of another recipe, set, seed or precision.
    """
    _refuse_something_else(path)
    known = read_run(path)
    if known is None:
        return []
    before, repaired = _recipe_or_copy(path)
    _refuse_another(path, known, _identity(plan, schedule), before, plan.recipe)
    if is_damaged(path / RUN):
        repaired.append(f"{path / RUN} was damaged; it is restored from the newest checkpoint.")
    return repaired


def write_run(path: Path, plan: Plan, schedule: ThreadSchedule) -> None:
    """Write run.json."""
    write_json(path / RUN, _identity(plan, schedule))


def copies(plan: Plan, schedule: ThreadSchedule) -> dict[str, Any]:
    """Return the copies of run.json and recipe.json that each checkpoint has."""
    return {RUN: _identity(plan, schedule), RECIPE: plan.recipe.model_dump(mode="json")}


def read_run(path: Path) -> dict[str, Any] | None:
    """Return the content of run.json, if damaged that of its newest copy, or None if there is no run.

    Raises RunError if run.json is damaged and no checkpoint has a copy.
    """
    try:
        return read_json(path / RUN)
    except (FileNotFoundError, NotADirectoryError):
        return read_copies(path).get(RUN)
    except (OSError, ValueError, TypeError, RecursionError) as error:
        copy: dict[str, Any] | None = read_copies(path).get(RUN)
        if copy is None:
            raise RunError(
                f"{path / RUN} is damaged ({error}), and no checkpoint has a copy of it. Restore it from a "
                "backup, or train in another folder."
            ) from None
        return copy


def as_recorded(options: TrainingOptions, known: dict[str, Any] | None) -> TrainingOptions:
    """Return the options with the precision of the run, if there is one: it is kept on any machine."""
    if known is None or options.precision != "auto":
        return options
    return replace(options, precision=str(known.get("precision", "auto")))


def read_recipe(path: Path) -> Recipe | None:
    """Return the run's recipe, or None if a crash came before it was written. Raises RunError."""
    try:
        return parse_recipe(json.dumps(read_json(path / RECIPE)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, RecursionError, UsageError) as error:
        raise RunError(f"{path / RECIPE} is damaged: {error}") from None


def _recipe_or_copy(path: Path) -> tuple[Recipe | None, list[str]]:
    """Return the run's recipe, if damaged that of the newest checkpoint, and messages about repairs."""
    try:
        return read_recipe(path), []
    except RunError:
        copy = read_copies(path).get(RECIPE)
        restored = None if copy is None else parse_recipe(json.dumps(copy))
        return restored, [f"{path / RECIPE} was damaged; it is written again."]


def _identity(plan: Plan, schedule: ThreadSchedule) -> dict[str, Any]:
    """Return the content of run.json, without its digest."""
    return {
        "format": FORMAT,
        "seed": plan.seed,
        "data_hash": plan.data.manifest.hash,
        "data_count": len(plan.data),
        "data_source": plan.data.manifest.source,
        "data_license": str(plan.data.manifest.terms),
        "precision": dtype_name(plan.precision.value),
        "from": None if plan.ancestor is None else plan.ancestor.name,
        "threads": [list(entry) for entry in schedule.entries],
        "software": f"strangers {__version__}",
    }


def _refuse_something_else(path: Path) -> None:
    """Raise RunError if `path` exists and is neither a run nor the remains of one that crashed early."""
    if not path.exists():
        return
    is_something = not path.is_dir() or any(
        file.name != LOCK and not file.name.startswith(f"{PARTIAL}run.json-") for file in path.iterdir()
    )
    # run.json is read last, since another training may be writing it.
    if is_something and read_run(path) is None:
        raise RunError(f"{path} exists and is not a run; choose another folder.")


def _refuse_another(
    path: Path, known: dict[str, Any], wanted: dict[str, Any], before: Recipe | None, recipe: Recipe
) -> None:
    """Raise RunError for the first difference between the existing run and the requested one."""
    old = {name: known.get(name) for name in ("format", "seed", "data_hash", "precision", "from")}
    new = {name: wanted[name] for name in old}
    if before is not None:
        old |= dict(flatten(before.model_dump()))
        new |= dict(flatten(recipe.model_dump()))
    for field in (old | new).keys() - {"images"}:
        if old.get(field) != new.get(field):
            raise RunError(
                f"{path} is a run with {field} = {old.get(field)}, not {new.get(field)}; "
                "a run resumes only with the same settings. Use them, or choose another folder."
            )
