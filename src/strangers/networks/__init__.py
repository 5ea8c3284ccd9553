"""The networks: one family a file, each a frozen configuration that builds (generator, discriminator).

A generator takes latents (n, latent_size) and returns images (n, 3, size, size) in [-1, 1].
A discriminator takes such images and returns one logit each, (n,): above zero it takes the image for real.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from strangers.networks.dcgan import DCGAN
from strangers.networks.dense import Dense

ARCHITECTURES = {
    "dcgan": DCGAN,
    "dense": Dense,
}
"""Every architecture by the name that a recipe gives it."""

Network = Annotated[DCGAN | Dense, Field(discriminator="architecture")]
"""The configuration of any architecture; the field `architecture` tells which."""
