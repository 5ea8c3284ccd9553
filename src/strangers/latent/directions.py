"""Attribute directions: edit directions in a model's latent space, such as Smiling or Eyeglasses.

A linear classifier is fitted per attribute in latent space, and its normal is the edit direction (Shen et al.
2020, "Interpreting the latent space of GANs for semantic face editing", section 3). The labels are the
attribute network's predictions for the model's own faces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from strangers.errors import MAX_LISTED, UsageError, did_you_mean, same_name
from strangers.evaluation.attributes import LISTING, SHORT_FORMS, Attributes, load_attributes
from strangers.sampling.latents import Distribution, latents
from strangers.sampling.load import BUNDLED_MODELS
from strangers.sampling.model import Model
from strangers.system.cache import Cached, cached

DIRECTIONS_FORMAT = 3

LABELED_FACES = 10_000
"""Default number of faces that the attribute network labels."""

HELD_OUT_EVERY = 5
"""Every fifth face is held out to measure the accuracy of the classifiers."""

MIN_FACES = 50
"""An attribute that fewer faces have, or lack, gets no direction."""

RIDGE = 0.03
"""Weight of the squared length of a classifier's weights in its loss."""

NEWTON_STEPS = 50
"""Upper bound on Newton steps; a convex function of about a hundred numbers needs about eight."""

MIN_RESIDUAL = 0.01
"""A unit vector whose residual is shorter than this lies in the span of the others."""


@dataclass(frozen=True)
class Directions:
    """A model's attribute directions, most accurate first.

    Attributes:
        names: of k attributes.
        vectors: float32 (k, latent_size), unit length; moving along one adds its attribute.
        accuracies: balanced accuracy of each classifier on held-out faces, in [0, 1]; 0.5 is chance.
            `orthogonal_to` does not change them.
        latent: the distribution of the model's latents.
        omitted: attributes that fewer than MIN_FACES faces have, or lack.
        count: number of labeled faces.
    """

    names: tuple[str, ...]
    vectors: NDArray[np.float32]
    accuracies: tuple[float, ...]
    latent: Distribution
    omitted: tuple[str, ...] = ()
    count: int = 0

    def edit(self, z: NDArray[np.float32], strengths: Mapping[str, float]) -> NDArray[np.float32]:
        """Move latents `z` (n, latent_size) along directions and return them as float32.

        strengths: by attribute, in standard deviations of the latents; -3 to 3 keeps faces plausible.
        A normal latent keeps its length and a uniform one stays within [-1, 1], because the generator
        was trained on such latents only. Raises UsageError for an attribute without a direction.
        """
        size = self.vectors.shape[1]
        if z.ndim != 2 or z.shape[1] != size:
            raise UsageError(f"Latents must have shape (n, {size}) (got {z.shape}).")
        step = np.zeros(size)
        for name, strength in strengths.items():
            step += strength * self.vectors[self.index(name)]
        edited: NDArray[np.float32]
        if self.latent == "uniform":
            # The standard deviation of U(-1, 1) is 1 / sqrt(3).
            edited = np.clip(z + step / np.sqrt(3), -1, 1).astype(np.float32)
            return edited
        moved = z + step
        lengths = np.linalg.norm(moved, axis=1, keepdims=True)
        kept = np.linalg.norm(z, axis=1, keepdims=True) / np.where(lengths > 0, lengths, 1)
        edited = (moved * kept).astype(np.float32)
        return edited

    def index(self, name: str) -> int:
        """Return the row of an attribute's vector, in any case. Raises UsageError with the nearest."""
        found = same_name(name, self.names)
        if found is not None:
            return self.names.index(found)
        if not self.names:
            raise UsageError(f"This model has no direction for {name!r}: it has no directions at all.")
        if same_name(name, self.omitted) is not None:
            rare = f"fewer than {MIN_FACES} of {self.count:,} faces have it, or lack it"
            best = ", ".join(self.names[:MAX_LISTED])
            raise UsageError(
                f"This model has no direction for {name}: {rare}. Its most accurate directions are {best}."
            )
        advice = did_you_mean(name, self.names, short_forms=SHORT_FORMS, listing=LISTING)
        raise UsageError(f"This model has no direction for {name!r}. {advice}")

    def orthogonal_to(self, held: Iterable[str]) -> Directions:
        """Return the directions, each orthogonal to all others in `held`, so that edits change those less.

        Generalizes Shen et al. 2020, section 3.2, to several directions. Raises UsageError for an
        attribute without a direction, and for a direction that lies in the span of the others.
        """
        rows = [self.index(name) for name in held]
        vectors = [
            self._residual(row, [other for other in rows if other != row]) for row in range(len(self.names))
        ]
        return replace(self, vectors=np.array(vectors, np.float32).reshape(self.vectors.shape))

    def _residual(self, row: int, others: list[int]) -> NDArray[np.float64]:
        vector = self.vectors[row].astype(np.float64)
        if others:
            _, lengths, basis = np.linalg.svd(self.vectors[others].astype(np.float64), full_matrices=False)
            basis = basis[lengths > 1e-6]
            vector = vector - basis.T @ (basis @ vector)
        length = np.linalg.norm(vector)
        if length < MIN_RESIDUAL:
            raise UsageError(
                f"The direction of {self.names[row]} lies in the span of the {len(others)} held "
                "directions; hold fewer."
            )
        unit: NDArray[np.float64] = vector / length
        return unit


