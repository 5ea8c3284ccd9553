"""Published weights: found, downloaded and read, by the example of the Inception network's."""

from __future__ import annotations

import hashlib
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from strangers.errors import ModelError, StrangersError, UsageError
from strangers.evaluation import inception
from strangers.evaluation.inception import WEIGHTS, Inception, load_inception

NAME = "pt_inception-2015-12-05-6726825d.pth"


def weights() -> dict[str, Tensor]:
    """Those of the smallest network."""
    torch.manual_seed(0)
    state = Inception(("inception64",)).state_dict()
    return {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No weights anywhere, and no network."""
    monkeypatch.delenv("STRANGERS_INCEPTION", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(inception, "WEIGHTS", replace(WEIGHTS, url=f"http://127.0.0.1:9/{NAME}"))


# Where weights come from.


def publish(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """Let `data` be the published file."""
    digest = hashlib.sha256(data).hexdigest()
    monkeypatch.setattr(inception, "WEIGHTS", replace(inception.WEIGHTS, sha256=digest))


def test_weights_are_taken_from_the_first_place_that_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {"argument": tmp_path / "argument", "variable": tmp_path / "variable"}
    places["published"] = tmp_path / "cache" / "strangers" / "weights" / NAME
    places["published"].parent.mkdir(parents=True)
    for name, path in places.items():
        bias = {"Conv2d_1a_3x3.bn.bias": torch.full((32,), float(len(name)))}
        (torch.save if name == "published" else save_file)(weights() | bias, path)
    publish(monkeypatch, places["published"].read_bytes())
    hashes = {name: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for name, path in places.items()}

    assert load_inception(None, ("inception64",), "cpu").hash == hashes["published"]
    monkeypatch.setenv("STRANGERS_INCEPTION", str(places["variable"]))
    assert load_inception(None, ("inception64",), "cpu").hash == hashes["variable"]
    assert load_inception(places["argument"], ("inception64",), "cpu").hash == hashes["argument"]


def test_the_published_file_is_known_by_its_hash() -> None:
    assert WEIGHTS.url.endswith(f"/pytorch-fid/releases/download/fid_weights/{NAME}")
    assert len(WEIGHTS.sha256) == 64
    assert WEIGHTS.sha256.startswith(NAME.removesuffix(".pth").rpartition("-")[2])


def test_without_a_network_the_error_says_where_to_put_the_file(tmp_path: Path) -> None:
    with pytest.raises(StrangersError) as caught:
        load_inception(device="cpu")
    said = str(caught.value)
    for part in (inception.WEIGHTS.url, str(tmp_path / "cache"), NAME, "--weights", "STRANGERS_INCEPTION"):
        assert part in said
    assert "\n" not in said
    assert not list(tmp_path.rglob("*"))


def test_a_missing_file_in_the_variable_is_an_error_that_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRANGERS_INCEPTION", str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match=r"nowhere\. Correct or unset STRANGERS_INCEPTION"):
        load_inception(device="cpu")


# What a file of weights can be.


@pytest.mark.parametrize("zipped", [True, False])
def test_the_published_pickle_is_read_in_either_format(
    zipped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = weights() | {
        "fc.weight": torch.zeros(1008, 2048),
        "fc.bias": torch.zeros(1008),
        "Conv2d_1a_3x3.bn.num_batches_tracked": torch.tensor(0),
    }
    torch.save(whole, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(ModelError, match="nor the published weights"):
        load_inception(tmp_path / "w.pth", ("inception64",), "cpu")
    publish(monkeypatch, (tmp_path / "w.pth").read_bytes())
    from_pickle = load_inception(tmp_path / "w.pth", ("inception64",), "cpu")
    save_file(weights(), tmp_path / "w.safetensors")
    from_safetensors = load_inception(tmp_path / "w.safetensors", ("inception64",), "cpu")
    pixels = np.arange(2 * 9 * 8 * 3, dtype=np.uint8).reshape(2, 9, 8, 3)
    one, other = (network.extract(pixels)["inception64"] for network in (from_pickle, from_safetensors))
    np.testing.assert_array_equal(one, other)


def test_the_command_that_a_refusal_names_converts_weights(tmp_path: Path) -> None:
    torch.save(weights(), tmp_path / "weights.pth")
    with pytest.raises(ModelError) as caught:
        load_inception(tmp_path / "weights.pth", ("inception64",), "cpu")
    command = str(caught.value).rpartition("trust: ")[2]
    python, *words = shlex.split(command)
    assert python == "python"
    subprocess.run([sys.executable, *words], cwd=tmp_path, check=True)
    loaded = load_inception(tmp_path / "weights.safetensors", ("inception64",), "cpu")
    assert loaded.dimensions == {"inception64": 64}


def test_even_the_published_pickle_runs_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pickled_code(tmp_path / "w.pth")
    publish(monkeypatch, (tmp_path / "w.pth").read_bytes())
    with pytest.raises(ModelError, match="has no weights"):
        load_inception(tmp_path / "w.pth", ("inception64",), "cpu")


def missing(path: Path) -> None:
    """There is nothing at all."""


def folder(path: Path) -> None:
    path.mkdir()


def empty(path: Path) -> None:
    path.touch()


def web_page(path: Path) -> None:
    path.write_text("\n<!doctype html><title>Not found</title>")


def git_lfs_pointer(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n")


def truncated_safetensors(path: Path) -> None:
    save_file(weights(), path)
    path.write_bytes(path.read_bytes()[:-1000])


def truncated_zip(path: Path) -> None:
    torch.save(weights(), path)
    path.write_bytes(path.read_bytes()[:-1000])


def truncated_pickle(path: Path) -> None:
    torch.save(weights(), path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[:-1000])


class Malice:
    """The call that unpickling would run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("Code in a file of weights was run.",)


def pickled_code(path: Path) -> None:
    torch.save({"Conv2d_1a_3x3.conv.weight": Malice()}, path)


def list_of_tensors(path: Path) -> None:
    torch.save([torch.zeros(3)], path)


def nested(path: Path) -> None:
    torch.save({"state_dict": weights()}, path)


def torchvision(path: Path) -> None:
    others = {"AuxLogits.conv0.conv.weight": torch.zeros(128, 768, 1, 1)}
    save_file(weights() | others, path)


def classifier_of_a_thousand(path: Path) -> None:
    save_file(weights() | {"fc.bias": torch.zeros(1000)}, path)


def other_shape(path: Path) -> None:
    save_file(weights() | {"Conv2d_2a_3x3.conv.weight": torch.zeros(32, 32, 1, 1)}, path)


def gap(path: Path) -> None:
    others = weights()
    del others["Conv2d_2a_3x3.bn.running_var"]
    save_file(others, path)


def not_a_number(path: Path) -> None:
    save_file(weights() | {"Conv2d_2a_3x3.bn.bias": torch.full((32,), float("nan"))}, path)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (missing, "There are no Inception weights at"),
        (folder, "Cannot read the weights"),
        (empty, "nor the published weights"),
        (web_page, "is a web page"),
        (git_lfs_pointer, "nor the published weights"),
        (truncated_safetensors, "has no weights, or is damaged: "),
        (truncated_zip, "nor the published weights"),
        (truncated_pickle, "nor the published weights"),
        (pickled_code, "can execute code"),
        (list_of_tensors, "nor the published weights"),
        (nested, "nor the published weights"),
        (torchvision, "of another network \\('AuxLogits"),
        (classifier_of_a_thousand, "of another network \\('fc.bias', \\(1000,\\)\\)"),
        (other_shape, "of another network \\('Conv2d_2a_3x3.conv.weight'"),
        (gap, "has no 'Conv2d_2a_3x3.bn.running_var'"),
        (not_a_number, "not all finite"),
    ],
)
def test_a_bad_file_is_an_error_that_names_it(
    make: Callable[[Path], None], says: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad weights"
    make(path)
    with pytest.raises(UsageError if make is missing else ModelError, match=says) as caught:
        load_inception(path, ("inception64",), "cpu")
    said = str(caught.value)
    assert str(path) in said
    assert "\n" not in said
