"""Attribute directions: which way through a model's latents faces begin to smile, or put glasses on.

Shen et al. 2020, "Interpreting the latent space of GANs for semantic face editing", section 3: where a
generator is good, a plane divides the latents of faces with an attribute from those without, and the way
across the plane changes the attribute. The labels are the attribute network's word for the model's own faces.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from strangers.errors import UsageError
from strangers.evaluation.attributes import Attributes, load_attributes
from strangers.sampling.latents import Distribution, latents
from strangers.sampling.load import BUNDLED_MODELS
from strangers.sampling.model import Model
from strangers.system.cache import cache_folder, write_to_cache

FORMAT = 1

COUNT = 10_000
"""Faces that are labeled, unless told otherwise."""

HELD_OUT = 5
"""One face in so many is kept from the regression, to measure it by."""

FEWEST = 50
"""Faces with an attribute, and without it, below which nothing is said of a direction."""

RIDGE = 0.03
"""What the squared length of a regression's weights costs."""

NEWTON_STEPS = 50
"""Far more than a convex function of some hundred numbers needs: about eight."""

NOTHING_LEFT = 0.01
"""The length of what is left of a unit vector below which it lies among the others."""


@dataclass(frozen=True)
class Directions:
    """The attributes that a model can be steered by, the most certain first.

    Attributes:
        names: of k attributes.
        vectors: (k, latent_size), float32, each of length 1; along it faces get more of the attribute.
        accuracies: of each regression on faces that it has not seen, mean of those with and without the
            attribute: 0.5 is chance. Making directions orthogonal leaves these as they were.
        latent: the distribution of the model's latents.
        left_out: attributes that fewer than FEWEST faces had, or lacked.
        count: faces that were looked at.
    """

    names: tuple[str, ...]
    vectors: NDArray[np.float32]
    accuracies: tuple[float, ...]
    latent: Distribution
    left_out: tuple[str, ...] = ()
    count: int = 0

    def edit(self, z: NDArray[np.float32], strengths: Mapping[str, float]) -> NDArray[np.float32]:
        """The latents `z` (n, latent_size), moved along some directions.

        strengths: by name, in standard deviations of the model's latents: from -3 to 3 faces stay likely.
        A normal latent keeps its length, a uniform one stays within [-1, 1], for those are what the
        generator has learnt to draw. Raises UsageError for a name without a direction.
        """
        size = self.vectors.shape[1]
        if z.ndim != 2 or z.shape[1] != size:
            raise UsageError(f"Latents here are (n, {size}), not {z.shape}.")
        step = np.zeros(size)
        for name, strength in strengths.items():
            step += strength * self.vectors[self.index(name)]
        edited: NDArray[np.float32]
        if self.latent == "uniform":
            edited = np.clip(z + step / np.sqrt(3), -1, 1).astype(np.float32)  # 1 / sqrt(3): U(-1, 1)'s
            return edited
        moved = z + step
        lengths = np.linalg.norm(moved, axis=1, keepdims=True)
        kept = np.linalg.norm(z, axis=1, keepdims=True) / np.where(lengths > 0, lengths, 1)
        edited = (moved * kept).astype(np.float32)
        return edited

    def index(self, name: str) -> int:
        """The row of an attribute's vector. Raises UsageError, with the known names, for one without."""
        if name in self.names:
            return self.names.index(name)
        known = f"There are {', '.join(self.names)}." if self.names else "It has none at all."
        if name in self.left_out:
            rare = f"fewer than {FEWEST} of {self.count:,} faces have it, or lack it"
            raise UsageError(f"This model has no direction for {name}: {rare}. {known}")
        raise UsageError(f"This model has no direction for {name!r}. {known}")

    def orthogonal_to(self, held: Iterable[str]) -> Directions:
        """These directions, each made orthogonal to those of `held` but itself, so as to move them less.

        Shen et al. 2020, section 3.2; against many at once. Raises UsageError for a name without a
        direction, and where nothing of a direction is left.
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
        if length < NOTHING_LEFT:
            raise UsageError(
                f"Nothing of the direction of {self.names[row]} is orthogonal to those of "
                f"{len(others)} others; hold fewer."
            )
        unit: NDArray[np.float64] = vector / length
        return unit


def find_directions(
    model: Model,
    *,
    count: int = COUNT,
    orthogonal: bool = False,
    advance: Callable[[int], None] = lambda count: None,
) -> Directions:
    """The attribute directions of a model, from the cache if they are there; the package has its own models'.

    count: its own faces, those of the seeds from 0, that the attribute network labels.
    orthogonal: make each direction orthogonal to all others.
    advance: is told how many more faces are labeled.
    """
    network = load_attributes(device=str(next(model.generator.parameters()).device))
    name = _name(model, network, count)
    place = cache_folder() / "directions" / name
    directions = _read(place, model) or _read(BUNDLED_MODELS / "directions" / name, model)
    if directions is None:
        directions = _fit(model, network, count, advance)
        _write(place, directions)
    return directions.orthogonal_to(directions.names) if orthogonal else directions


def _fit(model: Model, network: Attributes, count: int, advance: Callable[[int], None]) -> Directions:
    """One regression for each attribute that is neither too rare nor too common."""
    labels = []
    for _, faces in model.batches(range(count)):
        labels.append(network.read(faces).probabilities > 0.5)
        advance(len(faces))
    has = np.concatenate(labels) if labels else np.zeros((0, len(network.names)), bool)
    z = latents(range(count), model.recipe.latent_size, model.recipe.latent).astype(np.float64)
    tested = np.arange(count) % HELD_OUT == HELD_OUT - 1
    found: list[tuple[float, str, NDArray[np.float64]]] = []
    left_out = []
    for name, labeled in zip(network.names, has.T, strict=True):
        if min(labeled.sum(), (~labeled).sum()) < FEWEST or len({*labeled[tested]}) < 2:
            left_out.append(name)
            continue
        weights, bias = separate(z[~tested], labeled[~tested])
        right = ((z[tested] @ weights + bias) > 0) == labeled[tested]
        accuracy = float(np.mean([right[labeled[tested]].mean(), right[~labeled[tested]].mean()]))
        found.append((accuracy, name, weights / np.linalg.norm(weights)))
    found.sort(key=lambda direction: -direction[0])
    vectors = np.array([vector for _, _, vector in found], np.float32)
    return Directions(
        names=tuple(name for _, name, _ in found),
        vectors=vectors.reshape(len(found), model.recipe.latent_size),
        accuracies=tuple(accuracy for accuracy, _, _ in found),
        latent=model.recipe.latent,
        left_out=tuple(left_out),
        count=count,
    )


def separate(z: NDArray[np.float64], labels: NDArray[np.bool_]) -> tuple[NDArray[np.float64], float]:
    """The weights (d,) and the bias of the logistic regression that tells `labels` (n,) from `z` (n, d).

    Latents with the label weigh as much, together, as those without. The squared weights are penalized, so
    the minimum is the only one; Newton's method, its steps halved until the loss falls, finds it.
    """
    design = np.column_stack([z, np.ones(len(z))])
    columns = torch.from_numpy(
        design
    )  # whose product is many times as fast as NumPy's, with some of its BLAS
    share = np.where(labels, 0.5 / labels.sum(), 0.5 / (~labels).sum())
    sign = np.where(labels, 1.0, -1.0)
    ridge = np.append(np.full(z.shape[1], RIDGE), 0.0)

    def loss(weights: NDArray[np.float64]) -> float:
        return float(share @ np.logaddexp(0, -sign * (design @ weights)) + ridge @ weights**2 / 2)

    weights = np.zeros(design.shape[1])
    best = loss(weights)
    for _ in range(NEWTON_STEPS):
        probability = 1 / (1 + np.exp(-(design @ weights)))
        gradient = design.T @ (share * (probability - labels)) + ridge * weights
        slack = torch.from_numpy(share * probability * (1 - probability))
        curvature = ((columns * slack[:, None]).T @ columns).numpy() + np.diag(ridge)
        step = np.linalg.solve(curvature, gradient)
        while (value := loss(weights - step)) > best and np.abs(step).max() > 1e-9:
            step /= 2
        weights, best = weights - step, value
        if np.abs(step).max() < 1e-6:
            break
    return weights[:-1], float(weights[-1])


def _name(model: Model, network: Attributes, count: int) -> str:
    """The name of the file that keeps them, by all that they depend on."""
    depends_on = {
        "format": FORMAT,
        "model": model.hash,
        "network": network.hash,
        "count": count,
        "ridge": RIDGE,
    }
    return hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()[:24] + ".safetensors"


def _write(place: Path, directions: Directions) -> None:
    facts = {
        "names": directions.names,
        "accuracies": directions.accuracies,
        "left_out": directions.left_out,
        "count": directions.count,
    }
    text = json.dumps(facts)
    metadata = {"directions": text, "sha256": _digest(directions.vectors, text)}
    write_to_cache(place, bytes(save({"vectors": directions.vectors}, metadata)))


def _read(place: Path, model: Model) -> Directions | None:
    """What was kept, or None where nothing is or where it is damaged: then it is found again."""
    try:
        with safe_open(place, framework="numpy") as file:
            metadata, vectors = file.metadata(), file.get_tensor("vectors")
        if _digest(vectors, metadata["directions"]) != metadata["sha256"]:
            return None
        facts = json.loads(metadata["directions"])
        return Directions(
            names=tuple(facts["names"]),
            vectors=vectors,
            accuracies=tuple(facts["accuracies"]),
            latent=model.recipe.latent,
            left_out=tuple(facts["left_out"]),
            count=facts["count"],
        )
    except (OSError, SafetensorError, KeyError, ValueError, TypeError):
        return None


def _digest(vectors: NDArray[np.float32], text: str) -> str:
    return hashlib.sha256(np.ascontiguousarray(vectors).tobytes() + text.encode()).hexdigest()
