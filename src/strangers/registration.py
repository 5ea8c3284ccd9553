"""Registration: architectures, objectives, crops and metrics of other programs."""

from __future__ import annotations

from strangers.data.crops import CROPS, Crop
from strangers.errors import UsageError
from strangers.evaluation.metric_table import METRICS
from strangers.evaluation.new_metric import NewMetric, add_metric
from strangers.networks import ARCHITECTURES, Architecture
from strangers.recipes.recipe import OBJECTIVE_NAMES
from strangers.training.losses import OBJECTIVES, Objective

_OWN = frozenset({*ARCHITECTURES, *OBJECTIVES, *CROPS, *METRICS})
"""Names of this package, which are never replaced."""


def register(
    *,
    architecture: type[Architecture] | None = None,
    objective: Objective | None = None,
    crop: Crop | None = None,
    metric: NewMetric | None = None,
) -> None:
    """Add an architecture, an objective, a crop or a metric, by its own name, for this process.

    A package does so in a module that it names as an entry point of the group "strangers". Registering a name
    again replaces it, as when a notebook's cell runs twice.
    Raises UsageError for a name of this package, and for an architecture that is not complete.
    """
    if architecture is not None:
        name = architecture.model_fields["architecture"].default
        if not isinstance(name, str) or architecture.__abstractmethods__:
            missing = ", ".join(sorted(architecture.__abstractmethods__)) or "a name: architecture: str = ..."
            raise UsageError(f"The architecture {architecture.__name__} lacks {missing}.")
        ARCHITECTURES[_free(name)] = architecture
    if objective is not None:
        OBJECTIVES[_free(objective.name)] = objective
        OBJECTIVE_NAMES.add(objective.name)
    if crop is not None:
        CROPS[_free(crop.name)] = crop
    if metric is not None:
        _free(metric.name)
        add_metric(metric)


def _free(name: str) -> str:
    """Return the name if a plug-in may have it. Raises UsageError."""
    if not name or name in _OWN:
        raise UsageError(f"The name {name!r} is {'taken by strangers' if name else 'empty'}; choose another.")
    return name
