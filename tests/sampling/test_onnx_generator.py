"""Generators in ONNX files: ours give the model's faces, and others are taken or refused by their shapes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strangers.errors import ModelError, UsageError
from strangers.evaluation.evaluate import Settings, evaluate
from strangers.evaluation.facts import GeneratorFacts
from strangers.export.onnx import export_onnx
from strangers.sampling.load import load
from strangers.sampling.onnx_generator import load_onnx

from ..support import write_model

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def exported(traced_once: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model file and its ONNX file."""
    place = tmp_path_factory.mktemp("onnx")
    model = write_model(place / "model.safetensors")
    export_onnx(load(model), place / "model.onnx")
    return model, place / "model.onnx"


def foreign(path: Path, shape: list[Any], *, inputs: int = 1, scale: float = 0.01) -> Path:
    """Write a generator of 8 px pictures, of the latents' first number, as other programs export it."""
    helper, proto = onnx.helper, onnx.TensorProto
    names = ["latent", "labels"][:inputs]
    graph = helper.make_graph(
        [
            helper.make_node("Reshape", ["latent", "flat"], ["rows"]),
            helper.make_node("MatMul", ["rows", "weights"], ["pixels"]),
            helper.make_node("Tanh", ["pixels"], ["bounded"]),
            helper.make_node("Reshape", ["bounded", "picture"], ["out"]),
        ],
        "foreign",
        [helper.make_tensor_value_info(name, proto.FLOAT, ["n", *shape]) for name in names],
        [helper.make_tensor_value_info("out", proto.FLOAT, ["n", 3, 8, 8])],
        [
            helper.make_tensor("flat", proto.INT64, [2], [-1, 4]),
            helper.make_tensor("weights", proto.FLOAT, [4, 192], (np.arange(768) % 13 * scale).tolist()),
            helper.make_tensor("picture", proto.INT64, [4], [-1, 3, 8, 8]),
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)
    return path


def test_an_exported_file_draws_the_faces_of_its_model(exported: tuple[Path, Path]) -> None:
    model, file = exported
    generator = load_onnx(file)
    assert generator.header == load(model).header
    [(seeds, faces)] = generator.batches(range(20))
    assert seeds == list(range(20))
    assert np.abs(faces.astype(int) - load(model).sample(range(20))).max() <= 1


def test_an_exported_file_is_measured_as_its_model(exported: tuple[Path, Path], tmp_path: Path) -> None:
    np.save(tmp_path / "reference.npy", load(exported[0]).sample(range(100, 140)))
    settings = Settings(metrics=("kd-face",), count=40)
    results = [
        evaluate(one, tmp_path / "reference.npy", settings=settings, progress=False).result
        for one in exported
    ]
    values = [result.values["kd-face"].value for result in results]
    assert values[0] == pytest.approx(values[1], rel=0.01, abs=1e-4)
    assert isinstance(results[1].model, GeneratorFacts)
    assert (results[1].seeds, results[1].model.recipe) == ("0-39", "dcgan-32")
    assert results[1].model.protocol == results[0].model.protocol


@pytest.mark.parametrize("shape", [[4], [4, 1, 1]], ids=["flat", "maps"])
def test_files_of_other_programs_draw_from_normal_latents(shape: list[int], tmp_path: Path) -> None:
    generator = load_onnx(foreign(tmp_path / "other.onnx", shape))
    assert (generator.size, generator.latent, generator.header) == (8, "normal", None)
    [(_, faces)] = generator.batches(range(3), batch=3)
    assert faces.shape == (3, 8, 8, 3)


def test_several_inputs_need_the_name_of_the_latents(tmp_path: Path) -> None:
    path = foreign(tmp_path / "two.onnx", [4], inputs=2)
    with pytest.raises(UsageError, match="name the latents' by --onnx-input: latent, labels"):
        load_onnx(path)
    with pytest.raises(UsageError, match="no input 'z'; it has latent, labels"):
        load_onnx(path, "z")
    with pytest.raises(ModelError, match="draws no faces from latents alone"):
        load_onnx(path, "latent")


def test_files_that_are_no_generators_are_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"\x08\x09 nothing")
    with pytest.raises(ModelError, match="not an ONNX file"):
        load_onnx(tmp_path / "broken.onnx")
    with pytest.raises(ModelError, match="must be latents"):
        load_onnx(foreign(tmp_path / "pictures.onnx", [3, 8, 8]))
    with pytest.raises(ModelError, match=r"must be latents.*'k'"):
        load_onnx(foreign(tmp_path / "open.onnx", ["k"]))
    with pytest.raises(ModelError, match=r"must be in \[-1, 1\]"):
        load_onnx(foreign(tmp_path / "black.onnx", [4], scale=0.0))


def test_onnxruntime_leaves_no_mark_by_which_it_reports_its_use(tmp_path: Path) -> None:
    """With telemetry it writes a number of the device and a data base of events into the home."""
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    program = "from strangers.sampling.onnx_generator import new_session as n; n(b'no model')"
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert "INVALID_PROTOBUF" in done.stderr
    assert [*tmp_path.rglob("*")] == []
