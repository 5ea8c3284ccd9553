"""The FID Inception network: equal to pytorch-fid's, picture by picture."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from strangers.errors import ModelError, UsageError
from strangers.evaluation import inception
from strangers.evaluation.inception import DIMENSIONS, Inception, InceptionFeatures, load_inception
from strangers.images import Pixels

REFERENCE = Path(__file__).parent / "fixtures" / "inception-pytorch-fid.npz"
"""The values of pytorch-fid 0.3.0, with torch 2.13.0 on a CPU and torchvision 0.29.2, for `random_pixels`
under `random_weights()`, `uniform("fc.weight", (1008, 2048))` and `uniform("fc.bias", (1008,))`. Its
`InceptionV3([0, 1, 2, 3])` was built with `load_state_dict_from_url` replaced, its pictures were uint8 / 255,
and its maps were averaged as its `get_activations` does. Arrays are named by the pictures' size and the
dimensions, as in "32-2048", each float32 (2, dimensions)."""

SIZES = (32, 64, 299, 350)
LAYERS = [features for features in DIMENSIONS if features != "logits"]


def uniform(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Numbers in [-1, 1) from a name; raw Philox output is the same in every version of numpy."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    raw = np.random.Philox(key=key).random_raw(int(np.prod(shape))) >> np.uint64(40)
    return (raw.astype(np.float32) / np.float32(2**23) - 1).reshape(shape)


def random_weights(names: tuple[str, ...] = ("inception2048",)) -> dict[str, Tensor]:
    """Weights under which features neither vanish nor explode."""
    weights = {}
    for name, value in Inception(names).state_dict().items():
        numbers = uniform(name, tuple(value.shape))
        if name.endswith("conv.weight"):
            numbers *= np.float32(np.sqrt(6 / value[0].numel()))  # He et al. 2015, eq. 10
        elif name.endswith(("bn.weight", "running_var")):
            numbers /= 5
            numbers += 1
        elif name.endswith(("bn.bias", "running_mean")):
            numbers /= 5
        else:
            continue  # the counter of batches, which published files leave out
        weights[name] = torch.from_numpy(numbers)
    return weights


def random_pixels(size: int, count: int = 2) -> Pixels:
    """Noise, uint8 (count, size, size, 3)."""
    return ((uniform(f"pictures of {size}", (count, size, size, 3)) + 1) * 128).astype(np.uint8)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files of weights, by the features that they end in."""
    folder = tmp_path_factory.mktemp("weights")
    whole = random_weights()
    whole["fc.weight"] = torch.from_numpy(uniform("fc.weight", (1008, 2048)))
    paths = {}
    for features in DIMENSIONS:
        with torch.device("meta"):
            names = Inception((features,)).state_dict()
        paths[features] = folder / f"{features}.safetensors"
        save_file({name: whole[name] for name in names if name in whole}, paths[features])
    return paths


@pytest.fixture
def small(files: dict[str, Path]) -> InceptionFeatures:
    """The smallest network."""
    return load_inception(files["inception64"], ("inception64",), "cpu")


# The features.


def test_features_equal_those_of_pytorch_fid(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """All layers, in one pass."""
    # As many as there are: fewer to fill up, and quicker.
    monkeypatch.setattr(inception, "INCEPTION_GROUP", 2)
    network = load_inception(files["logits"], tuple(DIMENSIONS), "cpu")
    with np.load(REFERENCE) as reference:
        for size in SIZES:
            found = network.extract(random_pixels(size))
            for features in LAYERS:
                expected = reference[f"{size}-{DIMENSIONS[features]}"]
                np.testing.assert_allclose(
                    found[features], expected, rtol=0, atol=1e-5 * np.abs(expected).max()
                )


def test_logits_are_the_last_features_times_the_weights(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inception, "INCEPTION_GROUP", 2)
    found = load_inception(files["logits"], ("logits", "inception2048"), "cpu").extract(random_pixels(32))
    assert list(found) == ["logits", "inception2048"]
    expected = found["inception2048"] @ uniform("fc.weight", (1008, 2048)).T
    np.testing.assert_allclose(found["logits"], expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_features_do_not_depend_on_other_pictures(small: InceptionFeatures) -> None:
    pixels = random_pixels(32, 17)
    features = small.extract(pixels)["inception64"]
    assert features.shape == (17, 64)
    assert features.dtype == np.float32
    order = np.argsort(uniform("order", (17,)))
    np.testing.assert_array_equal(small.extract(pixels[order])["inception64"], features[order])
    assert small.extract(pixels[:0])["inception64"].shape == (0, 64)


def test_deep_features_do_not_depend_on_other_pictures(files: dict[str, Path]) -> None:
    network = load_inception(files["inception768"], ("inception768",), device="cpu")
    pixels = random_pixels(32, 16)
    whole, one = (network.extract(some)["inception768"] for some in (pixels, pixels[5:6]))
    np.testing.assert_array_equal(whole[5:6], one)


def test_pictures_may_be_read_only_and_of_any_shape(small: InceptionFeatures) -> None:
    pixels = random_pixels(64)[:, :, :48]
    expected = small.extract(pixels)["inception64"]
    pixels.flags.writeable = False
    np.testing.assert_array_equal(small.extract(pixels)["inception64"], expected)


@pytest.mark.parametrize("wrong", [np.zeros((1, 3, 8, 8), np.uint8), np.zeros((1, 8, 8, 3), np.float32)])
def test_other_arrays_are_refused(wrong: Any, small: InceptionFeatures) -> None:
    with pytest.raises(UsageError, match=r"^Pictures must be uint8 \(n, h, w, 3\) \(got .*\)\.$"):
        small.extract(wrong)


# Which features.


@pytest.mark.parametrize("features", DIMENSIONS)
def test_a_network_ends_where_its_features_do(features: str, files: dict[str, Path]) -> None:
    found = load_inception(files[features], (features,), "cpu")
    assert found.dimensions == {features: DIMENSIONS[features]}
    assert found.hash == hashlib.sha256(files[features].read_bytes()).hexdigest()[:16]
    convolutions = {"inception64": 3, "inception192": 5, "inception768": 70}.get(features, 94)
    assert sum(isinstance(layer, torch.nn.Conv2d) for layer in found.network.modules()) == convolutions
    assert not found.network.training


def test_features_beyond_the_weights_are_refused(files: dict[str, Path]) -> None:
    with pytest.raises(ModelError, match=r"has no 'Mixed_7a.*', which inception2048 need. .* such as fid768"):
        load_inception(files["inception768"], device="cpu")
    with pytest.raises(ModelError, match=r"has no 'Conv2d_3b_1x1.*', which inception64 and inception768"):
        load_inception(files["inception64"], ("inception64", "inception768"), device="cpu")


def test_features_and_devices_that_do_not_exist_are_wrong_calls(files: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match=r"'inception100'\. Choose from inception64, inception192"):
        load_inception(files["inception64"], ("inception100",))
    with pytest.raises(UsageError, match="abacus"):
        load_inception(files["inception64"], ("inception64",), "abacus")
