"""A recipe is named by its preset, or comes from a JSON file, a run or a model."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from strangers.errors import UsageError
from strangers.recipes.presets import RECIPES
from strangers.training.json_files import write_json
from strangers.training.recipe_source import find_recipe

from ..support import Strangers, tiny, write_model

RECIPE = tiny().replace(batch=48)


def test_a_preset_is_found_by_name() -> None:
    assert find_recipe("fast-64") is RECIPES["fast-64"]


def test_a_json_file_holds_a_recipe(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(RECIPE.model_dump_json())
    assert find_recipe(file) == RECIPE


def test_the_output_of_the_command_recipes_is_a_recipe(tmp_path: Path, strangers: Strangers) -> None:
    file = tmp_path / "fast.json"
    file.write_text(strangers("recipes", "fast-32", "--json").out)
    assert find_recipe(str(file)) == RECIPES["fast-32"]


def test_a_run_and_a_model_file_hold_a_recipe(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    write_json(run / "recipe.json", RECIPE.model_dump(mode="json"))
    assert find_recipe(run) == RECIPE
    assert find_recipe(run / "recipe.json") == RECIPE
    assert find_recipe(write_model(tmp_path / "model.safetensors", RECIPE)) == RECIPE
    assert find_recipe("celeba-64").name == "dcgan-64-r1"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("r.json", "[1]", "r.json is not a recipe: it is not a JSON object"),
        ("r.json", "batch: 3", "r.json is not a recipe: it is not JSON"),
        ("r.json", '{"batch": 3}', "it has no field name and no field network"),
        (
            "r.json",
            json.dumps(RECIPE.model_dump(mode="json") | {"bacth": 3}),
            "no field 'bacth'. Did you mean batch?",
        ),
        ("r.json", None, "There is no recipe"),
    ],
    ids=["list", "yaml", "other", "typo", "absent"],
)
def test_other_files_are_an_error_that_names_them(
    tmp_path: Path, name: str, content: str | None, words: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match=re.escape(words)) as caught:
        find_recipe(tmp_path / name)
    assert name in str(caught.value)


def test_a_field_that_is_there_twice_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(RECIPE.model_dump_json()[:-1] + ', "batch": 4}')
    with pytest.raises(UsageError, match=r"mine\.json: The recipe has the field batch twice"):
        find_recipe(file)
