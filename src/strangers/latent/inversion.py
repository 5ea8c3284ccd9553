"""Inversion: the latent whose face is most like a photograph.

Zhu et al. 2016, "Generative visual manipulation on the natural image manifold", section 3.1: gradient descent
on the latent, for a loss of pixels and of features. Theirs are ImageNet's; ours are the attribute network's,
which were learnt from faces. Descent finds the nearest valley only, so it begins at several of the model's
own faces, those most like the photograph.
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
"""The model's own faces among which the starts are chosen; they also say how far faces lie apart."""

STEP_SIZE = 0.1
"""Of Adam in the beginning; it falls to 0 along half a cosine."""

FEATURE_WEIGHT = 0.1
"""Of the squared feature distance of two faces, beside the mean squared error of pixels in [-1, 1]."""

REPORTED = 10
"""Steps between two reports."""

FARTHEST = 2.0
"""How much longer than the typical latent, sqrt(latent_size), one may become: one in 400 drawn ones is."""


@dataclass(frozen=True)
class Inversion:
    """The best latent so far.

    Attributes:
        step, steps: how far the search is.
        latent: (latent_size,), float32.
        image_error: root-mean-square difference of the face's pixels to the photograph's, in levels of 255.
        feature_error: distance of their features, in that of two of the model's faces: at 1 it is somebody
            else.
        face: what the model draws of the latent, uint8 (size, size, 3).
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
    """Search for the latent of a photograph; yields the best one every few steps. The last is the result.

    photograph: uint8 (size, size, 3), cropped and sized as the model's photographs were.
    starts: of the model's faces, the most like the photograph of CANDIDATES, from which the search begins.
    seed: of the first of those faces.
    Raises UsageError for another size, or numbers that cannot be.
    """
    size = model.header.size
    if photograph.shape != (size, size, 3) or photograph.dtype != np.uint8:
        raise UsageError(
            f"This model's photographs are uint8 ({size}, {size}, 3), "
            f"not {photograph.dtype} {photograph.shape}."
        )
    if not (1 <= starts <= CANDIDATES and steps >= 1 and 0 <= seed <= SEEDS - CANDIDATES):
        raise UsageError(
            f"An inversion has 1 to {CANDIDATES} starts, at least one step, "
            f"and a seed from 0 to {SEEDS - CANDIDATES}."
        )
    return _search(model, photograph, starts, steps, seed)


def _search(model: Model, photograph: Pixels, starts: int, steps: int, seed: int) -> Iterator[Inversion]:
    device = next(model.generator.parameters()).device
    network = load_attributes(device=str(device))
    aim = _Aim.at(model, network, photograph, seed)
    z = torch.from_numpy(aim.nearest(starts)).to(device)
    optimizer = torch.optim.Adam([z], lr=STEP_SIZE, betas=(0.9, 0.99))
    best, lowest = z[0].cpu().numpy(), math.inf
    for step in range(1, steps + 1):
        optimizer.param_groups[0]["lr"] = STEP_SIZE * (1 + math.cos(math.pi * (step - 1) / steps)) / 2
        z.requires_grad_()
        losses = aim.losses(model.generator(z))
        found = int(losses.argmin())
        if float(losses.detach()[found]) < lowest:
            best, lowest = z[found].detach().cpu().numpy().copy(), float(losses.detach()[found])
        z.grad = torch.autograd.grad(losses.sum(), z)[0]
        optimizer.step()
        with torch.no_grad():
            settle(z, model.recipe.latent)
        if step % REPORTED == 0 or step == steps:
            yield aim.inversion(step, steps, best)


@dataclass(frozen=True)
class _Aim:
    """What the search is for, and by what it is measured."""

    model: Model
    network: Attributes
    photograph: Pixels
    image: Tensor  # (1, 3, size, size)
    features: Tensor  # (1, 256)
    apart: float  # mean distance of two of the model's faces, in features
    candidates: NDArray[np.float32]  # latents

    @classmethod
    def at(cls, model: Model, network: Attributes, photograph: Pixels, seed: int) -> _Aim:
        candidates = latents(range(seed, seed + CANDIDATES), model.recipe.latent_size, model.recipe.latent)
        features = network(model.decode(candidates))
        apart = float(np.linalg.norm(features[1:] - features[:-1], axis=1).mean())
        device = network.network.head.weight.device
        image = to_signed(torch.from_numpy(photograph[None].copy()).to(device))
        return cls(
            model, network, photograph, image, torch.from_numpy(network(photograph[None])).to(device),
            max(apart, 1e-6), candidates,
        )  # fmt: skip

    def losses(self, images: Tensor) -> Tensor:
        """Of each image (n, 3, size, size): how unlike the photograph it is, (n,)."""
        features: Tensor = self.network.network(to_size(images))[0]
        of_pixels = (images - self.image).square().mean((1, 2, 3))
        of_features = (features - self.features).square().sum(1) / self.apart**2
        loss: Tensor = of_pixels + FEATURE_WEIGHT * of_features
        return loss

    def nearest(self, count: int) -> NDArray[np.float32]:
        """The latents of the `count` candidates whose faces are most like the photograph."""
        losses = []
        device = self.image.device
        with torch.no_grad():
            for part in torch.from_numpy(self.candidates).split(32):  # type: ignore[no-untyped-call]
                losses.append(self.losses(self.model.generator(part.to(device))).cpu())
        chosen: NDArray[np.float32] = self.candidates[torch.cat(losses).argsort()[:count].numpy()]
        return chosen

    def inversion(self, step: int, steps: int, latent: NDArray[np.float32]) -> Inversion:
        """The errors of the face that the model draws, rounded to bytes as everybody sees it."""
        face = self.model.decode(latent[None])[0]
        difference = face.astype(np.float64) - self.photograph
        features = torch.from_numpy(self.network(face[None])).to(self.features.device)
        return Inversion(
            step=step,
            steps=steps,
            latent=latent,
            image_error=float(np.sqrt((difference**2).mean())),
            feature_error=float(torch.linalg.vector_norm(features - self.features)) / self.apart,
            face=face,
        )


def settle(z: Tensor, distribution: Distribution) -> None:
    """Put latents (n, d) that have left the region where a model's own latents lie back to its edge."""
    if distribution == "uniform":
        z.clamp_(-1, 1)
    else:
        farthest = math.sqrt(z.shape[1]) + FARTHEST
        z.mul_((farthest / z.norm(dim=1, keepdim=True).clamp_min(1e-12)).clamp_max(1))
