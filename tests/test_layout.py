"""The tree and the text of the package keep their promises: CONTRIBUTING.md says why."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from strangers.cli import COMMANDS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/strangers"
TESTS = Path(__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

MAX_FUNCTION_LINES = 50
MAX_FILE_LINES = 300
MAX_TOP_LEVEL_MODULES = 10
CLAUSES = {"What", "Whether", "Of", "As", "Where", "How"}
"""First words of a docstring that is a clause, neither a noun phrase nor an imperative."""

DOCSTRING = re.compile(r'(?:"""|/\*\*\s+(?:\*\s+)?)(\w+)')
"""The first word of a docstring, in Python or in JavaScript."""

TESTED_IN = {
    "__main__.py": "test_cli.py",
    "_version.py": "test_package.py",
    "commands/help.py": "commands/test_habits.py",
    "commands/outcome.py": "commands/test_habits.py",
    "evaluation/new_metric.py": "test_registration.py",
    "evaluation/vision_transformer.py": "evaluation/test_transformer_features.py",
    "networks/architecture.py": "recipes/test_recipe.py",
    "plugins.py": "test_registration.py",
    "recipes/changes.py": "recipes/test_recipe.py",
    "recipes/settings.py": "recipes/test_recipe.py",
    "web/games_api.py": "web/test_games.py",
    "web/lesson.py": "browser/test_learn.py",
    "web/lesson_api.py": "browser/test_learn.py",
}
"""Modules that are tested with another, which is their only door."""


def test_the_package_has_few_modules_at_its_top() -> None:
    top = [path.name for path in PACKAGE.glob("*.py")]
    assert len(top) <= MAX_TOP_LEVEL_MODULES, top


@pytest.mark.parametrize(
    "command", [command.__name__ for group in COMMANDS.values() for command, *_ in group]
)
def test_each_command_has_a_file_of_its_name(command: str) -> None:
    assert (PACKAGE / "commands" / f"{command}.py").is_file()


def test_each_module_has_a_test_file_of_its_name() -> None:
    modules = [path.relative_to(PACKAGE) for path in MODULES if path.name != "__init__.py"]
    files = {
        str(path): TESTED_IN.get(str(path), str(path.with_name(f"test_{path.name}"))) for path in modules
    }
    assert [module for module, file in files.items() if not (TESTS / file).is_file()] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_FILE_LINES
    too_long = [
        f"{node.name}: {lines} lines"
        for node in functions(text)
        if (lines := length(node)) > MAX_FUNCTION_LINES
    ]
    assert too_long == []


@pytest.mark.parametrize("folder", ["src", "tests", "benchmarks", "examples", "docs"])
def test_no_docstring_begins_with_a_clause(folder: str) -> None:
    begun = [
        f"{path.relative_to(ROOT)}: {word}"
        for pattern in ("*.py", "*.js")
        for path in (ROOT / folder).rglob(pattern)
        for word in DOCSTRING.findall(path.read_text(encoding="utf-8"))
        if word in CLAUSES
    ]
    assert begun == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_what_is_printed_passes_through_echo_which_escapes_names(path: Path) -> None:
    calls = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert calls == [] or path.name == "streams.py"


def functions(text: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the functions and methods of a module."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the number of lines of a function, with its decorators."""
    first = min(part.lineno for part in (node, *node.decorator_list))
    return (node.end_lineno or node.lineno) - first + 1
