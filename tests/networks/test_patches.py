"""Convolutions as matrix products: the same values and gradients as torch's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from strangers.networks import patches
from strangers.networks.dcgan import Downsample, Upsample

Way = Callable[[Tensor, Tensor], Tensor]


@pytest.fixture(params=["downsample", "upsample"])
def ways(request: pytest.FixtureRequest) -> tuple[Way, Way, Tensor]:
    """Ours, torch's, and a map to convolve, of unequal height and width."""
    torch.manual_seed(0)
    if request.param == "downsample":
        return patches.downsample, lambda x, w: F.conv2d(x, w, None, 2, 1), torch.randn(3, 5, 8, 6).double()
    return (
        patches.upsample,
        lambda x, w: F.conv_transpose2d(x, w, None, 2, 1),
        torch.randn(3, 7, 4, 3).double(),
    )


def test_values_and_gradients_are_torchs(ways: tuple[Way, Way, Tensor]) -> None:
    ours, theirs, images = ways
    images.requires_grad_()
    weight = torch.randn(7, 5, 4, 4, dtype=torch.float64, requires_grad=True)
    mine, reference = ours(images, weight), theirs(images, weight)
    torch.testing.assert_close(mine, reference)
    gradient = torch.randn_like(reference)
    for way in (mine, reference):
        assert way.shape == reference.shape
    torch.testing.assert_close(
        torch.autograd.grad(mine, [images, weight], gradient),
        torch.autograd.grad(reference, [images, weight], gradient),
    )


def test_second_derivatives_are_right(ways: tuple[Way, Way, Tensor]) -> None:
    ours, _, images = ways
    images = images[:1, :, :4, :2].clone().requires_grad_()
    weight = torch.randn(7, 5, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(ours, (images, weight))


@pytest.mark.parametrize("layer", [Downsample(16, 24), Upsample(16, 24)], ids=["downsample", "upsample"])
@pytest.mark.parametrize("height", [4, 8, 16])
def test_layers_are_torchs_and_round_as_bf16_does(layer: torch.nn.Module, height: int) -> None:
    torch.manual_seed(0)
    images = torch.randn(4, 16, height, height)
    exact = super(type(layer), layer).forward(images)  # type: ignore[misc]  # torch's own
    torch.testing.assert_close(layer(images), exact, rtol=1e-4, atol=1e-5)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = layer(images)
    assert rounded.dtype == torch.bfloat16
    assert (rounded - exact).abs().max() < 0.02 * exact.abs().max()


def test_only_small_maps_on_a_cpu_take_this_way_in_bf16_or_small_batches() -> None:
    few, many = torch.zeros(patches.MAX_BATCH), torch.zeros(patches.MAX_BATCH + 1)
    small, large = patches.MAX_HEIGHT, 2 * patches.MAX_HEIGHT
    assert patches.is_faster(few, small)
    assert not patches.is_faster(many, small)
    assert not patches.is_faster(few, large)
    assert not patches.is_faster(torch.zeros(1, device="meta"), small)
    with torch.autocast("cpu", torch.bfloat16):
        assert patches.is_faster(many, small)
        assert not patches.is_faster(many, large)


def test_pictures_take_this_way_at_any_height_where_no_gradient_is_needed() -> None:
    few, picture = torch.zeros(patches.MAX_BATCH), (64, 3)
    assert not patches.is_faster(few, *picture)
    with torch.inference_mode():
        assert patches.is_faster(few, *picture)
        assert not patches.is_faster(torch.zeros(patches.MAX_BATCH + 1), *picture)
