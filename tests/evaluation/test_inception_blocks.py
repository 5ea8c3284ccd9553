"""Blocks of the Inception network: their shapes, their strides, and the names of their weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from strangers.evaluation.inception_blocks import Convolution, Mixed, inception_stages


def test_a_convolution_ends_in_features_that_are_not_negative() -> None:
    layer = Convolution(3, 8, (3, 3), stride=2).eval()
    maps = layer(torch.randn(2, 3, 9, 9))
    assert maps.shape == (2, 8, 4, 4)
    assert maps.min() == 0
    assert layer.conv.bias is None
    assert layer.bn.eps == 0.001


def test_a_mixed_block_joins_its_branches_in_their_order() -> None:
    block = Mixed(
        4, {"left": [(2, (1, 1))], "branch_pool": [(3, (1, 1))]}, nn.MaxPool2d(3, 1, padding=1)
    ).eval()
    maps = torch.randn(1, 4, 6, 6)
    joined = block(maps)
    assert joined.shape == (1, 5, 6, 6)
    torch.testing.assert_close(joined[:, :2], block.get_submodule("left")(maps))
    torch.testing.assert_close(joined[:, 2:], block.get_submodule("branch_pool")(block.pool(maps)))


def test_parallel_kernels_of_a_layer_are_named_a_and_b_and_add_their_channels() -> None:
    block = Mixed(4, {"wide": [(2, (1, 1)), (3, (1, 3), (3, 1))]}, nn.Identity()).eval()
    assert {name.split(".")[0] for name, _ in block.named_parameters()} == {"wide_1", "wide_2a", "wide_2b"}
    assert block(torch.randn(1, 4, 5, 5)).shape == (1, 6, 5, 5)


def test_a_block_that_halves_does_so_in_every_branch() -> None:
    block = Mixed(
        4, {"a": [(2, (1, 1)), (2, (3, 3))], "branch_pool": []}, nn.MaxPool2d(3, 2), halves=True
    ).eval()
    assert block(torch.randn(1, 4, 9, 9)).shape == (1, 6, 4, 4)


@pytest.fixture(scope="module")
def stages() -> dict[int, dict[str, nn.Module]]:
    """All layers, without weights."""
    with torch.device("meta"):
        return inception_stages()


def test_each_stage_ends_in_features_of_its_dimensions(stages: dict[int, dict[str, nn.Module]]) -> None:
    """From pictures of 299 px, without arithmetic; sides as in Szegedy et al. 2016, table 1."""
    maps, shapes = torch.empty(1, 3, 299, 299, device="meta"), {}
    for dimensions, layers in stages.items():
        for layer in layers.values():
            maps = layer.eval()(maps)
        shapes[dimensions] = tuple(maps.shape)
    sides = {64: 73, 192: 35, 768: 17, 2048: 8}
    assert shapes == {dimensions: (1, dimensions, side, side) for dimensions, side in sides.items()}


def test_stages_have_the_layer_names_of_published_weights(stages: dict[int, dict[str, nn.Module]]) -> None:
    names = [name for layers in stages.values() for name in layers if "pool" not in name]
    assert names[:3] == ["Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3"]
    assert names[-3:] == ["Mixed_7a", "Mixed_7b", "Mixed_7c"]
    assert len(names) == len(set(names)) == 16
