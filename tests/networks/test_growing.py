"""Networks that grow: every size is whole, and at the moment of growing they do what they did before."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from strangers.networks.growing import Growing, GrowingGenerator


def networks(growths: int) -> tuple[GrowingGenerator, torch.nn.Module]:
    torch.manual_seed(0)
    generator, discriminator = Growing(widths=(32, 16, 16, 8), growths=growths).build(8)
    assert isinstance(generator, GrowingGenerator)
    return generator, discriminator


def latents() -> Tensor:
    return torch.randn(4, 8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("growths", [0, 1, 2, 3])
def test_every_size_from_the_smallest_to_the_grown_one(growths: int) -> None:
    generator, discriminator = networks(growths)
    assert generator.grown == growths
    for grown in range(growths + 1):
        generator.grown = grown
        faces = generator(latents())
        size = 64 >> (growths - grown)
        assert faces.shape == (4, 3, size, size)
        assert discriminator(faces).shape == (4,)


def test_untrained_details_only_enlarge() -> None:
    generator, _ = networks(1)
    generator.eval()
    pictures = []
    for grown in (0, 1):
        generator.grown = grown
        pictures.append(torch.atanh(generator(latents())))
    enlarged = interpolate(pictures[0], scale_factor=2.0, mode="bilinear", align_corners=False)
    torch.testing.assert_close(pictures[1], enlarged, rtol=1e-3, atol=1e-4)


def test_an_untrained_discriminator_sees_a_large_picture_as_the_small_one() -> None:
    _, discriminator = networks(2)
    large = torch.rand(4, 3, 64, 64) * 2 - 1
    logits = discriminator(large)
    torch.testing.assert_close(discriminator(avg_pool2d(large, 2)), logits)
    torch.testing.assert_close(discriminator(avg_pool2d(large, 4)), logits)


def test_what_has_not_grown_yet_has_no_gradient() -> None:
    generator, discriminator = networks(1)
    for grown in (0, 1):
        generator.grown = grown
        discriminator(generator(latents())).sum().backward()
        for network in (generator, discriminator):
            touched = [p.grad is not None for name, p in network.named_parameters() if "details" in name]
            assert all(touched) if grown else not any(touched)
