"""`strangers train`: its options are the fields of TrainingOptions, and its results exist."""

from __future__ import annotations

import inspect
import os
import shlex
from dataclasses import fields
from pathlib import Path

import pytest

import strangers
from strangers.commands.train import OPTIONS, results, train
from strangers.training.dry_run import dry_run
from strangers.training.options import TrainingOptions

from ..support import Strangers

FIELDS = {field.name: field.default for field in fields(TrainingOptions)}
NAMES = {name for options in OPTIONS.values() for name in options}


def test_the_command_has_an_option_for_each_field() -> None:
    assert NAMES - {"changes", "dry_run"} == FIELDS.keys() - {"overrides", "progress", "callbacks"}


def test_command_function_and_dry_run_share_their_defaults() -> None:
    for function in (strangers.train, dry_run):
        parameters = list(inspect.signature(function).parameters.values())
        assert {parameter.name: parameter.default for parameter in parameters[1:]} == FIELDS
    command = inspect.signature(train).parameters
    shared = NAMES & FIELDS.keys()
    assert {name: command[name].default for name in shared} == {name: FIELDS[name] for name in shared}


def test_options_are_listed_in_groups_of_which_that_of_all_commands_is_the_last(strangers: Strangers) -> None:
    listed = strangers("train", "-h").out.partition("Arguments:")[2].partition("  Examples:")[0]
    headings = [line[:-1] for line in listed.splitlines() if line.endswith(":") and line[0] != " "]
    assert headings == ["Training", "Run", "Evaluation", "Machine", "Options"]
    evaluation = listed.partition("Evaluation:")[2].partition("Machine:")[0]
    assert [line.split()[0] for line in evaluation.splitlines() if line.startswith("  --")] == [
        "--evaluate-every", "--evaluate-count", "--patience", "--on-collapse",
    ]  # fmt: skip
    for option in ("--json", "--dry-run", "--help"):
        assert option in listed.partition("Options:")[2]


def test_an_unknown_argument_of_train_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'epoch'"):
        strangers.train("synthetic", epoch=1)  # type: ignore[call-arg]


def test_help_of_train_documents_every_option() -> None:
    documentation = strangers.train.__doc__ or ""
    assert [name for name in FIELDS if f"{name}: " not in documentation] == []


@pytest.mark.parametrize("name", ["run", "my faces"])
def test_the_results_of_a_run_are_its_newest_files(tmp_path: Path, name: str) -> None:
    run = tmp_path / name
    (run / "samples").mkdir(parents=True)
    for images in ("000001k", "000020k", "000100k"):
        (run / "samples" / f"{images}.png").touch()
    (run / "latest").write_text("000100096")
    newest = ["samples/000100k.png", "curves.png", "checkpoints/000100096/model.safetensors"]
    for place in newest:
        (run / place).parent.mkdir(parents=True, exist_ok=True)
        (run / place).touch()
    found = results(run)
    assert found.notes[0] == f"Wrote {run}:"
    assert [os.path.relpath(line[12:], run) for line in found.notes[1:]] == newest
    words = shlex.split(found.next)
    assert words[:3] == ["strangers", "sample", str(run)]
