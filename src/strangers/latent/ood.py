"""Out-of-distribution score: how unlike an upright, centered face a photograph is, seen as a model sees it.

A logistic regression on the features of the attribute network tells the model's own faces, varied as
photographs vary, from the same faces turned, shrunk, enlarged or moved away, and from pictures without a
face. So it needs no photographs, and fits a model's crop.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from strangers.evaluation.attributes import Attributes, load_attributes
from strangers.images import Pixels
from strangers.latent.directions import fit_classifier
from strangers.sampling.load import BUNDLED_MODELS
from strangers.sampling.model import Model
from strangers.system.cache import Cached, cached

OOD_FORMAT = 1

OWN_FACES = 128
"""The faces of seeds 0 to 127 are varied, five times each."""

OOD_THRESHOLD = 0.15
"""Scores above it cause a warning; docs/how-to/sample-and-edit.md has the shares by kind of picture."""


class Pose(NamedTuple):
    """The size of a face in a picture, its angle in radians, and its shift as shares of the picture."""

    scale: float
    angle: float
    x: float
    y: float


def ood_score(model: Model, photograph: Pixels) -> float:
    """Return the probability, in [0, 1], that a photograph is no upright, centered face.

    photograph: uint8 (size, size, 3). The classifier of a model is fitted once, in seconds, and cached.
    """
    return float(ood_scores(model, photograph[None])[0])


def ood_scores(model: Model, photographs: Pixels) -> NDArray[np.float64]:
    """Return the scores (n,) of photographs, uint8 (n, size, size, 3); see `ood_score`."""
    network = load_attributes()
    key = {"format": OOD_FORMAT, "model": model.hash, "network": network.hash, "faces": OWN_FACES}
    found = cached("ood", key, lambda: _fit(model, network), bundled=BUNDLED_MODELS / "ood").arrays
    logits = network(photographs).astype(np.float64) @ found["weights"] + found["bias"]
    scores: NDArray[np.float64] = 1 / (1 + np.exp(np.minimum(logits, 700)))
    return scores


def _fit(model: Model, network: Attributes) -> Cached:
    """Fit the classifier: weights (256,) and bias (1,) of the logit of a face."""
    random = np.random.Generator(np.random.Philox(key=0))
    own = model.sample(range(OWN_FACES))
    faces = [face for each in own for face in (each, _varied(each, random), _varied(each, random))]
    others = [other for each in own for other in _others(each, random)]
    features = network(np.array(faces + others)).astype(np.float64)
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    weights, bias = fit_classifier((features - mean) / scale, np.arange(len(features)) < len(faces))
    weights /= scale
    return Cached({"weights": weights, "bias": np.array([bias - weights @ mean])}, {})


def _varied(face: Pixels, random: np.random.Generator) -> Pixels:
    """Return a face as another photograph might have it: gray, darker, larger or smaller, tilted, shifted."""
    if random.random() < 0.4:
        face = face.mean(axis=2, keepdims=True).astype(np.uint8).repeat(3, axis=2)
    contrast, light = random.uniform(0.6, 1.3), random.uniform(-30, 30)
    face = np.clip((face - 128.0) * contrast + 128 + light, 0, 255).astype(np.uint8)
    pose = Pose(random.uniform(0.8, 1.5), random.uniform(-0.2, 0.2), *random.uniform(-0.09, 0.09, 2))
    return _posed(face, pose, random)


def _others(face: Pixels, random: np.random.Generator) -> list[Pixels]:
    """Return what is no upright, centered face: one turned, small, moved away, cut out; and none at all."""
    direction, distance = random.uniform(0, 2 * np.pi), random.uniform(0.4, 0.6)
    away = (distance * np.cos(direction), distance * np.sin(direction))
    poses = [
        Pose(random.uniform(0.8, 1.3), np.pi * random.uniform(0.4, 1.6), 0, 0),
        Pose(random.uniform(0.3, 0.55), random.uniform(-0.2, 0.2), *random.uniform(-0.1, 0.1, 2)),
        Pose(random.uniform(0.9, 1.6), 0, *away),
        Pose(random.uniform(2.2, 3.5), 0, *random.uniform(-0.6, 0.6, 2)),
    ]
    return [*(_posed(face, pose, random) for pose in poses), _faceless(len(face), random)]


def _posed(face: Pixels, pose: Pose, random: np.random.Generator) -> Pixels:
    """Return a face in another pose, before a background of a random color."""
    size = len(face)
    middle = (size - 1) / 2
    cosine, sine = math.cos(pose.angle) / pose.scale, math.sin(pose.angle) / pose.scale
    x, y = middle + pose.x * size, middle + pose.y * size
    matrix = (cosine, sine, middle - cosine * x - sine * y, -sine, cosine, middle + sine * x - cosine * y)
    picture = Image.fromarray(face).transform(
        (size, size), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC, fillcolor=_color(random)
    )
    return np.asarray(picture)


def _faceless(size: int, random: np.random.Generator) -> Pixels:
    """Return a picture without a face: one color, noise, or soft patches."""
    kind = random.integers(4)
    if kind == 0:
        return np.full((size, size, 3), _color(random), np.uint8)
    if kind == 1:
        return random.integers(0, 256, (size, size, 3)).astype(np.uint8)
    patches: NDArray[np.uint8] = random.integers(0, 256, (*random.integers(2, 12, 2), 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(patches).resize((size, size), Image.Resampling.BICUBIC))


def _color(random: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = random.integers(0, 256, 3).tolist()
    return red, green, blue
