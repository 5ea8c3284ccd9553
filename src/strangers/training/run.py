"""A run: the folder of one training, which says what it is and can be taken up again.

recipe.json  run.json       what is trained: the recipe; the seed, the set, the precision, the versions
log.jsonl  console.log      how it went
reals.png  samples/  curves.png  progress.webp
checkpoints/  latest  best  where to go on, and which was the best
lock                        empty; held by the training that is at work here
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

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
        """The averaged generator of the newest checkpoint. Raises ModelError if there is none."""
        return load(self.path)


def lock_run(path: Path) -> BinaryIO:
    """What keeps every other training out of the run's folder, which is made where it is missing.

    Until it is closed, or its process ends, however it ends. Raises RunError if another training is at work
    there, or `path` holds something else.
    """
    _refuse_something_else(path)
    path.mkdir(parents=True, exist_ok=True)
    try:
        return lock(path / LOCK)
    except BlockingIOError:
        raise RunError(
            f"Another training is at work in {path}; wait until it ends, stop it, or choose another folder."
        ) from None


def open_run(path: Path, recipe: Recipe, data: PreparedSet, seed: int, precision: str) -> Run:
    """The run at `path`, new or taken up again.

    Raises RunError if `path` holds something else, or a run of another recipe, set, seed or precision;
    only the number of images may differ, and that of this call holds from now on.
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
    """What run.json at `path` says, or None where there is none. Raises RunError if it cannot be read."""
    try:
        described = json.loads((path / "run.json").read_text())
        return dict(described)
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        return None
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise RunError(f"{path / 'run.json'} cannot be read ({error}); choose another folder.") from None


def read_recipe(path: Path) -> Recipe | None:
    """The recipe of the run at `path`, or None where a crash came before it was written. Raises RunError."""
    try:
        return parse_recipe((path / "recipe.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, UsageError) as error:
        raise RunError(f"{path / 'recipe.json'} cannot be read: {error}") from None


def _refuse_something_else(path: Path) -> None:
    """Raise RunError if `path` is there and neither a run nor what a crash left of one that began."""
    if not path.exists():
        return
    is_something = not path.is_dir() or any(
        file.name != LOCK and not file.name.startswith(f"{PARTIAL}run.json-") for file in path.iterdir()
    )
    if is_something and read_run(path) is None:  # asked last, for another training may be writing it
        raise RunError(f"{path} exists and is not a run; choose another place for this run.")


def _refuse_another(path: Path, known: dict[str, Any], wanted: dict[str, Any], recipe: Recipe) -> None:
    """Raise RunError that names the first difference between the run that is there and the wanted one."""
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
                "a run goes on only as it began. Use the same settings, or another folder."
            )
