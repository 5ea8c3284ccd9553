"""All that a server has: the model and who works with it, and the runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from strangers.errors import ModelError, UsageError
from strangers.sampling.load import load
from strangers.sampling.model import Model
from strangers.web.errors import RequestError
from strangers.web.jobs import Finder, Inversions
from strangers.web.renderer import BatchRenderer, FaceCache
from strangers.web.run_reader import RunReader


class ModelService:
    """A model at work: one thread draws, and what takes long is done beside it."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.drawer = BatchRenderer(model)
        self.gallery = FaceCache(self.drawer)
        self.inversions = Inversions(model)
        self.finder = Finder(model)

    def stop(self) -> None:
        """Tell all that is under way to end."""
        self.finder.work.stop.set()
        self.inversions.stop()
        self.drawer.stop()

    @property
    def threads(self) -> list[threading.Thread]:
        """Those at work."""
        return [self.finder.work.thread, *self.inversions.threads, self.drawer.thread]


class Service:
    """What the API answers from.

    Attributes:
        runs: by the names that requests know them by: "1", "2", ...
        why: there is no model, in a sentence; empty if there is one.
    """

    def __init__(self, model: Model | None, runs: Sequence[Path] = (), why: str = "") -> None:
        self._studio = None if model is None else ModelService(model)
        self.runs = {str(number): RunReader(path) for number, path in enumerate(runs, 1)}
        self.why = why

    @property
    def studio(self) -> ModelService:
        """Raises RequestError where there is no model."""
        if self._studio is None:
            raise RequestError(404, self.why or "This server has no model.")
        return self._studio

    def run(self, name: str) -> RunReader:
        """The run of that name. Raises RequestError."""
        if name not in self.runs:
            raise RequestError(404, f"There is no run {name[:40]!r}; /api/runs names all.")
        return self.runs[name]

    def stop(self) -> None:
        """Tell all that is under way to end, and wait for nothing."""
        if self._studio is not None:
            self._studio.stop()

    def close(self, seconds: float = 1.0) -> bool:
        """End all that is under way, and say whether it has ended within so many seconds."""
        self.stop()
        deadline = time.monotonic() + seconds
        threads = self._studio.threads if self._studio else []
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)


def open_service(sources: Sequence[str]) -> Service:
    """The model and the runs among `sources`; without a model, the model of the first run that has one.

    A run without a checkpoint can be looked at all the same. Raises ModelError where a source is neither a
    model nor a run, and UsageError for a second model.
    """
    runs = [source for source in sources if is_run(Path(source))]
    models = [source for source in sources if source not in runs]
    if len(models) > 1:
        raise UsageError(f"One model is served at a time: leave {models[0]} or {models[1]} out.")
    if models:
        return Service(load(models[0]), list(map(Path, runs)))
    why = ""
    for run in runs:
        try:
            return Service(load(run), list(map(Path, runs)))
        except ModelError as error:
            why = why or str(error)
    return Service(None, list(map(Path, runs)), why)


def is_run(path: Path) -> bool:
    """Whether a training has begun in this folder."""
    return (path / "run.json").is_file()
