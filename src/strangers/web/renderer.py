"""Drawing for many at once: one model, one thread, and whatever waits is drawn together."""

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

TOGETHER = 64
"""Faces drawn in one go; after it whoever has come meanwhile has a turn, a hand that drags above all."""

MOST_WAITING = 16_384
"""Faces that may wait, half a minute's work for two cores; who asks for more is told to come back."""

MOST_KEPT = 2**26
"""Bytes of drawn faces that are kept: 5,000 faces of 64 px."""


@dataclass
class _Job:
    """Latents to be drawn, and how far that is."""

    z: NDArray[np.float32]
    future: Future[Pixels]
    begun: int = 0
    parts: list[Pixels] = field(default_factory=list)


class BatchRenderer:
    """The one thread that draws faces of latents for everybody."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._wishes: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._rows = 0
        self._closed = False
        self.thread = threading.Thread(target=self._work, name="drawer", daemon=True)
        self.thread.start()

    async def draw(self, z: NDArray[np.float32]) -> Pixels:
        """The faces of latents (n, latent_size), uint8 (n, size, size, 3).

        Raises RequestError if too many wait.
        """
        wish = _Job(z, Future())
        with self._changed:
            if self._rows + len(z) > MOST_WAITING or self._closed:
                raise RequestError(
                    429, "Too many faces are waiting to be drawn; ask again.", {"Retry-After": "2"}
                )
            self._rows += len(z)
            self._wishes.append(wish)
            self._changed.notify()
        return await asyncio.wrap_future(wish.future)

    def stop(self) -> None:
        """Draw nothing more; who waits is refused."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _work(self) -> None:
        self.model.decode(np.zeros((1, self.model.recipe.latent_size), np.float32))  # the first takes longer
        while turns := self._next():
            try:
                faces = self.model.decode(np.concatenate([z for _, z in turns]))
            except Exception as error:
                for wish, _ in turns:
                    self._end(wish, error)
                continue
            start = 0
            for wish, z in turns:
                wish.parts.append(faces[start : start + len(z)])
                start += len(z)
                if sum(map(len, wish.parts)) == len(wish.z):
                    self._end(wish, None)
        for wish in self._wishes:
            self._end(wish, RequestError(429, "This server is closing."))

    def _next(self) -> list[tuple[_Job, NDArray[np.float32]]]:
        """What is drawn now, a group of each wish in turn; nothing once this is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._wishes or self._closed)
            turns: list[tuple[_Job, NDArray[np.float32]]] = []
            room = TOGETHER
            while room and self._wishes and not self._closed:
                wish = self._wishes.popleft()
                if wish.future.cancelled():
                    self._rows -= len(wish.z) - wish.begun
                    continue
                z = wish.z[wish.begun : wish.begun + min(DRAW_GROUP, room)]
                turns.append((wish, z))
                wish.begun += len(z)
                room -= len(z)
                self._rows -= len(z)
                if wish.begun < len(wish.z):
                    self._wishes.append(wish)
            return turns

    def _end(self, wish: _Job, error: Exception | None) -> None:
        if wish.future.done() or not wish.future.set_running_or_notify_cancel():
            return
        if error is None:
            wish.future.set_result(np.concatenate(wish.parts))
        else:
            wish.future.set_exception(error)


class FaceCache:
    """The faces of seeds. A face that was drawn is kept for a while: most people look at the same wall."""

    def __init__(self, drawer: BatchRenderer, most_kept: int = MOST_KEPT) -> None:
        self.drawer, self.recipe = drawer, drawer.model.recipe
        self._kept: OrderedDict[tuple[int, float], Pixels] = OrderedDict()
        self._drawing: dict[tuple[int, float], asyncio.Task[None]] = {}
        self._most = max(1, most_kept // (3 * self.recipe.size**2))

    async def faces(self, seeds: Sequence[int], truncation: float) -> Pixels:
        """The faces of `seeds`, uint8 (n, size, size, 3). What is being drawn already is waited for."""
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
            faces = await self.drawer.draw(z * np.float32(truncation))
            for seed, face in zip(seeds, faces, strict=True):
                found[seed] = face
                self._kept[seed, truncation] = face.copy()  # not the whole batch
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        finally:
            for seed in seeds:
                del self._drawing[seed, truncation]
