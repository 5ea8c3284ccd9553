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

FIELDS = {field.name: field.default for field in fields(TrainingOptions)}


def test_the_command_has_an_option_for_each_field() -> None:
    assert OPTIONS.keys() - {"changes", "dry_run"} == FIELDS.keys() - {"overrides", "progress", "callbacks"}


def test_command_function_and_dry_run_share_their_defaults() -> None:
    for function in (strangers.train, dry_run):
        parameters = list(inspect.signature(function).parameters.values())
        assert {parameter.name: parameter.default for parameter in parameters[1:]} == FIELDS
    command = inspect.signature(train).parameters
    assert {name: command[name].default for name in OPTIONS.keys() & FIELDS.keys()} == {
        name: FIELDS[name] for name in OPTIONS.keys() & FIELDS.keys()
    }


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
