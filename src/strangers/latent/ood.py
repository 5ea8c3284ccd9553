"""Out-of-distribution score: how far a photograph lies from the faces that a model draws."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from strangers.images import Pixels
from strangers.sampling.model import Model

OWN_FACES = 256
"""The photograph is compared with the model's faces of the seeds 0 to 255."""

GRID = 16
FACE_CELLS = (slice(3, 15), slice(4, 12))
"""Rows and columns of the GRID x GRID picture that show the face, not hair or background."""

SHRINKAGE = 0.3
"""Weight of the multiple of the identity in the covariance: 96 dimensions are many for 256 faces."""

OOD_THRESHOLD = 1.73
"""Scores above it cause a warning. One in twenty of 96 held-out CelebA photographs scores above it."""


def ood_score(model: Model, photograph: Pixels) -> float:
    """Return the Mahalanobis distance of a photograph to the model's faces, divided by their median distance.

    photograph: uint8 (size, size, 3).
    The features are the coarse luminance pattern of the face region, normalized for brightness and contrast.
    A model's own faces score about 1. docs/how-to/sample-and-edit.md has the scores of other pictures.
    """
    own = _patterns(model.sample(range(OWN_FACES)))
    mean = own.mean(axis=0)
    covariance = np.cov(own.T)
    size = len(mean)
    covariance += (SHRINKAGE * np.trace(covariance) / size + 1e-9) * np.eye(size)
    inverse = np.linalg.inv(covariance)

    def distance(patterns: NDArray[np.float64]) -> NDArray[np.float64]:
        difference = patterns - mean
        squared: NDArray[np.float64] = np.einsum("ij,jk,ik->i", difference, inverse, difference)
        return np.sqrt(squared)

    typical = max(float(np.median(distance(own))), 1e-9)
    return float(distance(_patterns(photograph[None]))[0]) / typical


def _patterns(pixels: Pixels) -> NDArray[np.float64]:
    """Luminance patterns of the face region: (n, h, w, 3) -> (n, 96), each of mean 0 and length 1."""
    light = torch.from_numpy(pixels.mean(axis=3, dtype=np.float32))
    coarse = torch.nn.functional.adaptive_avg_pool2d(light[:, None], GRID)[:, 0].numpy().astype(np.float64)
    flat = coarse[:, *FACE_CELLS].reshape(len(pixels), -1)
    flat -= flat.mean(axis=1, keepdims=True)
    unit: NDArray[np.float64] = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)
    return unit
