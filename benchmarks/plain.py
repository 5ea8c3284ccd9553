"""The training of a common tutorial: the yardstick that our speed is given against. Plain on purpose."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader, Dataset

from strangers.recipes.recipe import Recipe, build_networks

CPU = torch.device("cpu")

WORKERS = 2
"""Processes that decode photographs while the networks train."""


def prepared_face(data: bytes, size: int) -> NDArray[np.uint8]:
    """Decode, center crop 178 and resize with Pillow's Lanczos filter: one photograph of 178x218."""
    photograph = Image.open(io.BytesIO(data)).convert("RGB")
    width, height = photograph.size
    left, top = (width - 178) // 2, (height - 178) // 2
    face = photograph.crop((left, top, left + 178, top + 178)).resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(face)


def training_step(recipe: Recipe, device: torch.device = CPU) -> Callable[[Tensor], None]:
    """The tutorial's step on the recipe's networks: float32, NCHW, eager, three backward passes."""
    torch.manual_seed(0)
    generator, discriminator = (network.to(device) for network in build_networks(recipe))
    optimizers = [
        torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999))
        for network in (generator, discriminator)
    ]

    def step(real: Tensor) -> None:
        ones, zeros = torch.ones(len(real), device=device), torch.zeros(len(real), device=device)
        discriminator.zero_grad()
        binary_cross_entropy_with_logits(discriminator(real), ones).backward()  # type: ignore[no-untyped-call]
        fake = generator(torch.randn(len(real), recipe.latent_size, device=device))
        binary_cross_entropy_with_logits(discriminator(fake.detach()), zeros).backward()  # type: ignore[no-untyped-call]
        optimizers[1].step()
        generator.zero_grad()
        binary_cross_entropy_with_logits(discriminator(fake), ones).backward()  # type: ignore[no-untyped-call]
        optimizers[0].step()

    return step


class Photographs(Dataset[Tensor]):
    """Photographs in memory, decoded, cropped and resized whenever they are asked for."""

    def __init__(self, files: list[bytes], count: int, size: int) -> None:
        self.files, self.count, self.size = files, count, size

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, position: int) -> Tensor:
        face = prepared_face(self.files[position % len(self.files)], self.size)
        return torch.from_numpy(face.copy()).permute(2, 0, 1).float() / 127.5 - 1


def epoch(recipe: Recipe, files: list[bytes], count: int) -> Callable[[], None]:
    """An epoch over `count` photographs: a DataLoader decodes them, the step above learns from them.

    The workers stay from epoch to epoch: in a long epoch, their start counts for nothing.
    """
    loader = DataLoader(
        Photographs(files, count, recipe.size),
        recipe.batch,
        shuffle=True,
        drop_last=True,
        num_workers=WORKERS,
        persistent_workers=True,
    )
    step = training_step(recipe)

    def run() -> None:
        for real in loader:
            step(real)

    return run


def sampler(recipe: Recipe, batch: int) -> Callable[[int], NDArray[np.uint8]]:
    """Faces from random latents, `batch` at once: float32, NCHW."""
    generator, _ = build_networks(recipe)
    generator.eval()

    @torch.no_grad()
    def sample(count: int) -> NDArray[np.uint8]:
        faces = [
            generator(torch.randn(min(batch, count), recipe.latent_size)) for _ in range(0, count, batch)
        ]
        pixels = ((torch.cat(faces) + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        return pixels.permute(0, 2, 3, 1).numpy()

    return sample


def save(path: Path, recipe: Recipe) -> None:
    """The generator's weights as a pickle."""
    torch.save(build_networks(recipe)[0].state_dict(), path)


def load(path: Path, recipe: Recipe) -> nn.Module:
    """Build the networks and read the generator's pickle."""
    generator, _ = build_networks(recipe)
    generator.load_state_dict(torch.load(path))
    return generator.eval()
