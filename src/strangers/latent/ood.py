"""Strangeness: whether a photograph is a face at all, cropped as the model's photographs were."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from strangers.images import Pixels
from strangers.sampling.model import Model

OWN_FACES = 256
"""The model's faces that a photograph is held against: those of the seeds from 0."""

GRID = 16
MIDDLE = (slice(3, 15), slice(4, 12))
"""The part of a picture, in rows and columns of GRID, where the face is and hair and background are not."""

SHRINKAGE = 0.3
"""Of the covariance toward a sphere: 96 numbers are many for 256 faces."""

OOD_THRESHOLD = 1.73
"""Above it a photograph is warned of. Of 96 held-out photographs of CelebA one in twenty lay above it."""


def ood_score(model: Model, photograph: Pixels) -> float:
    """How far a photograph (size, size, 3) lies from the model's own faces, in their own median distance.

    Compared are the patterns of light in the middle of the pictures, without their brightness and contrast:
    where eyes, nose and mouth are dark or light. The distance is Mahalanobis's.
    docs/how-to/sample-and-edit.md has its values for photographs and for other pictures.
    """
    own = _patterns(model.sample(range(OWN_FACES)))
    mean = own.mean(axis=0)
    covariance = np.cov(own.T)
    size = len(mean)
    covariance += (SHRINKAGE * np.trace(covariance) / size + 1e-9) * np.eye(size)
    inverse = np.linalg.inv(covariance)

    def distance(patterns: NDArray[np.float64]) -> NDArray[np.float64]:
        away = patterns - mean
        squared: NDArray[np.float64] = np.einsum("ij,jk,ik->i", away, inverse, away)
        return np.sqrt(squared)

    typical = max(float(np.median(distance(own))), 1e-9)
    return float(distance(_patterns(photograph[None]))[0]) / typical


def _patterns(pixels: Pixels) -> NDArray[np.float64]:
    """Light in the middle of pictures (n, h, w, 3), as (n, 96) vectors of mean 0 and length 1."""
    light = torch.from_numpy(pixels.mean(axis=3, dtype=np.float32))
    coarse = torch.nn.functional.adaptive_avg_pool2d(light[:, None], GRID)[:, 0].numpy().astype(np.float64)
    flat = coarse[:, *MIDDLE].reshape(len(pixels), -1)
    flat -= flat.mean(axis=1, keepdims=True)
    unit: NDArray[np.float64] = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)
    return unit
