"""Appraisal: what the attribute network says of a run's faces while it is trained, beside the photographs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from pydantic import JsonValue

from strangers.data.prepared import PreparedSet
from strangers.evaluation.attributes import Attributes, load_attributes
from strangers.evaluation.features import chosen, reference
from strangers.evaluation.metrics import RunningStatistics, Statistics, frechet_distance
from strangers.images import Pixels
from strangers.sampling.model import Model

REFERENCE = 10_000
"""Pictures of the set that faces are measured against, if it has as many; as `strangers evaluate` does."""

COMPARED = 256
"""Photographs whose variety stands for the set's: on CelebA, 64 give the same to half a percent."""


@dataclass(frozen=True)
class BestMetric:
    """The best evaluation of a run so far. Its values are plain, so that a checkpoint keeps them.

    Attributes:
        generated, network: how many faces were measured, and the hash of what measured them; values that
            were taken otherwise do not compare.
        best: the lowest distance, or None before the first evaluation.
        best_at: the images seen then.
        since: how many evaluations have come after it.
    """

    generated: int = 0
    network: str = ""
    best: float | None = None
    best_at: int | None = None
    since: int = 0

    def __str__(self) -> str:
        if self.best is None:
            return "which is no number"
        if self.since == 0:
            return "the best so far"
        return f"not below the {self.best:.4g} after {self.best_at:,}"

    def with_value(self, value: float, images_seen: int) -> BestMetric:
        """The record after one more evaluation; a value that is no number is not the best."""
        if math.isfinite(value) and (self.best is None or value < self.best):
            return replace(self, best=value, best_at=images_seen, since=0)
        return replace(self, since=self.since + 1)


@dataclass(frozen=True)
class Evaluator:
    """What the run's faces are held against.

    Attributes:
        network: reads faces.
        photographs_apart: mean distance between two photographs' features.
        photographs: their statistics; None where no distance is asked for.
        generated: faces in one evaluation: those of the seeds from 0.
    """

    network: Attributes
    photographs_apart: float
    photographs: Statistics | None
    generated: int

    @property
    def conditions(self) -> dict[str, JsonValue]:
        """What a distance depends on besides the model."""
        return {
            "generated": self.generated,
            "reference": 0 if self.photographs is None else self.photographs.count,
            "network": self.network.hash,
        }

    def variety(self, faces: Pixels) -> float:
        """How far apart the faces (n, h, w, 3) lie in the mean, as a share of the photographs'.

        1 where the photographs themselves are all alike, for then nothing can be said.
        """
        return apart(self.network(faces)) / self.photographs_apart if self.photographs_apart else 1.0

    def distance(self, model: Model) -> float:
        """fd-face: Frechet distance of the model's faces to the photographs, in the network's features."""
        assert self.photographs is not None
        moments = RunningStatistics()
        for _, faces in model.batches(range(self.generated)):
            moments.add(self.network(faces))
        return frechet_distance(moments.statistics(), self.photographs)

    def begin(self, record: BestMetric) -> BestMetric:
        """The record that evaluations from now on add to: a new one if the old was measured otherwise."""
        if (record.generated, record.network) == (self.generated, self.network.hash):
            return record
        return BestMetric(self.generated, self.network.hash)


def make_evaluator(data: PreparedSet, device: torch.device, evaluate: bool, generated: int) -> Evaluator:
    """Look at the photographs once; if `evaluate`, at up to 10,000 of them, whose statistics are cached."""
    network = load_attributes(device=str(device))
    few = data.batch(chosen(data, COMPARED))
    photographs = reference(data, network, REFERENCE).statistics if evaluate else None
    return Evaluator(network, apart(network(few)), photographs, generated)


def apart(features: np.ndarray) -> float:
    """Mean Euclidean distance between two of the rows (n, d); 0 for fewer than two."""
    rows = features.astype(np.float64)
    distances = [np.linalg.norm(rows[i + 1 :] - row, axis=1) for i, row in enumerate(rows)]
    return float(np.concatenate(distances).mean()) if len(rows) > 1 else 0.0
