"""Long work in background threads of low priority, which can be stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from strangers.errors import DataError
from strangers.latent.directions import Directions, find_directions
from strangers.latent.inversion import Inversion, invert
from strangers.latent.ood import ood_score
from strangers.latent.photograph import SeenPhotograph, Square, as_seen
from strangers.sampling.model import Model
from strangers.web.errors import RequestError

MAX_INVERSIONS = 2
"""Photographs inverted at once: more would slow down all of them."""

NICENESS = 10
"""Nice value of background threads."""


Item = SeenPhotograph | float | Inversion | Exception
"""Results of an inversion in order: the photograph, its out-of-distribution score, latents; or an error."""


class StoppedError(Exception):
    """The work was stopped."""


class _Stoppable(nn.Module):
    """A generator that raises StoppedError once `stop` is set."""

    def __init__(self, generator: nn.Module, stop: threading.Event) -> None:
        super().__init__()
        self.generator, self.stop = generator, stop

    def forward(self, z: Tensor) -> Tensor:
        if self.stop.is_set():
            raise StoppedError
        images: Tensor = self.generator(z)
        return images


class Work:
    """A function of a model, run in a background thread."""

    def __init__(self, model: Model, function: Callable[[Model], None]) -> None:
        self.stop = threading.Event()
        self._model = replace(model, generator=_Stoppable(model.generator, self.stop).eval())
        self._function = function
        self.thread = threading.Thread(target=self._run, name="work", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        _lower_priority()
        with contextlib.suppress(StoppedError):
            self._function(self._model)


def _lower_priority() -> None:
    """Lower the priority of this thread and those that it starts, where threads have one of their own."""
    if sys.platform == "linux":
        me = os.PRIO_PROCESS, threading.get_native_id()
        os.setpriority(*me, max(NICENESS, os.getpriority(*me)))


@dataclass(frozen=True)
class DirectionsState:
    """The state of the search for attribute directions.

    Attributes:
        state: "searching", "ready" or "unavailable".
        progress: completed fraction of the search, 0 to 1.
        reason: the reason if they are unavailable.
    """

    state: str
    progress: float = 0.0
    directions: Directions | None = None
    reason: str = ""


class Finder:
    """Finds the attribute directions of a model in the background."""

    def __init__(self, model: Model, count: int = 10_000) -> None:
        self.found = DirectionsState("searching")
        self._count, self._labeled = count, 0
        self.work = Work(model, self._find)

    def _find(self, model: Model) -> None:
        try:
            directions = find_directions(model, count=self._count, advance=self._advance)
        except StoppedError:
            raise
        except Exception as error:
            self.found = DirectionsState(
                "unavailable", reason=f"The search for attribute directions failed: {error}"
            )
        else:
            reason = (
                "" if directions.names else "The faces of this model are too alike to find attributes in."
            )
            self.found = DirectionsState(
                "ready" if directions.names else "unavailable", 1.0, directions, reason
            )

    def _advance(self, count: int) -> None:
        self._labeled += count
        self.found = DirectionsState("searching", min(1.0, self._labeled / self._count))


class Inversions:
    """Inversions of photographs, a few at a time. Photographs stay in memory."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._running: dict[Work, Callable[[Item], None]] = {}  # and the callback that receives its results
        self._closed = False

    async def begin(
        self, data: bytes, steps: int, seed: int, square: Square | None = None
    ) -> AsyncIterator[Item]:
        """Start the inversion of the photograph in `data`, and return its results.

        They are the photograph as the model sees it, or the part of it in `square`; its out-of-distribution
        score; and latents. An exception is the last result. Raises RequestError if too many are running, or
        if the photograph cannot be used.
        """
        self._running = {work: put for work, put in self._running.items() if work.thread.is_alive()}
        # One that was just stopped, as when a square is dragged again, does not refuse the next.
        active = sum(not work.stop.is_set() for work in self._running)
        if active >= MAX_INVERSIONS or len(self._running) >= 2 * MAX_INVERSIONS or self._closed:
            message = f"This server already inverts {MAX_INVERSIONS} photographs; try again in a minute."
            raise RequestError(429, message, {"Retry-After": "10"})
        loop, queue = asyncio.get_running_loop(), asyncio.Queue[Any]()

        def put(item: Any) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(queue.put_nowait, item)

        def search(model: Model) -> None:
            try:
                photograph = as_seen(data, model, square=square)
                put(photograph)
                put(ood_score(model, photograph.pixels))
                for inversion in invert(model, photograph.pixels, steps=steps, seed=seed):
                    put(inversion)
                put(None)
            except Exception as error:
                put(error)

        work = Work(self.model, search)
        self._running[work] = put
        first = await queue.get()
        if isinstance(first, StoppedError):
            raise RequestError(429, "This server is shutting down.")
        if isinstance(first, DataError):
            raise RequestError(400, f"This photograph cannot be used: {first}.")
        if isinstance(first, Exception):
            raise first
        items = _items(first, queue, work)
        weakref.finalize(items, work.stop.set)  # also if they are never read
        return items

    @property
    def threads(self) -> list[threading.Thread]:
        """Those at work."""
        return [work.thread for work in self._running]

    def stop(self) -> None:
        """Stop all, and refuse new ones."""
        self._closed = True
        for work, put in self._running.items():
            work.stop.set()
            put(StoppedError())


async def _items(first: Any, queue: asyncio.Queue[Any], work: Work) -> AsyncIterator[Any]:
    try:
        item = first
        while item is not None:
            yield item
            if isinstance(item, Exception):
                return
            item = await queue.get()
    finally:
        work.stop.set()  # the client may have disconnected
