"""Folding: the same pictures from a network with fewer layers, and the network itself stays as it was."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from strangers.networks.folding import MIN_ROWS, RowwiseLinear, fold
from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import build_networks


def norms(network: nn.Module) -> list[nn.Module]:
    return [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]


def experienced(network: nn.Module) -> nn.Module:
    """The network in eval mode, with batch norms that have seen something, each channel something else."""
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            assert norm.running_mean is not None
            assert norm.running_var is not None
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
            nn.init.uniform_(norm.weight, 0.5, 2)
            nn.init.normal_(norm.bias)
    return network.requires_grad_(False).eval()


@pytest.mark.parametrize(
    ("name", "remaining"), [("fast-64", 0), ("two-step-32", 1), ("sngan-64-small", 5), ("compact-32", 0)]
)
def test_outputs_are_those_of_the_network_up_to_rounding(name: str, remaining: int) -> None:
    """The norms that remain follow a dense layer's map or a sum."""
    torch.manual_seed(0)
    recipe = RECIPES[name]
    network = experienced(build_networks(recipe)[0]).double()
    before = copy.deepcopy(network.state_dict())
    folded = fold(network)
    assert len(norms(folded)) == remaining
    z = torch.randn(2, recipe.latent_size).double()
    with torch.no_grad():
        torch.testing.assert_close(folded(z), network(z))
    after = network.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(value, before[key]) for key, value in after.items())


def test_layers_that_take_no_norm_are_shared_with_the_network() -> None:
    network = experienced(build_networks(RECIPES["fast-64"])[0])
    folded = fold(network)
    assert [*folded.children()][-2].weight is [*network.children()][-2].weight


@pytest.mark.parametrize("name", ["fast-64", "two-step-32"])
def test_a_face_alone_has_the_stem_that_it_has_among_a_few(name: str) -> None:
    """A product of one row may be summed in another order than one of several."""
    recipe = RECIPES[name]
    folded = fold(experienced(build_networks(recipe)[0]))
    stem = next(layer for layer in folded.modules() if type(layer) is RowwiseLinear)
    z = torch.randn(MIN_ROWS, recipe.latent_size)
    with torch.inference_mode():
        assert torch.equal(stem(z[:1]), stem(z)[:1])
        assert len(stem(z[:0])) == 0


class Standardized(nn.Conv2d):
    """A convolution that computes otherwise: its weights are standardized, so that a scale is lost."""

    def forward(self, images: Tensor) -> Tensor:
        return nn.functional.conv2d(images, self.weight / self.weight.std())


@pytest.mark.parametrize(
    "layers",
    [
        (Standardized(3, 4, 1), nn.BatchNorm2d(4)),
        (nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4, track_running_stats=False)),
        (nn.Conv2d(3, 4, 1), nn.ReLU(), nn.BatchNorm2d(4)),
    ],
    ids=["another layer", "no statistics", "not next to it"],
)
def test_norms_that_cannot_be_folded_remain(layers: tuple[nn.Module, ...]) -> None:
    network = nn.Sequential(*layers).eval()
    folded, images = fold(network), torch.randn(2, 3, 5, 5)
    assert len(norms(folded)) == 1
    assert torch.equal(folded(images), network(images))


class Wrapper(nn.Module):
    """A module that is no sequence, with an attribute that cannot be copied deeply."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner, self.source = inner, iter(())

    def forward(self, images: Tensor) -> Tensor:
        inner: Tensor = self.inner(images)
        return inner


def test_layers_that_cannot_be_copied_are_shared() -> None:
    layer = spectral_norm(nn.Conv2d(3, 4, 1))
    assert next(fold(nn.Sequential(layer, nn.BatchNorm2d(4)).eval()).children()) is layer


def test_networks_inside_of_others_are_folded() -> None:
    network = Wrapper(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))).eval()
    folded = fold(network)
    assert (len(norms(network)), len(norms(folded))) == (1, 0)
