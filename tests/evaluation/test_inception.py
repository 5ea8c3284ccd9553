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
"""What pytorch-fid 0.3.0 gave, with torch 2.13.0 on a CPU and torchvision 0.29.2, for `random_pixels` under
`random_weights(2048)`, `uniform("fc.weight", (1008, 2048))` and `uniform("fc.bias", (1008,))`. Its
`InceptionV3([0, 1, 2, 3])` was built with `load_state_dict_from_url` replaced, its pictures were uint8 / 255,
and its maps were averaged as its `get_activations` does. Arrays are named by the pictures' size and the
dimensions, as in "32-2048", each float32 (2, dimensions)."""

SIZES = (32, 64, 299, 350)


def uniform(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Numbers in [-1, 1) from a name; raw Philox output is the same in every version of numpy."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    raw = np.random.Philox(key=key).random_raw(int(np.prod(shape))) >> np.uint64(40)
    return (raw.astype(np.float32) / np.float32(2**23) - 1).reshape(shape)


def random_weights(dimensions: int) -> dict[str, Tensor]:
    """Weights under which features neither vanish nor explode."""
    weights = {}
    for name, value in Inception(dimensions).state_dict().items():
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
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Files of weights, by the dimensions that they end in."""
    folder = tmp_path_factory.mktemp("weights")
    whole = random_weights(2048)
    paths = {}
    for dimensions in DIMENSIONS:
        with torch.device("meta"):
            names = Inception(dimensions).state_dict()
        paths[dimensions] = folder / f"{dimensions}.safetensors"
        save_file({name: whole[name] for name in names if name in whole}, paths[dimensions])
    return paths


@pytest.fixture
def small(files: dict[int, Path]) -> InceptionFeatures:
    """The smallest network."""
    return load_inception(files[64], 64, "cpu")


# The features.


@pytest.mark.parametrize("dimensions", DIMENSIONS)
def test_features_equal_those_of_pytorch_fid(
    dimensions: int, files: dict[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        inception, "INCEPTION_GROUP", 2
    )  # as many as there are: fewer to fill up, and quicker
    features = load_inception(files[2048], dimensions, "cpu")
    with np.load(REFERENCE) as reference:
        for size in SIZES:
            expected = reference[f"{size}-{dimensions}"]
            np.testing.assert_allclose(
                features(random_pixels(size)), expected, rtol=0, atol=1e-5 * np.abs(expected).max()
            )


def test_features_do_not_depend_on_other_pictures(small: InceptionFeatures) -> None:
    pixels = random_pixels(32, 17)
    features = small(pixels)
    assert features.shape == (17, 64)
    assert features.dtype == np.float32
    order = np.argsort(uniform("order", (17,)))
    np.testing.assert_array_equal(small(pixels[order]), features[order])
    assert small(pixels[:0]).shape == (0, 64)


def test_deep_features_do_not_depend_on_other_pictures(files: dict[int, Path]) -> None:
    features = load_inception(files[768], device="cpu")
    pixels = random_pixels(32, 16)
    np.testing.assert_array_equal(features(pixels)[5:6], features(pixels[5:6]))


def test_pictures_may_be_read_only_and_of_any_shape(small: InceptionFeatures) -> None:
    pixels = random_pixels(64)[:, :, :48]
    expected = small(pixels)
    pixels.flags.writeable = False
    np.testing.assert_array_equal(small(pixels), expected)


@pytest.mark.parametrize("wrong", [np.zeros((1, 3, 8, 8), np.uint8), np.zeros((1, 8, 8, 3), np.float32)])
def test_other_arrays_are_refused(wrong: Any, small: InceptionFeatures) -> None:
    with pytest.raises(UsageError, match=r"^Pictures must be uint8 \(n, h, w, 3\) \(got .*\)\.$"):
        small(wrong)


# Which features.


def test_the_deepest_published_features_are_taken_that_a_file_has(files: dict[int, Path]) -> None:
    for dimensions in (768, 2048):
        features = load_inception(files[dimensions], device="cpu")
        assert (features.name, features.dimensions) == (f"inception{dimensions}", dimensions)
        assert features.hash == hashlib.sha256(files[dimensions].read_bytes()).hexdigest()[:16]


@pytest.mark.parametrize("dimensions", DIMENSIONS)
def test_a_network_ends_where_its_features_do(dimensions: int, files: dict[int, Path]) -> None:
    features = load_inception(files[dimensions], dimensions, "cpu")
    assert features.name == f"inception{dimensions}"
    convolutions = {64: 3, 192: 5, 768: 70, 2048: 94}[dimensions]
    assert sum(isinstance(layer, torch.nn.Conv2d) for layer in features.network.modules()) == convolutions
    assert not features.network.training


def test_features_beyond_the_weights_are_refused(files: dict[int, Path]) -> None:
    with pytest.raises(ModelError, match=r"has no 'Mixed_7a.*', which 2048 dimensions need. Download https:"):
        load_inception(files[768], 2048, "cpu")
    with pytest.raises(ModelError, match=r"has no 'Conv2d_3b_1x1.*', which 768 dimensions need."):
        load_inception(files[64], device="cpu")


def test_dimensions_and_devices_that_do_not_exist_are_wrong_calls(files: dict[int, Path]) -> None:
    with pytest.raises(UsageError, match=r"of 100 dimensions\. Choose from 64, 192, 768, 2048"):
        load_inception(files[64], 100)
    with pytest.raises(UsageError, match="abacus"):
        load_inception(files[64], 64, "abacus")
