"""Run: the folder of one training.

recipe.json  run.json       recipe; seed, set, precision and versions
log.jsonl  console.log      losses and metrics; the lines of the console
reals.png  samples/  curves.png  progress.webp
checkpoints/  latest  best  checkpoints, and the names of the newest and of the best
lock                        empty; locked by the training that writes here
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strangers._version import __version__
from strangers.data.prepared import PreparedSet
from strangers.errors import RunError, UsageError
from strangers.recipes.recipe import Recipe, flatten, parse_recipe
from strangers.sampling.load import load
from strangers.sampling.model import Model
from strangers.system.files import PARTIAL, lock, write_atomically

FORMAT = 1
LOCK = "lock"


@dataclass(frozen=True)
class Run:
    """A run's folder and its recipe."""

    path: Path
    recipe: Recipe

    @property
    def model(self) -> Model:
        """The averaged generator of the newest checkpoint. Raises ModelError without a checkpoint."""
        return load(self.path)


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


def open_run(path: Path, recipe: Recipe, data: PreparedSet, seed: int, precision: str) -> Run:
    """Create the run at `path`, or open it to resume.

    Raises RunError if `path` is not a run, or a run of another recipe, set, seed or precision. Only the
    number of images may differ; it is replaced.
    """
    identity: dict[str, Any] = {
        "format": FORMAT,
        "seed": seed,
        "data": data.manifest.hash,
        "data_count": len(data),
        "data_source": data.manifest.source,
        "precision": precision,
        "software": f"strangers {__version__}",
    }
    _refuse_something_else(path)
    known = read_run(path)
    if known is None:
        path.mkdir(parents=True, exist_ok=True)
        write_atomically(path / "run.json", json.dumps(identity, indent=1).encode())
    else:
        _refuse_another(path, known, identity, recipe)
    write_atomically(path / "recipe.json", recipe.model_dump_json(indent=1).encode())
    (path / "checkpoints").mkdir(exist_ok=True)
    return Run(path, recipe)


def read_run(path: Path) -> dict[str, Any] | None:
    """Return the content of run.json, or None if there is no run. Raises RunError if it cannot be read."""
    try:
        described = json.loads((path / "run.json").read_text())
        return dict(described)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise RunError(f"{path / 'run.json'} cannot be read ({error}); choose another folder.") from None


def read_recipe(path: Path) -> Recipe | None:
    """Return the run's recipe, or None if a crash came before it was written. Raises RunError."""
    try:
        return parse_recipe((path / "recipe.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, UsageError) as error:
        raise RunError(f"{path / 'recipe.json'} cannot be read: {error}") from None


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


def _refuse_another(path: Path, known: dict[str, Any], wanted: dict[str, Any], recipe: Recipe) -> None:
    """Raise RunError for the first difference between the existing run and the requested one."""
    old = {name: known.get(name) for name in ("format", "seed", "data", "precision")}
    new = {name: wanted[name] for name in old}
    before = read_recipe(path)
    if before is not None:
        old |= dict(flatten(before.model_dump()))
        new |= dict(flatten(recipe.model_dump()))
    for field in (old | new).keys() - {"images"}:
        if old.get(field) != new.get(field):
            raise RunError(
                f"{path} is a run with {field} = {old.get(field)}, not {new.get(field)}; "
                "a run resumes only with the same settings. Use them, or choose another folder."
            )
