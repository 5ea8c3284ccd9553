"""The networks: one family per file, each a frozen configuration that builds (generator, discriminator).

A generator takes latents (n, latent_size) and returns images (n, 3, size, size) in [-1, 1].
A discriminator takes such images and returns logits (n,); positive means real.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from strangers.networks.dcgan import DCGAN
from strangers.networks.dense import Dense
from strangers.networks.r3gan import R3GAN
from strangers.networks.resnet import ResNet

ARCHITECTURES = {
    "dcgan": DCGAN,
    "dense": Dense,
    "resnet": ResNet,
    "r3gan": R3GAN,
}
"""All architectures by their name in a recipe."""

Network = Annotated[DCGAN | Dense | ResNet | R3GAN, Field(discriminator="architecture")]
"""The configuration of any architecture, discriminated by the field `architecture`."""
