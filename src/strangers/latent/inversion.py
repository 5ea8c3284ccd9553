"""Inversion: the latent whose face is most similar to a photograph.

Gradient descent on the latent for a loss of pixels and features (Zhu et al. 2016, "Generative visual
manipulation on the natural image manifold", section 3.1). The features are those of the attribute network,
which was trained on faces. Descent finds local minima only, so it starts from several of the model's own
faces, those most similar to the photograph.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from strangers.errors import UsageError
from strangers.evaluation.attributes import Attributes, load_attributes, to_size
from strangers.images import Pixels, to_signed
from strangers.sampling.latents import SEEDS, Distribution, latents
from strangers.sampling.model import Model

CANDIDATES = 256
"""The model's own faces from which the starts are chosen. Feature distances are relative to theirs."""

STEP_SIZE = 0.1
"""Initial learning rate of Adam; it falls to 0 along half a cosine."""

FEATURE_WEIGHT = 0.1
"""Weight of the squared relative feature distance in the loss, where the pixels' mean squared error has 1."""

STEPS_PER_REPORT = 10

MAX_EXCESS_NORM = 2.0
"""Bound on a normal latent's length beyond the typical sqrt(latent_size); one sampled latent in 400 exceeds
it."""


@dataclass(frozen=True)
class Inversion:
    """The best latent so far.

    Attributes:
        step, steps: progress of the search.
        latent: float32 (latent_size,).
        image_error: root mean square difference of the pixels of face and photograph, in levels of 255.
        feature_error: distance of their features, divided by the mean distance of two of the model's faces:
            1 is a different person.
        face: the face of the latent, uint8 (size, size, 3).
    """

    step: int
    steps: int
    latent: NDArray[np.float32]
    image_error: float
    feature_error: float
    face: Pixels


def invert(
    model: Model, photograph: Pixels, *, starts: int = 4, steps: int = 200, seed: int = 0
) -> Iterator[Inversion]:
    """Search for the latent of a photograph, yielding the best so far every ten steps and at the end.

    photograph: uint8 (size, size, 3), cropped and resized as the model's training pictures.
    starts: number of descents, from the most similar of 256 candidate faces.
    seed: of the first candidate; the others follow.
    Raises UsageError for a photograph of another size and for numbers out of range.
    """
    size = model.header.size
    if photograph.shape != (size, size, 3) or photograph.dtype != np.uint8:
        raise UsageError(
            f"The photograph must be uint8 ({size}, {size}, 3) for this model "
            f"(got {photograph.dtype} {photograph.shape})."
        )
    if not (1 <= starts <= CANDIDATES and steps >= 1 and 0 <= seed <= SEEDS - CANDIDATES):
        raise UsageError(
            f"An inversion needs 1 to {CANDIDATES} starts, at least one step, "
            f"and a seed from 0 to {SEEDS - CANDIDATES}."
        )
    return _search(model, photograph, starts, steps, seed)


def _search(model: Model, photograph: Pixels, starts: int, steps: int, seed: int) -> Iterator[Inversion]:
    device = next(model.generator.parameters()).device
    network = load_attributes(device=str(device))
    target = _Target.of(model, network, photograph, seed)
    z = torch.from_numpy(target.nearest(starts)).to(device)
    optimizer = torch.optim.Adam([z], lr=STEP_SIZE, betas=(0.9, 0.99))
    best, lowest = z[0].cpu().numpy(), math.inf
    for step in range(1, steps + 1):
        optimizer.param_groups[0]["lr"] = STEP_SIZE * (1 + math.cos(math.pi * (step - 1) / steps)) / 2
        z.requires_grad_()
        losses = target.losses(model.generator(z))
        row = int(losses.argmin())
        if float(losses.detach()[row]) < lowest:
            best, lowest = z[row].detach().cpu().numpy().copy(), float(losses.detach()[row])
        z.grad = torch.autograd.grad(losses.sum(), z)[0]
        optimizer.step()
        with torch.no_grad():
            clip_to_prior(z, model.recipe.latent)
        if step % STEPS_PER_REPORT == 0 or step == steps:
            yield target.inversion(step, steps, best)


@dataclass(frozen=True)
class _Target:
    """The photograph and the loss that compares faces with it."""

    model: Model
    network: Attributes
    photograph: Pixels
    image: Tensor  # (1, 3, size, size)
    features: Tensor  # (1, 256)
    scale: float  # mean feature distance of two of the model's faces
    candidates: NDArray[np.float32]  # latents

    @classmethod
    def of(cls, model: Model, network: Attributes, photograph: Pixels, seed: int) -> _Target:
        candidates = latents(range(seed, seed + CANDIDATES), model.recipe.latent_size, model.recipe.latent)
        features = network(model.decode(candidates))
        scale = float(np.linalg.norm(features[1:] - features[:-1], axis=1).mean())
        device = network.network.head.weight.device
        image = to_signed(torch.from_numpy(photograph[None].copy()).to(device))
        return cls(
            model, network, photograph, image, torch.from_numpy(network(photograph[None])).to(device),
            max(scale, 1e-6), candidates,
        )  # fmt: skip

    def losses(self, images: Tensor) -> Tensor:
        """Losses (n,) of images (n, 3, size, size)."""
        features: Tensor = self.network.network(to_size(images))[0]
        of_pixels = (images - self.image).square().mean((1, 2, 3))
        of_features = (features - self.features).square().sum(1) / self.scale**2
        loss: Tensor = of_pixels + FEATURE_WEIGHT * of_features
        return loss

    def nearest(self, count: int) -> NDArray[np.float32]:
        """Return the latents (count, latent_size) of the most similar candidates."""
        losses = []
        device = self.image.device
        with torch.no_grad():
            for part in torch.from_numpy(self.candidates).split(32):  # type: ignore[no-untyped-call]
                losses.append(self.losses(self.model.generator(part.to(device))).cpu())
        chosen: NDArray[np.float32] = self.candidates[torch.cat(losses).argsort()[:count].numpy()]
        return chosen

    def inversion(self, step: int, steps: int, latent: NDArray[np.float32]) -> Inversion:
        """Draw the latent's face, rounded to bytes, and measure its errors."""
        face = self.model.decode(latent[None])[0]
        difference = face.astype(np.float64) - self.photograph
        features = torch.from_numpy(self.network(face[None])).to(self.features.device)
        return Inversion(
            step=step,
            steps=steps,
            latent=latent,
            image_error=float(np.sqrt((difference**2).mean())),
            feature_error=float(torch.linalg.vector_norm(features - self.features)) / self.scale,
            face=face,
        )


def clip_to_prior(z: Tensor, distribution: Distribution) -> None:
    """Project latents (n, d), in place, onto the region that holds nearly all of the prior."""
    if distribution == "uniform":
        z.clamp_(-1, 1)
    else:
        longest = math.sqrt(z.shape[1]) + MAX_EXCESS_NORM
        z.mul_((longest / z.norm(dim=1, keepdim=True).clamp_min(1e-12)).clamp_max(1))
