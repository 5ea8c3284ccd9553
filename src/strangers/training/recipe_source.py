"""The recipe that --recipe names: a preset, a JSON file, a run or a model."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from strangers.errors import UsageError, did_you_mean
from strangers.recipes.presets import RECIPES, recipe_named
from strangers.recipes.recipe import Recipe, parse_recipe
from strangers.sampling.load import bundled, load
from strangers.training.json_files import read_json

MODEL_ENDING = ".safetensors"

MAX_RECIPE_BYTES = 1_000_000


def find_recipe(source: str | Path) -> Recipe:
    """Return the recipe of a preset's name, a JSON file, a run, a checkpoint or a model.

    A JSON file has the fields of a recipe, as recipe.json of a run, or is the output of
    `strangers recipes NAME --json`. Raises UsageError, and ModelError for a model that cannot be read.
    """
    name, path = str(source), Path(source)
    if name in RECIPES:
        return RECIPES[name]
    if path.is_dir() and (path / "recipe.json").is_file():
        return _from_run(path / "recipe.json")
    if path.is_dir() or name in bundled() or name.startswith("hf:") or path.suffix == MODEL_ENDING:
        return parse_recipe(load(source, device="cpu").recipe.model_dump_json())
    if path.is_file():
        return _from_json(path)
    if path.suffix == ".json" or len(path.parts) > 1:
        raise UsageError(f"There is no recipe {name}: neither a file, a run nor a model is there.")
    return recipe_named(name)


def _from_run(path: Path) -> Recipe:
    """Return the recipe in recipe.json of a run, of which a part may be damaged."""
    try:
        return parse_recipe(json.dumps(read_json(path)))
    except (OSError, ValueError, TypeError, RecursionError):
        return _from_json(path)


def _from_json(path: Path) -> Recipe:
    fields = _read(path)
    if isinstance(fields.get("recipe"), dict):  # of `strangers recipes NAME --json`
        fields = fields["recipe"]
    fields.pop("sha256", None)
    if "name" not in fields and "network" not in fields:
        advice = did_you_mean(path.stem, RECIPES)
        raise UsageError(
            f"{path} is not a recipe: it has no field name and no field network. {advice}".rstrip()
        )
    try:
        return parse_recipe(json.dumps(fields))
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def _read(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file. Raises UsageError."""
    try:
        with path.open("rb") as file:
            fields = json.loads(file.read(MAX_RECIPE_BYTES), object_pairs_hook=_each_once)
    except OSError as error:
        raise UsageError(f"Cannot read the recipe {path}: {error.strerror or error}.") from None
    except (ValueError, RecursionError):
        raise UsageError(f"{path} is not a recipe: it is not JSON.") from None
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    if not isinstance(fields, dict):
        raise UsageError(f"{path} is not a recipe: it is not a JSON object.")
    return fields


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the fields of a JSON object. Raises UsageError for a name that is there twice."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise UsageError(f"The recipe has the field {name} twice; remove one of them.")
    return fields
