"""Model files: complete, atomic, and verified; a bad one is an error."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from strangers.errors import ModelError, UsageError
from strangers.recipes.presets import RECIPES
from strangers.sampling.load import load
from strangers.sampling.model_file import ModelHeader, save_model

from ..support import tiny, write_model


def test_a_model_file_brings_everything_that_drawing_needs(tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.safetensors", metrics={"fid": 12.5})
    model = load(str(path), device="cpu")
    assert model.recipe == tiny()
    assert model.header.images_seen == 1_000
    assert model.header.crop == "c178"
    assert model.header.metrics == {"fid": 12.5}
    assert model.header.license.startswith("not stated")
    assert not model.generator.training
    assert not any(weights.requires_grad for weights in model.generator.parameters())
    before = torch.get_rng_state()
    load(path, device="cpu")
    assert torch.equal(torch.get_rng_state(), before)


def test_a_model_is_read_once_so_that_its_hash_is_that_of_the_weights_which_draw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = write_model(tmp_path / "model.safetensors"), tmp_path / "other.safetensors"
    save_model(other, load(path, device="cpu").generator, load(path).header, half=True)
    expected = load(path, device="cpu").hash
    opened = os.open

    def replaced_when_opened(name: Any, *arguments: Any, **options: Any) -> int:
        descriptor = opened(name, *arguments, **options)
        if os.fspath(name) == str(path) and other.exists():
            other.replace(path)
        return descriptor

    monkeypatch.setattr(os, "open", replaced_when_opened)
    assert load(path, device="cpu").hash == expected
    assert load(path, device="cpu").hash != expected


def test_half_precision_halves_the_file_and_hardly_changes_a_face(tmp_path: Path) -> None:
    whole = load(write_model(tmp_path / "whole.safetensors"), device="cpu")
    save_model(tmp_path / "half.safetensors", whole.generator, whole.header, half=True)
    half = load(tmp_path / "half.safetensors", device="cpu")
    assert all(weights.dtype == torch.float32 for weights in half.generator.parameters())
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("half", "whole")]
    assert sizes[0] < 0.6 * sizes[1]
    faces = [model.sample(range(16)).astype(int) for model in (half, whole)]
    assert abs(faces[0] - faces[1]).max() <= 2  # levels of 256


@pytest.mark.parametrize(
    "training",
    [
        {"objective": "of-a-plug-in"},
        {"penalty": {"kind": "new", "strength": 2}},
        {"a_later_field": [1]},
        {"batch": 0},
    ],
    ids=["objective", "penalty", "field", "batch"],
)
def test_faces_need_no_training_fields(training: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_model(path)
    known = load(path, device="cpu")
    recipe = tiny().model_dump(mode="json") | training
    with_header(path, recipe=recipe)
    model = load(path, device="cpu")
    assert (model.sample([17]) == known.sample([17])).all()
    save_model(tmp_path / "again.safetensors", model.generator, model.header, half=True)
    again = load(tmp_path / "again.safetensors", device="cpu")
    assert json.loads(again.recipe.model_dump_json()) == recipe  # what is unknown here is kept


def test_a_file_of_two_equal_batches_has_the_recipe_of_one(tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.safetensors")
    with_header(path, recipe=tiny().model_dump(mode="json") | {"generator_batch": 128})
    assert load(path, device="cpu").recipe == tiny()


# Everything that can be wrong with what is named as a model.


def missing(path: Path) -> None:
    """There is nothing at all."""


def html_page(path: Path) -> None:
    path.write_text("<!doctype html><title>Quota exceeded</title>" * 20)


def empty_file(path: Path) -> None:
    path.touch()


def pickle(path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, path)


def git_lfs_pointer(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n")


def truncated(path: Path) -> None:
    write_model(path)
    path.write_bytes(path.read_bytes()[:-1000])


def other_safetensors(path: Path) -> None:
    save_file({"weight": torch.zeros(3)}, path)


def with_header(path: Path, **fields: Any) -> None:
    write_model(path)
    header = ModelHeader.model_validate_json(json.dumps(_header(path)))
    changed = json.loads(header.model_dump_json()) | fields
    save_file(load_file(path), path, {"strangers": json.dumps(changed)})


def _header(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    described: dict[str, Any] = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["strangers"])
    described.pop("sha256")  # a file from before there was one, or of another writer
    return described


def newer_format(path: Path) -> None:
    with_header(path, format=2, invention="of the future")


def no_json(path: Path) -> None:
    save_file({"weight": torch.zeros(3)}, path, {"strangers": "{not JSON"})


def a_list(path: Path) -> None:
    save_file({"weight": torch.zeros(3)}, path, {"strangers": "[1]"})


def unknown_field(path: Path) -> None:
    with_header(path, color="green")


def unknown_architecture(path: Path) -> None:
    recipe = json.loads(tiny().model_dump_json())
    recipe["network"]["architecture"] = "pickle"
    with_header(path, recipe=recipe)


def weights_of_another_recipe(path: Path) -> None:
    with_header(path, recipe=json.loads(RECIPES["compact-32"].model_dump_json()))


def missing_weights(path: Path) -> None:
    write_model(path)
    tensors = load_file(path)
    tensors.pop("1.weight")
    save_file(tensors, path, {"strangers": json.dumps(_header(path))})


def extra_weights(path: Path) -> None:
    write_model(path)
    save_file(load_file(path) | {"spy": torch.zeros(1)}, path, {"strangers": json.dumps(_header(path))})


def not_a_number(path: Path) -> None:
    write_model(path)
    tensors = load_file(path)
    next(value for value in tensors.values() if value.is_floating_point()).view(-1)[0] = float("nan")
    save_file(tensors, path, {"strangers": json.dumps(_header(path))})


def rotten_weights(path: Path) -> None:
    write_model(path)
    data = bytearray(path.read_bytes())
    data[-300] ^= 1
    path.write_bytes(data)


def rotten_words(path: Path) -> None:
    write_model(path)
    path.write_bytes(path.read_bytes().replace(b"1000", b"1001", 1))  # images seen


def measured_nothing(path: Path) -> None:
    with_header(path, metrics={"fd-face": {"value": math.nan}})


def measured_too_much(path: Path) -> None:
    with_header(path, metrics={"fd-face": {"value": 10**400}})


def folder_of_something_else(path: Path) -> None:
    path.mkdir()
    (path / "notes.txt").touch()


def run_without_checkpoint(path: Path) -> None:
    path.mkdir()
    (path / "recipe.json").write_text(tiny().model_dump_json())


def run_whose_checkpoint_is_gone(path: Path) -> None:
    run_without_checkpoint(path)
    (path / "latest").write_text("000001000")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (missing, "There is no model"),
        (html_page, "web page"),
        (empty_file, "is empty"),
        (pickle, "pickle"),
        (git_lfs_pointer, "git lfs pull"),
        (truncated, "or is damaged"),
        (other_safetensors, "of another program"),
        (newer_format, "format 2"),
        (no_json, "The header of .* is invalid"),
        (a_list, "The header of .* is invalid"),
        (unknown_field, "The header of .* is invalid"),
        (unknown_architecture, "The header of .* is invalid"),
        (weights_of_another_recipe, "do not fit"),
        (missing_weights, "'1.weight' is absent"),
        (extra_weights, "'spy' is"),
        (not_a_number, "not all finite"),
        (rotten_weights, "does not match its SHA-256"),
        (rotten_words, "does not match its SHA-256"),
        (measured_nothing, "metrics: fd-face is not a finite number"),
        (measured_too_much, "metrics: fd-face is not a finite number"),
        (folder_of_something_else, "neither a run nor a checkpoint"),
        (run_without_checkpoint, "no checkpoint"),
        (run_whose_checkpoint_is_gone, "has no model"),
    ],
)
def test_a_bad_model_file_is_an_error_that_names_it(
    make: Callable[[Path], None], says: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad model"
    make(path)
    with pytest.raises(UsageError if make is missing else ModelError, match=says) as caught:
        load(path, device="cpu")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_is_saved_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_model(tmp_path / "model.safetensors")
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_model(path, images_seen=5)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_model_file_from_before_there_were_hashes_is_read(tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.safetensors")
    new = load(path, device="cpu")
    save_file(load_file(path), path, {"strangers": json.dumps(_header(path))})
    old = load(path, device="cpu")
    assert old.header == new.header
    assert (old.sample([1]) == new.sample([1])).all()


def test_reading_a_model_does_not_load_torchs_compiler(tmp_path: Path) -> None:
    """It would cost more than the rest of `strangers sample` together."""
    path = write_model(tmp_path / "model.safetensors", RECIPES["dcgan-64"])
    drawn = f"strangers.load({str(path)!r}).sample([1])"
    code = f"import strangers, sys; {drawn}; print('torch._dynamo' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
