"""The networks: one family per file, each a frozen configuration that builds (generator, discriminator)."""

from __future__ import annotations

from strangers.networks.architecture import ARCHITECTURES, Architecture, Network
from strangers.networks.dcgan import DCGAN
from strangers.networks.dense import Dense
from strangers.networks.r3gan import R3GAN
from strangers.networks.resnet import ResNet
from strangers.networks.style import StyleGAN2

__all__ = ["ARCHITECTURES", "Architecture", "Network"]

ARCHITECTURES |= {"dcgan": DCGAN, "dense": Dense, "resnet": ResNet, "r3gan": R3GAN, "stylegan2": StyleGAN2}
