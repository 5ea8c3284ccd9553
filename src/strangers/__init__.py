"""Generators of human faces: trained, measured, shared.

    import strangers

    run = strangers.train("synthetic", recipe="fast-32", out="runs/first", images=30_000)
    faces = strangers.load("runs/first").sample(seeds=range(16))  # uint8 (16, 32, 32, 3)

A public name is imported when it is first used: `import strangers` alone costs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from strangers._version import __version__

if TYPE_CHECKING:
    from strangers.data.crops import Crop
    from strangers.data.explore import explore
    from strangers.data.prepare import prepare
    from strangers.data.prepared import PreparedSet, open_prepared
    from strangers.errors import DataError, ModelError, RunError, StrangersError, UsageError
    from strangers.evaluation.evaluate import evaluate
    from strangers.evaluation.new_metric import NewMetric
    from strangers.export.formats import export
    from strangers.networks.architecture import Architecture
    from strangers.recipes.presets import RECIPES
    from strangers.recipes.recipe import Recipe
    from strangers.registration import register
    from strangers.sampling.load import load
    from strangers.sampling.model import Model
    from strangers.training.callbacks import Callback
    from strangers.training.loop import train
    from strangers.training.losses import Objective
    from strangers.training.run import Run

__all__ = [
    "RECIPES",
    "Architecture",
    "Callback",
    "Crop",
    "DataError",
    "Model",
    "ModelError",
    "NewMetric",
    "Objective",
    "PreparedSet",
    "Recipe",
    "Run",
    "RunError",
    "StrangersError",
    "UsageError",
    "__version__",
    "evaluate",
    "explore",
    "export",
    "load",
    "open_prepared",
    "prepare",
    "register",
    "train",
]

_HOMES = {
    "RECIPES": "recipes.presets",
    "Architecture": "networks.architecture",
    "Callback": "training.callbacks",
    "Crop": "data.crops",
    "DataError": "errors",
    "Model": "sampling.model",
    "ModelError": "errors",
    "NewMetric": "evaluation.new_metric",
    "Objective": "training.losses",
    "PreparedSet": "data.prepared",
    "Recipe": "recipes.recipe",
    "Run": "training.run",
    "RunError": "errors",
    "StrangersError": "errors",
    "UsageError": "errors",
    "evaluate": "evaluation.evaluate",
    "explore": "data.explore",
    "load": "sampling.load",
    "open_prepared": "data.prepared",
    "prepare": "data.prepare",
    "register": "registration",
    "train": "training.loop",
}


def __getattr__(name: str) -> object:
    if name == "export":  # the package, which can be called
        return import_module("strangers.export")
    if name not in _HOMES:
        raise AttributeError(f"module 'strangers' has no attribute {name!r}")
    value: object = getattr(import_module(f"strangers.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
