"""Batched rendering: one thread draws the faces that all clients wait for."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from strangers.images import Pixels
from strangers.sampling.latents import latents
from strangers.sampling.model import DRAW_GROUP, Model
from strangers.web.errors import RequestError

MAX_BATCH = 64
"""Faces per batch: small, so that new requests, such as of a dragged slider, wait for little."""

MAX_WAITING_FACES = 16_384
"""Faces that may wait: half a minute of work for two cores. Further requests get status 429."""

MAX_CACHE_BYTES = 2**26
"""Size of the face cache: 5,000 faces of 64 px."""


@dataclass
class _Job:
    """Latents to draw, and the faces drawn so far."""

    z: NDArray[np.float32]
    future: Future[Pixels]
    started: int = 0
    parts: list[Pixels] = field(default_factory=list)


class BatchRenderer:
    """A thread that draws the faces of latents for all clients."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._rows = 0
        self._closed = False
        self.thread = threading.Thread(target=self._work, name="renderer", daemon=True)
        self.thread.start()

    async def draw(self, z: NDArray[np.float32]) -> Pixels:
        """Return the faces of latents (n, latent_size), uint8 (n, size, size, 3).

        Raises RequestError if too many faces are waiting.
        """
        job = _Job(z, Future())
        with self._changed:
            if self._rows + len(z) > MAX_WAITING_FACES or self._closed:
                raise RequestError(
                    429, "Too many faces are waiting to be drawn; try again.", {"Retry-After": "2"}
                )
            self._rows += len(z)
            self._jobs.append(job)
            self._changed.notify()
        return await asyncio.wrap_future(job.future)

    def stop(self) -> None:
        """Stop drawing. Waiting requests fail with status 429."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _work(self) -> None:
        self.model.decode(
            np.zeros((1, self.model.recipe.latent_size), np.float32)
        )  # warm up: the first takes longer
        while turns := self._next():
            try:
                faces = self.model.decode(np.concatenate([z for _, z in turns]))
            except Exception as error:
                for job, _ in turns:
                    self._end(job, error)
                continue
            start = 0
            for job, z in turns:
                job.parts.append(faces[start : start + len(z)])
                start += len(z)
                if sum(map(len, job.parts)) == len(job.z):
                    self._end(job, None)
        for job in self._jobs:
            self._end(job, RequestError(429, "This server is shutting down."))

    def _next(self) -> list[tuple[_Job, NDArray[np.float32]]]:
        """Return the next batch: a group of each job in turn; empty once this is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._closed)
            turns: list[tuple[_Job, NDArray[np.float32]]] = []
            room = MAX_BATCH
            while room and self._jobs and not self._closed:
                job = self._jobs.popleft()
                if job.future.cancelled():
                    self._rows -= len(job.z) - job.started
                    continue
                z = job.z[job.started : job.started + min(DRAW_GROUP, room)]
                turns.append((job, z))
                job.started += len(z)
                room -= len(z)
                self._rows -= len(z)
                if job.started < len(job.z):
                    self._jobs.append(job)
            return turns

    def _end(self, job: _Job, error: Exception | None) -> None:
        if job.future.done() or not job.future.set_running_or_notify_cancel():
            return
        if error is None:
            job.future.set_result(np.concatenate(job.parts))
        else:
            job.future.set_exception(error)


class FaceCache:
    """A least-recently-used cache of the faces of seeds: most visitors look at the same ones."""

    def __init__(self, renderer: BatchRenderer, most_kept: int = MAX_CACHE_BYTES) -> None:
        self.renderer, self.recipe = renderer, renderer.model.recipe
        self._kept: OrderedDict[tuple[int, float], Pixels] = OrderedDict()
        self._drawing: dict[tuple[int, float], asyncio.Task[None]] = {}
        self._most = max(1, most_kept // (3 * self.recipe.size**2))

    async def faces(self, seeds: Sequence[int], truncation: float) -> Pixels:
        """Return the faces of `seeds`, uint8 (n, size, size, 3). No face is drawn twice at once."""
        found: dict[int, Pixels] = {}
        missing = dict.fromkeys(seeds)
        while missing:
            for seed in list(missing):
                face = self._kept.get((seed, truncation))
                if face is not None:
                    self._kept.move_to_end((seed, truncation))
                    found[seed] = face
                    del missing[seed]
            new = [seed for seed in missing if (seed, truncation) not in self._drawing]
            if new:
                task = asyncio.create_task(self._draw(new, truncation, found))
                self._drawing |= dict.fromkeys(((seed, truncation) for seed in new), task)
            waited = {self._drawing[seed, truncation] for seed in missing}
            for task in waited:
                await asyncio.shield(task)
            missing = {seed: None for seed in missing if seed not in found}
        size = self.recipe.size
        return np.stack([found[seed] for seed in seeds]) if seeds else np.zeros((0, size, size, 3), np.uint8)

    async def _draw(self, seeds: list[int], truncation: float, found: dict[int, Pixels]) -> None:
        try:
            z = latents(seeds, self.recipe.latent_size, self.recipe.latent)
            faces = await self.renderer.draw(z * np.float32(truncation))
            for seed, face in zip(seeds, faces, strict=True):
                found[seed] = face
                self._kept[seed, truncation] = face.copy()  # a copy, since a view would keep the whole batch
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        finally:
            for seed in seeds:
                del self._drawing[seed, truncation]
