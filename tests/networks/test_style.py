"""StyleGAN2's parts compute what the papers' equations say, and a latent's length is its truncation."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from strangers.networks.style import (
    Convolution,
    Linear,
    MinibatchDeviation,
    ModulatedConvolution,
    StyleGAN2,
    blurred,
    demodulation,
    doubled,
    modulated,
)

SMALL = StyleGAN2(generator_widths=(16, 8, 8), discriminator_widths=(8, 8, 16), style_size=16)

FILTER = torch.tensor([1.0, 3, 3, 1])[:, None] * torch.tensor([1.0, 3, 3, 1])


def with_own_weights(maps: Tensor, weight: Tensor, factors: Tensor, *, demodulate: bool) -> Tensor:
    """Karras et al. 2020, eqs. 1 to 3 as written: weights for each image, in one grouped convolution."""
    weights = weight * factors[:, None, :, None, None]  # eq. 1
    if demodulate:
        weights = weights / (weights.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8).sqrt()  # eq. 3
    count, after, before, height, width = weights.shape
    grouped = weights.reshape(count * after, before, height, width)
    convolved = F.conv2d(maps.reshape(1, -1, *maps.shape[2:]), grouped, padding=height // 2, groups=count)
    return convolved.reshape(count, after, *maps.shape[2:])


@pytest.mark.parametrize("kernel", [1, 3])
def test_scaling_the_maps_is_scaling_the_weights(kernel: int) -> None:
    torch.manual_seed(0)
    maps, factors = torch.randn(3, 6, 8, 8).double(), torch.randn(3, 6).double()
    weight = torch.randn(5, 6, kernel, kernel).double().requires_grad_()
    expected = with_own_weights(maps, weight, factors, demodulate=False)
    torch.testing.assert_close(modulated(maps, weight, factors), expected)
    scaled = modulated(maps, weight, factors) * demodulation(weight, factors)[:, :, None, None]
    expected = with_own_weights(maps, weight, factors, demodulate=True)
    torch.testing.assert_close(scaled, expected)
    gradients = [torch.autograd.grad(out.square().sum(), weight)[0] for out in (scaled, expected)]
    torch.testing.assert_close(*gradients)


def test_demodulated_outputs_have_variance_1_whatever_the_style() -> None:
    torch.manual_seed(0)
    layer = ModulatedConvolution(64, 64, 8)
    for scale in (0.1, 1.0, 100.0):
        factors = layer.style(torch.randn(4, 8)) * scale
        maps = modulated(torch.randn(4, 64, 16, 16), layer.weight, factors)
        outputs = maps * demodulation(layer.weight, factors)[:, :, None, None]
        assert outputs[:, :, 1:-1, 1:-1].std().item() == pytest.approx(1, abs=0.1)


def test_a_doubling_convolution_is_zeros_between_a_convolution_and_the_filter() -> None:
    maps, weight = torch.randn(1, 2, 4, 4).double(), torch.randn(3, 2, 3, 3).double()
    between = torch.zeros(1, 2, 8, 8).double()
    between[:, :, ::2, ::2] = maps
    convolved = F.conv2d(F.pad(between, (2, 1, 2, 1)), weight.flip(2, 3))
    padded = F.pad(convolved, (1, 1, 1, 1))
    filters = (FILTER / 16).double().expand(3, 1, 4, 4)
    found = modulated(maps, weight, torch.ones(1, 2).double(), doubles=True)
    assert found.shape == (1, 3, 8, 8)
    torch.testing.assert_close(
        found[..., 1:-1, 1:-1], F.conv2d(padded, filters, groups=3)[..., 1:, 1:][..., :6, :6]
    )


def test_pictures_are_doubled_with_the_filter() -> None:
    images = torch.randn(1, 3, 6, 6)
    filters = (FILTER / 16).expand(3, 1, 4, 4)
    expected = F.conv_transpose2d(images, filters, stride=2, padding=1, groups=3)
    torch.testing.assert_close(doubled(images)[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1])


def test_a_blur_keeps_what_is_constant() -> None:
    flat = torch.full((2, 3, 8, 8), 0.7)
    for stride in (1, 2):
        inner = blurred(flat, stride=stride)[..., 1:-1, 1:-1]
        torch.testing.assert_close(inner, torch.full_like(inner, 0.7))


def test_all_weights_begin_with_variance_1_and_layers_keep_the_variance() -> None:
    """Karras et al. 2018, section 4.1: the scale of a layer is applied when it is used."""
    torch.manual_seed(0)
    maps = torch.randn(8, 64, 16, 16)
    for layer, inputs in ((Convolution(64, 64, 3, gain=1.0), maps), (Linear(512, 512), torch.randn(64, 512))):
        assert layer.weight.std().item() == pytest.approx(1, abs=0.02)
        assert layer(inputs).std().item() == pytest.approx(1, abs=0.1)
    slow = Linear(512, 512, rate=0.01)
    assert slow.weight.std().item() == pytest.approx(100, abs=2)
    assert slow(torch.randn(64, 512)).std().item() == pytest.approx(1, abs=0.1)


def test_a_batch_of_one_picture_is_seen_as_one() -> None:
    """Karras et al. 2018, section 3: a generator that always draws the same face has no deviation."""
    torch.manual_seed(0)
    layer, maps = MinibatchDeviation(), torch.randn(16, 32, 4, 4)
    found = layer(maps)
    assert torch.equal(found[:, :32], maps)
    torch.testing.assert_close(found[:, 32], found[:1, 32].expand(16, 4, 4))
    assert found[0, 32, 0, 0].item() == pytest.approx(1, abs=0.1)
    assert layer(maps[:1].expand(16, -1, -1, -1))[:, 32].max().item() < 1e-3


def trained() -> nn.Module:
    """A generator whose mean style is that of many batches."""
    torch.manual_seed(0)
    generator = SMALL.build(8)[0]
    for _ in range(1000):
        generator.get_submodule("mapping")(torch.randn(16, 8))
    return generator.eval()


def test_the_length_of_a_latent_is_its_truncation() -> None:
    """Karras et al. 2019, appendix B: psi is the part of the way from the mean style."""
    generator = trained()
    mapping, z = generator.get_submodule("mapping"), torch.randn(1000, 8)
    styles, mean = mapping(z), mapping.get_buffer("mean")
    torch.testing.assert_close(mapping(0.5 * z), (styles + mean) / 2)
    apart = (styles.mean(0) - mean).norm() / (styles - mean).norm(dim=1).mean()
    assert apart.item() < 0.2
    spread = [generator(scale * z[:64]).std(0).mean().item() for scale in (1.0, 0.5, 0.0)]
    assert spread[0] > spread[1] > spread[2]
    assert spread[2] < 1e-3


def test_in_training_only_the_direction_of_a_latent_counts() -> None:
    generator = trained().train()
    z = torch.randn(4, 8)
    torch.testing.assert_close(generator(z), generator(3 * z))


def test_untrained_pictures_and_logits_have_ordinary_sizes() -> None:
    torch.manual_seed(0)
    generator, discriminator = StyleGAN2(
        generator_widths=(64, 64, 64), discriminator_widths=(64, 64, 64)
    ).build(64)
    faces = generator(torch.randn(64, 64))
    assert 0.3 < faces.std().item() < 0.9
    assert 0.01 < discriminator(faces).std().item() < 3


def test_other_sizes_repeat_the_innermost_maps() -> None:
    larger = SMALL.resized(64)
    assert (larger.size, larger.downsamplings) == (64, 4)
    assert larger.generator_widths == (16, 16, 16, 8, 8)
    assert larger.discriminator_widths == (8, 8, 16, 16, 16)
    assert larger.resized(16) == SMALL
