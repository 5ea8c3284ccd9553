"""The models, runs and sets that a server answers from, and the workers of the models."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from strangers.data.prepared import is_prepared, open_prepared
from strangers.errors import ModelError, UsageError
from strangers.sampling.load import load, source_name
from strangers.sampling.model import Model
from strangers.web.certainties import Certainties
from strangers.web.errors import RequestError
from strangers.web.games import Games
from strangers.web.jobs import Finder, Inversions
from strangers.web.renderer import BatchRenderer, FaceCache
from strangers.web.run_reader import RunReader
from strangers.web.set_reader import SetReader


@dataclass(frozen=True)
class NamedModel:
    """A model and the name that visitors see: of its file, its run or its repository."""

    name: str
    model: Model


class ModelService:
    """A model with one thread that draws, and background threads for long work."""

    def __init__(self, model: Model, name: str) -> None:
        self.model = model
        self.name = name
        self.renderer = BatchRenderer(model)
        self.face_cache = FaceCache(self.renderer)
        self.certainties = Certainties(self.face_cache)
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
    """The models, runs and sets of a server.

    The threads of the first model start at once, those of the others when somebody first asks for them.

    Attributes:
        models: by their hashes, the first one first.
        runs: by their names in requests: "1", "2", ...
        sets: in the same way.
        games: with photographs, or None.
        reason: why there is no model; empty if there is one.
    """

    def __init__(
        self,
        models: Sequence[NamedModel] = (),
        runs: Sequence[Path] = (),
        sets: Sequence[SetReader] = (),
        reason: str = "",
        games: Games | None = None,
    ) -> None:
        self.models: dict[str, NamedModel] = {}
        for named in models:
            self.models.setdefault(named.model.hash, named)
        self.runs = {str(number): RunReader(path) for number, path in enumerate(runs, 1)}
        self.sets = {str(number): reader for number, reader in enumerate(sets, 1)}
        self.reason = reason
        self.games = games
        self._services: dict[str, ModelService] = {}
        self._lock = threading.Lock()
        if self.models:
            self.of_model()

    @property
    def model_service(self) -> ModelService:
        """The service of the first model. Raises RequestError if there is no model."""
        return self.of_model()

    def of_model(self, digest: str | None = None) -> ModelService:
        """Return the service of the model of that hash, or of the first one. Raises RequestError."""
        if not self.models:
            raise RequestError(404, self.reason or "This server has no model.")
        digest = next(iter(self.models)) if digest is None else digest
        if digest not in self.models:
            raise RequestError(409, f"This server does not have the model {digest!r} now; reload the page.")
        with self._lock:
            if digest not in self._services:
                named = self.models[digest]
                self._services[digest] = ModelService(named.model, named.name)
            return self._services[digest]

    def run(self, name: str) -> RunReader:
        """Return the run of that name. Raises RequestError."""
        if name not in self.runs:
            raise RequestError(404, f"There is no run {name[:40]!r}; GET /api/runs lists all.")
        return self.runs[name]

    def set(self, name: str) -> SetReader:
        """Return the prepared set of that name. Raises RequestError."""
        if name not in self.sets:
            raise RequestError(404, f"There is no set {name[:40]!r}; GET /api/sets lists all.")
        return self.sets[name]

    def stop(self) -> None:
        """Ask all threads to end without waiting."""
        for service in self._services.values():
            service.stop()

    def close(self, seconds: float = 1.0) -> bool:
        """Ask all threads to end. Return True if they did within `seconds`."""
        self.stop()
        deadline = time.monotonic() + seconds
        threads = [thread for service in self._services.values() for thread in service.threads]
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)


def open_service(
    sources: Sequence[str], *, photographs: Path | None = None, answers: Path | None = None
) -> Service:
    """Open the models, runs and prepared sets among `sources`.

    photographs: a prepared set to play "Photograph or stranger?" with. answers: file of the players' answers.

    A run brings the model of its newest checkpoint; one without a checkpoint is served without faces. Raises
    ModelError if a source is neither a model nor a run nor a set, DataError for a damaged set or file, and
    UsageError if no model can be played with the photographs.
    """
    games = None if photographs is None else Games(open_prepared(photographs), answers)
    models: list[NamedModel] = []
    runs: list[Path] = []
    sets: list[SetReader] = []
    reason = ""
    for source in sources:
        path = Path(source)
        if is_prepared(path):
            sets.append(SetReader(open_prepared(path)))
            continue
        try:
            models.append(NamedModel(source_name(source), load(source)))
        except ModelError as error:
            if not is_run(path):
                raise
            reason = reason or str(error)
        if is_run(path):
            runs.append(path)
    if games is not None and (reasons := [games.reason(named.model) for named in models]) and all(reasons):
        raise UsageError(f"{reasons[0]} Prepare photographs alike, with --size and --crop.")
    return Service(models, runs, sets, reason, games)


def is_run(path: Path) -> bool:
    """Return True if the folder holds a run."""
    return os.path.isfile(path / "run.json")  # False also where the folder may not be searched
