"""Features of vision transformers: equal to those of transformers, from weights under the published names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from strangers.errors import ModelError, StrangersError, UsageError
from strangers.evaluation import transformer_features
from strangers.evaluation.transformer_features import load_transformer, preprocessed
from strangers.evaluation.vision_transformer import TRANSFORMERS, VisionTransformer
from strangers.images import Pixels

REFERENCE = json.loads((Path(__file__).parent / "fixtures" / "transformers.json").read_text())
"""Output of transformers 5.24.0 for `images()` under `weights(name)`, with torch 2.13.0 on a CPU: the pooled
output of Dinov2Model, the embeddings of CLIPVisionModelWithProjection. Also their numbers of parameters."""

SMALL = {
    name: replace(one, size=28, width=16, depth=2, heads=2, dimensions=16 if name == "dinov2" else 12)
    for name, one in TRANSFORMERS.items()
}
"""The architectures with two narrow layers, on pictures of 28 px, that is of four patches."""

NAMES = list(TRANSFORMERS)


def uniform(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Numbers in [-1, 1) from a name; raw Philox output is the same in every version of numpy."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    raw = np.random.Philox(key=key).random_raw(int(np.prod(shape))) >> np.uint64(40)
    return (raw.astype(np.float32) / np.float32(2**23) - 1).reshape(shape)


def shapes(name: str, width: int = 16) -> dict[str, tuple[int, ...]]:
    """Shapes of the published weights by their names, for two layers."""
    linear: dict[str, tuple[int, ...]]
    linear = {"qkv": (3 * width, width), "proj": (width, width), "fc1": (4 * width, width)}
    linear |= {"fc2": (width, 4 * width), "norm": (width,)}
    if name == "dinov2":
        found = {"cls_token": (1, 1, width), "pos_embed": (1, 5, width), "mask_token": (1, width)}
        found |= {"patch_embed.proj.weight": (width, 3, 14, 14), "patch_embed.proj.bias": (width,)}
        layers = {"attn.qkv": "qkv", "attn.proj": "proj", "mlp.fc1": "fc1", "mlp.fc2": "fc2"}
        layers |= {"norm1": "norm", "norm2": "norm"}
        prefix, outer = "blocks", ["norm"]
        found |= {f"blocks.{i}.{scale}.gamma": (width,) for i in (0, 1) for scale in ("ls1", "ls2")}
    else:
        model = "vision_model."
        found = {
            f"{model}embeddings.class_embedding": (width,),
            f"{model}embeddings.patch_embedding.weight": (width, 3, 14, 14),
            f"{model}embeddings.position_embedding.weight": (5, width),
            "visual_projection.weight": (12, width),
            "text_projection.weight": (12, 8),
        }
        layers = {f"self_attn.{part}_proj": "proj" for part in ("q", "k", "v", "out")}
        layers |= {"mlp.fc1": "fc1", "mlp.fc2": "fc2", "layer_norm1": "norm", "layer_norm2": "norm"}
        prefix, outer = f"{model}encoder.layers", [f"{model}pre_layrnorm", f"{model}post_layernorm"]
    found |= {f"{prefix}.{i}.{layer}.weight": linear[kind] for i in (0, 1) for layer, kind in layers.items()}
    found |= {
        f"{prefix}.{i}.{layer}.bias": linear[kind][:1] for i in (0, 1) for layer, kind in layers.items()
    }
    return found | {f"{layer}.{kind}": (width,) for layer in outer for kind in ("weight", "bias")}


def weights(name: str) -> dict[str, Tensor]:
    """Random weights under the published names."""
    return {key: torch.from_numpy(uniform(key, shape) / 2) for key, shape in shapes(name).items()}


def images() -> Tensor:
    """Two normalized pictures of 28 px."""
    return torch.from_numpy(2 * uniform("images", (2, 3, 28, 28)))


def pixels(count: int, size: int = 20) -> Pixels:
    """Noise, uint8 (count, size, size, 3)."""
    return ((uniform("pixels", (count, size, size, 3)) + 1) * 128).astype(np.uint8)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Small networks with weights in files, and no network to download others."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name, architecture in SMALL.items():
        monkeypatch.setitem(TRANSFORMERS, name, architecture)
        save_file(weights(name), tmp_path / f"{name}.safetensors")
        monkeypatch.setenv(architecture.weights.variable, str(tmp_path / f"{name}.safetensors"))


@pytest.mark.parametrize("name", NAMES)
def test_features_equal_those_of_transformers(name: str) -> None:
    network = load_transformer(name, "cpu").network
    expected = np.array(REFERENCE[name])
    with torch.inference_mode():
        found = network(images()).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name", NAMES)
def test_the_published_sizes_are_those_of_vit_l_14(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    architecture = TRANSFORMERS[name]
    with torch.device("meta"):
        network = VisionTransformer(architecture)
    count = sum(value.numel() for value in network.parameters())
    # Without layer scales, the mask token and the positions of pictures of 518 px.
    left_out = (2 * 24 + 1 + 37**2 - 16**2) * 1024 if name == "dinov2" else 0
    assert count + left_out == REFERENCE["parameters"][name]
    assert len(architecture.weights.sha256) == 64


@pytest.mark.parametrize("name", NAMES)
def test_features_do_not_depend_on_other_pictures(name: str) -> None:
    network = load_transformer(name, "cpu")
    some = pixels(17)
    features = network.extract(some)[name]
    assert features.shape == (17, network.dimensions[name])
    assert features.dtype == np.float32
    np.testing.assert_array_equal(network.extract(some[16:])[name], features[16:])
    assert network.extract(some[:0])[name].shape == (0, network.dimensions[name])


def test_features_of_clip_have_length_one() -> None:
    lengths = np.linalg.norm(load_transformer("clip", "cpu").extract(pixels(3))["clip"], axis=1)
    np.testing.assert_allclose(lengths, 1, rtol=1e-6)


def test_pictures_for_dinov2_are_enlarged_as_by_pillow() -> None:
    picture = pixels(1)[0]
    architecture = SMALL["dinov2"]
    found = preprocessed(torch.from_numpy(picture[None]), architecture)[0]
    deviation, mean = (torch.tensor(one).view(3, 1, 1) for one in (architecture.deviation, architecture.mean))
    levels = (found * deviation + mean) * 255
    expected = np.asarray(Image.fromarray(picture).resize((28, 28), Image.Resampling.BICUBIC))
    difference = np.abs(levels.numpy() - expected.transpose(2, 0, 1))
    assert difference.max() < 1.01
    assert (levels - levels.round()).abs().max() < 1e-3


def test_pictures_for_clip_keep_values_between_and_beyond_the_levels() -> None:
    steps = np.zeros((1, 20, 20, 3), np.uint8)
    steps[:, :, 10:] = 255
    architecture = SMALL["clip"]
    found = preprocessed(torch.from_numpy(steps), architecture)
    white = (1 - torch.tensor(architecture.mean)) / torch.tensor(architecture.deviation)
    assert (found.amax((0, 2, 3)) > white + 0.01).all()


def test_positions_of_other_sizes_are_interpolated_as_published(monkeypatch: pytest.MonkeyPatch) -> None:
    """Along a column, by the cubic kernel of torch, at a scale of a tenth of a patch more."""
    monkeypatch.setitem(TRANSFORMERS, "dinov2", replace(SMALL["dinov2"], size=70))
    column = uniform("column", (9,)).astype(np.float64)
    grid = torch.from_numpy(np.tile(column, (9, 1)).T.reshape(-1, 1).repeat(16, 1)).float()
    stored = weights("dinov2") | {"pos_embed": torch.cat([torch.full((1, 16), 7.0), grid])[None]}
    save_file(stored, Path(TRANSFORMERS["dinov2"].weights.find()))
    positions = load_transformer("dinov2", "cpu").network.positions
    assert positions.shape == (26, 16)
    assert positions[0].tolist() == [7] * 16
    found = positions[1:, 0].view(5, 5)[:, 2].numpy()
    np.testing.assert_allclose(
        found, [interpolated(column, (i + 0.5) * 9 / 5.1 - 0.5) for i in range(5)], atol=1e-5
    )


def interpolated(values: NDArray[np.float64], place: float) -> float:
    """Cubic convolution (Keys 1981) with a = -0.75, borders repeated."""

    def kernel(x: float) -> float:
        if x <= 1:
            return 1.25 * x**3 - 2.25 * x**2 + 1
        return -0.75 * (x**3 - 5 * x**2 + 8 * x - 4)

    near = [int(np.floor(place)) + step for step in (-1, 0, 1, 2)]
    return float(sum(values[np.clip(i, 0, len(values) - 1)] * kernel(abs(place - i)) for i in near))


def missing(found: dict[str, Tensor]) -> None:
    del found[next(name for name in found if "fc2.bias" in name)]


def wide(found: dict[str, Tensor]) -> None:
    name = next(name for name in found if "fc1.weight" in name)
    found[name] = torch.zeros(65, 16)


def flat(found: dict[str, Tensor]) -> None:
    name = next(name for name in found if "pos" in name)
    found[name] = torch.zeros(())


def infinite(found: dict[str, Tensor]) -> None:
    name = next(name for name in found if "fc1.bias" in name)
    found[name] = torch.full((64,), float("inf"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (missing, "it has no '.*fc2.bias'"),
        (wide, r"\(size mismatch for layers.0.linear1"),
        (flat, "is of another network"),
        (infinite, r"not all finite \('layers.0.linear1.bias'\)"),
    ],
)
def test_other_weights_are_refused(name: str, damage: Callable[[dict[str, Tensor]], None], says: str) -> None:
    path = TRANSFORMERS[name].weights.find()
    found = weights(name)
    damage(found)
    save_file(found, path)
    with pytest.raises(ModelError, match=says) as caught:
        load_transformer(name, "cpu")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_network_the_error_says_where_to_put_the_file(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    published = replace(SMALL[name].weights, url="http://127.0.0.1:9/weights")
    monkeypatch.setitem(TRANSFORMERS, name, replace(SMALL[name], weights=published))
    monkeypatch.delenv(published.variable)
    with pytest.raises(StrangersError) as caught:
        load_transformer(name, "cpu")
    for part in (published.url, str(tmp_path / "cache"), published.file, published.variable):
        assert part in str(caught.value)


def test_other_names_and_arrays_are_wrong_calls() -> None:
    with pytest.raises(UsageError, match=r"'vgg'\. Choose from dinov2, clip"):
        load_transformer("vgg")
    with pytest.raises(UsageError, match=r"must be uint8 \(n, h, w, 3\)"):
        load_transformer("clip", "cpu").extract(pixels(1).astype(np.float32))


def test_groups_are_filled_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The size of a group changes no feature beyond rounding."""
    network = load_transformer("dinov2", "cpu")
    whole = network.extract(pixels(5))["dinov2"]
    monkeypatch.setattr(transformer_features, "TRANSFORMER_GROUP", 2)
    np.testing.assert_allclose(network.extract(pixels(5))["dinov2"], whole, rtol=1e-4, atol=1e-5)
