"""What a common tutorial does: the yardstick that our speed is given against. Plain on purpose."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from strangers.recipe import Recipe, build_networks


def prepared_face(data: bytes, size: int) -> NDArray[np.uint8]:
    """Decode, centre crop 178 and resize with Pillow's Lanczos filter: one photograph of 178x218."""
    photograph = Image.open(io.BytesIO(data)).convert("RGB")
    width, height = photograph.size
    left, top = (width - 178) // 2, (height - 178) // 2
    face = photograph.crop((left, top, left + 178, top + 178)).resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(face)


def training_step(recipe: Recipe) -> Callable[[Tensor], None]:
    """The tutorial's step on the recipe's networks: float32, NCHW, eager, three backward passes."""
    torch.manual_seed(0)
    generator, discriminator = build_networks(recipe)
    optimisers = [
        torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999))
        for network in (generator, discriminator)
    ]

    def step(real: Tensor) -> None:
        ones, zeros = torch.ones(len(real)), torch.zeros(len(real))
        discriminator.zero_grad()
        binary_cross_entropy_with_logits(discriminator(real), ones).backward()  # type: ignore[no-untyped-call]
        fake = generator(torch.randn(len(real), recipe.latent_size))
        binary_cross_entropy_with_logits(discriminator(fake.detach()), zeros).backward()  # type: ignore[no-untyped-call]
        optimisers[1].step()
        generator.zero_grad()
        binary_cross_entropy_with_logits(discriminator(fake), ones).backward()  # type: ignore[no-untyped-call]
        optimisers[0].step()

    return step