def find_directions(
    model: Model,
    *,
    count: int = LABELED_FACES,
    orthogonal: bool = False,
    advance: Callable[[int], None] = lambda count: None,
) -> Directions:
    """Find a model's attribute directions; those of bundled models come with the package, others are cached.

    count: the attribute network labels the faces of seeds 0 to count - 1.
    orthogonal: make each direction orthogonal to all others.
    advance: called with the number of newly labeled faces.
    """
    network = load_attributes(device=str(next(model.generator.parameters()).device))
    key = {
        "format": DIRECTIONS_FORMAT,
        "model": model.hash,
        "network": network.hash,
        "count": count,
        "ridge": RIDGE,
    }

    def make() -> Cached:
        return to_cached(_fit(model, network, count, advance))

    found = cached("directions", key, make, bundled=BUNDLED_MODELS / "directions")
    directions = from_cached(found, model.recipe.latent)
    return directions.orthogonal_to(directions.names) if orthogonal else directions


def to_cached(directions: Directions) -> Cached:
    """Convert to the cache's arrays and facts."""
    facts = {
        "names": directions.names,
        "accuracies": directions.accuracies,
        "omitted": directions.omitted,
        "count": directions.count,
    }
    return Cached({"vectors": directions.vectors}, facts)


def from_cached(value: Cached, latent: Distribution) -> Directions:
    """Convert back from the cache's arrays and facts."""
    return Directions(
        names=tuple(value.facts["names"]),
        vectors=value.arrays["vectors"],
        accuracies=tuple(value.facts["accuracies"]),
        latent=latent,
        omitted=tuple(value.facts["omitted"]),
        count=value.facts["count"],
    )


def _fit(model: Model, network: Attributes, count: int, advance: Callable[[int], None]) -> Directions:
    """Fit one classifier per attribute that is neither too rare nor too common."""
    labels = []
    for _, faces in model.batches(range(count)):
        labels.append(network.read(faces).probabilities > 0.5)
        advance(len(faces))
    has = np.concatenate(labels) if labels else np.zeros((0, len(network.names)), bool)
    z = latents(range(count), model.recipe.latent_size, model.recipe.latent).astype(np.float64)
    held_out = np.arange(count) % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
    found: list[tuple[float, str, NDArray[np.float64]]] = []
    omitted = []
    for name, labeled in zip(network.names, has.T, strict=True):
        if min(labeled.sum(), (~labeled).sum()) < MIN_FACES or len({*labeled[held_out]}) < 2:
            omitted.append(name)
            continue
        weights, bias = fit_classifier(z[~held_out], labeled[~held_out])
        right = ((z[held_out] @ weights + bias) > 0) == labeled[held_out]
        accuracy = float(np.mean([right[labeled[held_out]].mean(), right[~labeled[held_out]].mean()]))
        found.append((accuracy, name, weights / np.linalg.norm(weights)))
    found.sort(key=lambda direction: -direction[0])
    vectors = np.array([vector for _, _, vector in found], np.float32)
    return Directions(
        names=tuple(name for _, name, _ in found),
        vectors=vectors.reshape(len(found), model.recipe.latent_size),
        accuracies=tuple(accuracy for accuracy, _, _ in found),
        latent=model.recipe.latent,
        omitted=tuple(omitted),
        count=count,
    )


def fit_classifier(z: NDArray[np.float64], labels: NDArray[np.bool_]) -> tuple[NDArray[np.float64], float]:
    """Fit a logistic regression of `labels` (n,) on `z` (n, d) and return its weights (d,) and bias.

    Both classes have equal total weight. The ridge penalty makes the minimum unique; Newton's method finds
    it, halving a step until the loss falls.
    """
    design = np.column_stack([z, np.ones(len(z))])
    # torch multiplies matrices many times faster than NumPy does with some BLAS libraries.
    columns = torch.from_numpy(design)
    weight = np.where(labels, 0.5 / labels.sum(), 0.5 / (~labels).sum())
    sign = np.where(labels, 1.0, -1.0)
    ridge = np.append(np.full(z.shape[1], RIDGE), 0.0)

    def loss(weights: NDArray[np.float64]) -> float:
        return float(weight @ np.logaddexp(0, -sign * (design @ weights)) + ridge @ weights**2 / 2)

    weights = np.zeros(design.shape[1])
    best = loss(weights)
    for _ in range(NEWTON_STEPS):
        probability = 1 / (1 + np.exp(-(design @ weights)))
        gradient = design.T @ (weight * (probability - labels)) + ridge * weights
        curvature_weight = torch.from_numpy(weight * probability * (1 - probability))
        hessian = ((columns * curvature_weight[:, None]).T @ columns).numpy() + np.diag(ridge)
        step = np.linalg.solve(hessian, gradient)
        while (value := loss(weights - step)) > best and np.abs(step).max() > 1e-9:
            step /= 2
        weights, best = weights - step, value
        if np.abs(step).max() < 1e-6:
            break
    return weights[:-1], float(weights[-1])
