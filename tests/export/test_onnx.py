"""ONNX files: every recipe's generator draws the same faces in onnxruntime as in torch."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from strangers.errors import ModelError, StrangersError
from strangers.export import onnx as exporting
from strangers.export.onnx import Agreement, as_onnx, checked, compare, export_onnx
from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import Recipe, build_networks, with_overrides
from strangers.sampling.latents import latents
from strangers.sampling.load import load
from strangers.sampling.model import Model, model_of

from ..support import tiny, write_model

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def small(recipe: Recipe) -> Recipe:
    """The recipe with at most three blocks of few channels, where it says how many."""
    fields = recipe.network.model_dump(mode="json")
    for name in fields:
        if name.endswith("widths"):
            fields[name] = [max(1, width // 16) for width in fields[name][:3]]
    if "generator_stages" in fields:
        fields["generator_stages"] = [
            stage | {"width": max(1, stage["width"] // 16)} for stage in fields["generator_stages"]
        ]
        fields["stem_width"] = 8
    network = type(recipe.network).model_validate_json(json.dumps(fields))
    return Recipe(**(dict(recipe) | {"network": network, "size": network.size}))


def sane(model: Model) -> Model:
    """The model with batch norms that know their features, so that its images are neither flat nor saturated.

    Without that, values in the thousands cancel before the tanh, and every order of summing gives others.
    """
    z = torch.from_numpy(latents(range(64), model.recipe.latent_size, model.recipe.latent))
    norms = [layer for layer in model.generator.modules() if isinstance(layer, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # an average over all that it sees
        norm.reset_running_stats()
    with torch.no_grad():
        for _ in norms:
            model.generator.train()(z)
    convolutions = [
        layer for layer in model.generator.modules() if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d))
    ]
    if not convolutions:  # StyleGAN2, whose pictures have ordinary sizes without the factor of write_model
        for weights in model.generator.parameters():
            weights.data /= 3
        return model
    layer = convolutions[-1]
    before_tanh: list[Tensor] = []
    handle = layer.register_forward_hook(lambda _layer, _given, result: before_tanh.append(result))
    with torch.no_grad():
        model.generator.eval()(z)
        layer.weight /= before_tanh[0].std()
    handle.remove()
    return model


def kinds() -> list[str]:
    """One recipe for each kind of generator: those with the same classes of layers are one kind."""
    first: dict[tuple[str, frozenset[str]], str] = {}
    for name, recipe in RECIPES.items():
        generator, _ = build_networks(small(recipe))
        layers = frozenset(type(layer).__name__ for layer in generator.modules())
        first.setdefault((recipe.network.architecture, layers), name)
    return list(first.values())


@pytest.mark.parametrize("name", kinds())
def test_every_kind_of_generator_draws_the_same_faces(name: str, tmp_path: Path) -> None:
    recipe = small(RECIPES[name])
    drawn = sane(load(write_model(tmp_path / "model.safetensors", recipe), device="cpu"))
    out = tmp_path / "new" / "faces.onnx"
    agreement = export_onnx(drawn, out)
    assert agreement.difference < 1e-5
    assert agreement.levels <= 1
    session = onnxruntime.InferenceSession(out.read_bytes(), providers=["CPUExecutionProvider"])
    for seeds in ([17], range(3), range(33)):
        z = latents(seeds, recipe.latent_size, recipe.latent)
        (images,) = session.run(None, {"z": z})
        assert images.shape == (len(seeds), 3, recipe.size, recipe.size)
        assert images.dtype == np.float32
        levels = np.round((images.transpose(0, 2, 3, 1) + 1) * 127.5).astype(int)
        assert np.abs(levels - drawn.sample(seeds)).max() <= 1


def test_the_header_travels_inside_and_no_place_of_this_machine(model: Model) -> None:
    data = as_onnx(model)
    file = onnx.load_from_string(data)
    inside = {entry.key: entry.value for entry in file.metadata_props}
    assert type(model.header).model_validate_json(inside["strangers"]) == model.header
    assert inside["strangers.hash"] == model.hash
    assert file.opset_import[0].version >= 18
    assert [dim.dim_param or dim.dim_value for dim in file.graph.input[0].type.tensor_type.shape.dim] == [
        "n",
        model.recipe.latent_size,
    ]
    for place in (str(Path(exporting.__file__).parents[2]), sys.prefix, "site-packages", "stack_trace"):
        assert place.encode() not in data


def test_half_the_bytes_differ_by_a_level_or_two(tmp_path: Path) -> None:
    recipe = with_overrides(tiny(), {"network.generator_widths": "[64, 32, 16]"})
    drawn = sane(load(write_model(tmp_path / "model.safetensors", recipe), device="cpu"))
    whole, half = as_onnx(drawn), as_onnx(drawn, half=True)
    assert len(half) < 0.6 * len(whole)
    agreement = compare(drawn, half)
    assert 0 < agreement.difference < 2e-3
    assert agreement.levels <= 1


def test_a_file_that_draws_other_faces_is_refused(model: Model, tmp_path: Path) -> None:
    other = load(write_model(tmp_path / "other.safetensors"), device="cpu")
    for weights in other.generator.parameters():
        weights.data *= 1.01
    with pytest.raises(ModelError, match=r"differs from torch by at most .* the maximum is 0\.001"):
        checked(other, as_onnx(model))


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_extra_is_one_sentence(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(StrangersError, match=r"pip install 'strangers\[export\]'\.$"):
        export_onnx(model, tmp_path / "faces.onnx")
    assert list(tmp_path.iterdir()) == []


class Modern(nn.Module):
    """The kinds of layers that later generators are made of."""

    def __init__(self, latent_size: int) -> None:
        super().__init__()
        self.constant = nn.Parameter(torch.randn(1, 8, 4, 4))
        self.stem = nn.Linear(latent_size, 8)
        self.grouped = nn.Conv2d(8, 8, 3, padding=1, groups=4, bias=False)
        self.normed = spectral_norm(nn.Conv2d(8, 8, 3, padding=1))
        self.scale = nn.Parameter(torch.tensor(0.5))
        self.norm = nn.BatchNorm2d(8, eps=1e-4)
        self.last = nn.Conv2d(8, 3, 1)

    def forward(self, z: Tensor) -> Tensor:
        maps = self.constant * self.stem(z)[:, :, None, None]
        for mode in ("nearest", "bilinear", "nearest"):
            align = False if mode == "bilinear" else None
            wider = F.interpolate(maps, scale_factor=2, mode=mode, align_corners=align)
            maps = wider + self.scale * self.normed(F.leaky_relu(self.grouped(self.norm(wider)), 0.2))
        return torch.tanh(self.last(maps))


def test_residuals_groups_resizing_spectral_norm_and_learned_scales_are_exported(model: Model) -> None:
    torch.manual_seed(0)
    generator = Modern(model.recipe.latent_size)
    generator(torch.randn(8, model.recipe.latent_size))
    drawn = model_of(generator.eval().requires_grad_(False), model.header)
    assert checked(drawn, as_onnx(drawn)).difference < 1e-5
    assert compare(drawn, as_onnx(drawn, half=True)).levels <= 2


def test_an_agreement_is_readable() -> None:
    assert str(Agreement(1.25e-7, 0)) == "differs from torch by at most 1.2e-07 of the range, 0 levels of 255"
    assert str(Agreement(2e-3, 1)).endswith("1 level of 255")


def test_files_open_in_runtimes_of_two_years_ago(model: Model) -> None:
    file = onnx.load_from_string(as_onnx(model))
    assert file.ir_version <= 9
    assert file.opset_import[0].version <= 20


EXPORT = """
import sys
from pathlib import Path
from strangers.export.onnx import as_onnx, checked
from strangers.sampling.load import load
model = load(sys.argv[1], device="cpu")
checked(model, as_onnx(model))
"""

PLAIN_SESSION = """
import sys
import onnxruntime
onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
"""


@pytest.mark.skipif(os.name != "posix", reason="onnxruntime keeps its state elsewhere")
def test_an_export_reports_nothing_and_leaves_no_identity(model: Model, tmp_path: Path) -> None:
    """onnxruntime writes a device identity before it sends anything; uploads would go to the proxy."""
    write_model(tmp_path / "model.safetensors")
    (tmp_path / "model.onnx").write_bytes(as_onnx(model))
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.setblocking(False)
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"

        def left_by(code: str, name: str) -> list[str]:
            home = tmp_path / f"home of {name}"
            home.mkdir()
            environment = {
                "PATH": os.environ["PATH"], "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"),
                "OMP_NUM_THREADS": "1", "https_proxy": address, "http_proxy": address, "all_proxy": address,
            }  # fmt: skip
            subprocess.run([sys.executable, "-c", code, tmp_path / name], env=environment, check=True)
            return [path.name for path in home.rglob("*") if path.is_file()]

        assert left_by(EXPORT, "model.safetensors") == []
        with pytest.raises(BlockingIOError):
            proxy.accept()
        reports = tuple(map(int, onnxruntime.__version__.split(".")[:2])) >= (1, 29)
        assert not reports or "deviceid" in left_by(PLAIN_SESSION, "model.onnx")
