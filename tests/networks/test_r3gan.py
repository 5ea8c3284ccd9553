"""R3GAN's networks begin as the papers say: blocks that change nothing, and outputs of ordinary size."""

from __future__ import annotations

import torch

from strangers.networks.r3gan import R3GAN, Block

SMALL = R3GAN(widths=(32, 16, 16))


def test_an_untrained_block_is_the_identity() -> None:
    """Zhang et al. 2019, section 3: the last layer of each residual branch begins at zero."""
    generator, discriminator = SMALL.build(8)
    blocks = [
        layer
        for network in (generator, discriminator)
        for layer in network.modules()
        if isinstance(layer, Block)
    ]
    assert len(blocks) == 2 * 3 * SMALL.blocks
    for block in blocks:
        features = torch.randn(2, block.widen.in_channels, 4, 4)
        assert torch.equal(block(features), features)


def test_depth_makes_the_blocks_weights_smaller() -> None:
    """Zhang et al. 2019: by the number of blocks to the power of -1/4, for three layers in each."""
    shallow, deep = (R3GAN(widths=(64, 64), blocks=blocks).build(8)[0] for blocks in (1, 16))
    deviations = [
        next(layer for layer in network.modules() if isinstance(layer, Block)).widen.weight.std().item()
        for network in (shallow, deep)
    ]
    assert 1.9 < deviations[0] / deviations[1] < 2.1


def test_untrained_pictures_and_logits_have_ordinary_sizes() -> None:
    torch.manual_seed(0)
    generator, discriminator = R3GAN(widths=(64, 64, 64)).build(64)
    faces = generator(torch.randn(64, 64))
    assert 0.3 < faces.std().item() < 0.9
    assert 0.1 < discriminator(faces).std().item() < 3


def test_a_patch_makes_the_picture_larger_and_leaves_the_maps_alone() -> None:
    whole, patched = R3GAN(widths=(16, 16, 16)), R3GAN(widths=(16, 16), patch=2)
    assert whole.size == patched.size == 16
    faces = patched.build(8)[0](torch.randn(2, 8))
    assert faces.shape == (2, 3, 16, 16)
    assert patched.build(8)[1](faces).shape == (2,)
