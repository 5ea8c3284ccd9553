"""Certainties of the face detector, of the faces of seeds, for the wall of the page."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import islice

from starlette.concurrency import run_in_threadpool

from strangers.data.face_detection import certainties
from strangers.latent.rejection import DEFAULT_REJECTION, least_certainty, own_certainties
from strangers.web.errors import RequestError
from strangers.web.renderer import FaceCache

MAX_WAITING_CERTAINTIES = 2048
"""Faces that may wait for the detector: half a minute of work for one core."""

MAX_CERTAINTIES = 2**16
"""Certainties in memory."""


class Certainties:
    """The detector's certainty of each face, judged once.

    Attributes:
        least: faces below it are left out by the page; 0 until the first ones were asked for.
    """

    def __init__(self, face_cache: FaceCache) -> None:
        self.face_cache, self.least = face_cache, 0.0
        self._known: dict[tuple[int, float], float] = {}
        self._waiting = 0
        self._lock = asyncio.Lock()
        self._is_open = False

    async def of(self, seeds: Sequence[int], truncation: float) -> list[float]:
        """Return the certainty in [0, 1] of each face.

        Raises RequestError if too many faces are waiting.
        """
        keys = [(seed, truncation) for seed in seeds]
        if self._waiting + len(keys) > MAX_WAITING_CERTAINTIES:
            raise RequestError(
                429, "Too many faces are waiting to be judged; try again.", {"Retry-After": "2"}
            )
        self._waiting += len(keys)
        try:
            async with self._lock:
                await self._open()
                if missing := [
                    seed for seed, _ in dict.fromkeys(keys) if (seed, truncation) not in self._known
                ]:
                    faces = await self.face_cache.faces(missing, truncation)
                    found = await run_in_threadpool(certainties, faces)
                    self._known |= {
                        (seed, truncation): value for seed, value in zip(missing, found.tolist(), strict=True)
                    }
                answer = [self._known[key] for key in keys]
                for old in [*islice(self._known, max(0, len(self._known) - MAX_CERTAINTIES))]:
                    del self._known[old]
                return answer
        finally:
            self._waiting -= len(keys)

    async def _open(self) -> None:
        """Take the certainties of the model's own faces: measured in seconds, unless they are known."""
        if self._is_open:
            return
        model = self.face_cache.renderer.model
        own = await run_in_threadpool(own_certainties, model)
        self._known |= {(seed, 1.0): value for seed, value in enumerate(own.tolist())}
        self.least = least_certainty(model, DEFAULT_REJECTION)
        self._is_open = True
