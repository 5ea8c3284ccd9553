"""The model, its workers and the runs that a server answers from."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from strangers.errors import ModelError, UsageError
from strangers.sampling.load import load, source_name
from strangers.sampling.model import Model
from strangers.web.errors import RequestError
from strangers.web.jobs import Finder, Inversions
from strangers.web.renderer import BatchRenderer, FaceCache
from strangers.web.run_reader import RunReader


class ModelService:
    """A model with one thread that draws, and background threads for long work."""

    def __init__(self, model: Model, name: str) -> None:
        self.model = model
        self.name = name
        self.renderer = BatchRenderer(model)
        self.face_cache = FaceCache(self.renderer)
        self.inversions = Inversions(model)
        self.finder = Finder(model)

    def stop(self) -> None:
        """Ask all threads to end."""
        self.finder.work.stop.set()
        self.inversions.stop()
        self.renderer.stop()

    @property
    def threads(self) -> list[threading.Thread]:
        """The running threads."""
        return [self.finder.work.thread, *self.inversions.threads, self.renderer.thread]


class Service:
    """The model and the runs of a server.

    Attributes:
        runs: by their names in requests: "1", "2", ...
        reason: why there is no model; empty if there is one.
    """

    def __init__(
        self, model: Model | None, runs: Sequence[Path] = (), reason: str = "", *, name: str = ""
    ) -> None:
        self._model_service = None if model is None else ModelService(model, name or model.recipe.name)
        self.runs = {str(number): RunReader(path) for number, path in enumerate(runs, 1)}
        self.reason = reason

    @property
    def model_service(self) -> ModelService:
        """The model service. Raises RequestError if there is no model."""
        if self._model_service is None:
            raise RequestError(404, self.reason or "This server has no model.")
        return self._model_service

    def run(self, name: str) -> RunReader:
        """Return the run of that name. Raises RequestError."""
        if name not in self.runs:
            raise RequestError(404, f"There is no run {name[:40]!r}; GET /api/runs lists all.")
        return self.runs[name]

    def stop(self) -> None:
        """Ask all threads to end without waiting."""
        if self._model_service is not None:
            self._model_service.stop()

    def close(self, seconds: float = 1.0) -> bool:
        """Ask all threads to end. Return True if they did within `seconds`."""
        self.stop()
        deadline = time.monotonic() + seconds
        threads = self._model_service.threads if self._model_service else []
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)


def open_service(sources: Sequence[str]) -> Service:
    """Open the model and the runs among `sources`. Without a model, take that of the first run that has one.

    A run without a checkpoint is served without faces. Raises ModelError if a source is neither a model nor a
    run, and UsageError for a second model.
    """
    runs = [source for source in sources if is_run(Path(source))]
    models = [source for source in sources if source not in runs]
    if len(models) > 1:
        raise UsageError(f"serve takes one model: leave out {models[0]} or {models[1]}.")
    if models:
        return Service(load(models[0]), list(map(Path, runs)), name=source_name(models[0]))
    reason = ""
    for run in runs:
        try:
            return Service(load(run), list(map(Path, runs)), name=source_name(run))
        except ModelError as error:
            reason = reason or str(error)
    return Service(None, list(map(Path, runs)), reason)


def is_run(path: Path) -> bool:
    """Return True if the folder holds a run."""
    return (path / "run.json").is_file()
