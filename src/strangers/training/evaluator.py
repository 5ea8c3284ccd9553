"""Evaluator: variety and fd-face of a run's faces during training, by the attribute network's features.

Faces are compared with the held-out part of the set where it is large enough, since a training that copies
its pictures is near to them, else with the set itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from pydantic import JsonValue

from strangers.data.prepared import HELD_OUT, PreparedSet
from strangers.evaluation.attributes import Attributes, load_attributes
from strangers.evaluation.features import FeatureSet, reference_features
from strangers.evaluation.frechet import RunningStatistics, frechet_distance
from strangers.evaluation.metrics import kernel_distance
from strangers.images import Pixels
from strangers.sampling.model import Model
from strangers.training.log import METRIC

REFERENCE_COUNT = 10_000
"""Maximum of pictures that faces are compared with, as in `strangers evaluate`."""

KERNEL_METRIC = "kd-face"
"""The metric for few photographs: unbiased, where a Frechet distance grows as photographs get fewer."""

VARIETY_COUNT = 256
"""Photographs that the set's variety is computed from: on CelebA, 64 give the same to half a percent."""


@dataclass(frozen=True)
class BestMetric:
    """The best evaluation of a run so far. All fields are plain values, so that a checkpoint keeps them.

    Attributes:
        generated, network, reference: number of faces per evaluation, hash of the attribute network, and
            hash of the photographs; only values with the same conditions are comparable.
        value: the lowest distance, or None before the first evaluation.
        images_seen: images seen at that evaluation.
        evaluations_since: number of evaluations after it.
    """

    generated: int = 0
    network: str = ""
    reference: str = ""
    value: float | None = None
    images_seen: int | None = None
    evaluations_since: int = 0

    def __str__(self) -> str:
        if self.value is None:
            return "not a finite number"
        if self.evaluations_since == 0:
            return "the best so far"
        return f"not below {self.value:.4g} after {self.images_seen:,}"

    def updated(self, value: float, images_seen: int) -> BestMetric:
        """Return the best metric after one more evaluation; a value that is not finite is never the best."""
        if math.isfinite(value) and (self.value is None or value < self.value):
            return replace(self, value=value, images_seen=images_seen, evaluations_since=0)
        return replace(self, evaluations_since=self.evaluations_since + 1)


@dataclass(frozen=True)
class Evaluator:
    """The measure of a run's faces against its photographs.

    Attributes:
        network: computes the features of faces.
        data_distance: mean distance between the features of two photographs.
        photographs: pictures that faces are compared with: `data` or its held-out part.
        reference: features of these pictures; None without evaluations.
        kernel: the distance is kd-face, for few photographs; else fd-face.
        generated: faces in one evaluation, of the seeds from 0.
    """

    network: Attributes
    data_distance: float
    photographs: PreparedSet
    reference: FeatureSet | None
    generated: int
    kernel: bool = False

    @property
    def metric(self) -> str:
        """Name of the distance, in results."""
        return KERNEL_METRIC if self.kernel else METRIC

    @property
    def conditions(self) -> dict[str, JsonValue]:
        """Everything that a distance depends on besides the model."""
        return {
            "generated": self.generated,
            "reference": 0 if self.reference is None else self.reference.statistics.count,
            "reference_set": "held-out" if self.photographs.manifest.split == HELD_OUT else "training",
            "network": self.network.hash,
        }

    def variety(self, faces: Pixels) -> float:
        """Return the mean distance between faces (n, h, w, 3) as a fraction of the photographs'.

        Returns 1 if the photographs are all alike, since then there is nothing to compare with.
        """
        distance = mean_distance(self.network(faces))
        return distance / self.data_distance if self.data_distance else 1.0

    def distance(self, model: Model) -> float:
        """Return the Frechet or kernel distance of the model's faces to the photographs."""
        assert self.reference is not None
        features = [self.network(faces) for _, faces in model.batches(range(self.generated))]
        if self.kernel:
            return kernel_distance(self.reference.features, np.concatenate(features)).value
        statistics = RunningStatistics()
        for batch in features:
            statistics.add(batch)
        return frechet_distance(statistics.statistics(), self.reference.statistics)

    def comparable(self, best: BestMetric) -> BestMetric:
        """Return `best` if it was measured under the same conditions, else a new one."""
        conditions = (self.generated, self.network.hash, self.photographs.manifest.hash)
        if (best.generated, best.network, best.reference) == conditions:
            return best
        return BestMetric(*conditions)


def make_evaluator(
    data: PreparedSet, reference: PreparedSet | None, device: torch.device, generated: int, *, kernel: bool
) -> Evaluator:
    """Compute the variety of the photographs, and the features of `reference`; both are cached.

    data: the training set. reference: the pictures that faces are compared with; None without evaluations.
    """
    network = load_attributes(device=str(device))
    distance = mean_distance(reference_features(data, network, VARIETY_COUNT)["face"].features)
    if reference is None:
        return Evaluator(network, distance, data, None, generated, kernel)
    features = reference_features(reference, network, REFERENCE_COUNT)["face"]
    return Evaluator(network, distance, reference, features, generated, kernel)


def mean_distance(features: np.ndarray) -> float:
    """Return the mean Euclidean distance between two of the rows (n, d); 0 for fewer than two rows."""
    rows = features.astype(np.float64)
    distances = [np.linalg.norm(rows[i + 1 :] - row, axis=1) for i, row in enumerate(rows)]
    return float(np.concatenate(distances).mean()) if len(rows) > 1 else 0.0
