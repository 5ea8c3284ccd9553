"""Work of many seconds, in threads that step back for whoever waits for a face, and that end when told to."""

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
from strangers.images import Pixels
from strangers.latent.directions import Directions, find_directions
from strangers.latent.inversion import Inversion, invert
from strangers.latent.ood import ood_score
from strangers.latent.photograph import as_seen
from strangers.sampling.model import Model
from strangers.web.errors import RequestError

MOST_INVERSIONS = 2
"""Photographs worked on at once: more would only make all of them slower."""

NICENESS = 10
"""How far a long work steps back, on the scale of nice."""


Item = Pixels | float | Inversion | Exception
"""What comes of a photograph, one after another."""


class StoppedError(Exception):
    """A work was told to end."""


class _Stoppable(nn.Module):
    """A generator that stops whoever draws with it."""

    def __init__(self, generator: nn.Module, stop: threading.Event) -> None:
        super().__init__()
        self.generator, self.stop = generator, stop

    def forward(self, z: Tensor) -> Tensor:
        if self.stop.is_set():
            raise StoppedError
        images: Tensor = self.generator(z)
        return images


class Work:
    """One function of a model, in a thread of its own."""

    def __init__(self, model: Model, function: Callable[[Model], None]) -> None:
        self.stop = threading.Event()
        self._model = replace(model, generator=_Stoppable(model.generator, self.stop).eval())
        self._function = function
        self.thread = threading.Thread(target=self._run, name="work", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        _step_back()
        with contextlib.suppress(StoppedError):
            self._function(self._model)


def _step_back() -> None:
    """Let other threads go first, where one has a niceness of its own, which those that it starts inherit."""
    if sys.platform == "linux":
        me = os.PRIO_PROCESS, threading.get_native_id()
        os.setpriority(*me, max(NICENESS, os.getpriority(*me)))


@dataclass(frozen=True)
class Found:
    """Where the search for attribute directions stands.

    Attributes:
        state: "finding", "ready" or "none".
        share: of the work that is done.
        why: there are none.
    """

    state: str
    share: float = 0.0
    directions: Directions | None = None
    why: str = ""


class Finder:
    """Finds a model's attribute directions, once, in the background."""

    def __init__(self, model: Model, count: int = 10_000) -> None:
        self.found = Found("finding")
        self._count, self._labeled = count, 0
        self.work = Work(model, self._find)

    def _find(self, model: Model) -> None:
        try:
            directions = find_directions(model, count=self._count, advance=self._advance)
        except StoppedError:
            raise
        except Exception as error:
            self.found = Found("none", why=f"No directions of attributes could be found: {error}")
        else:
            why = "" if directions.names else "The faces of this model are too alike to find attributes in."
            self.found = Found("ready" if directions.names else "none", 1.0, directions, why)

    def _advance(self, count: int) -> None:
        self._labeled += count
        self.found = Found("finding", min(1.0, self._labeled / self._count))


class Inversions:
    """Searches for the latents of photographs, few at a time. Photographs stay in memory."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._running: dict[Work, Callable[[Item], None]] = {}  # and what tells the one who waits for it
        self._closed = False

    async def begin(self, data: bytes, steps: int, seed: int) -> AsyncIterator[Item]:
        """What comes of the photograph in `data`: itself as the model sees it, its ood_score, latents.

        An exception, which is the last thing that comes, tells why there is no more.
        Raises RequestError if too many are at work, or for a photograph that cannot be used.
        """
        self._running = {work: put for work, put in self._running.items() if work.thread.is_alive()}
        if len(self._running) >= MOST_INVERSIONS or self._closed:
            sentence = f"{MOST_INVERSIONS} photographs are being worked on; try again when one is done."
            raise RequestError(429, sentence, {"Retry-After": "10"})
        loop, queue = asyncio.get_running_loop(), asyncio.Queue[Any]()

        def put(item: Any) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(queue.put_nowait, item)

        def search(model: Model) -> None:
            try:
                photograph = as_seen(data, model)
                put(photograph)
                put(ood_score(model, photograph))
                for inversion in invert(model, photograph, steps=steps, seed=seed):
                    put(inversion)
                put(None)
            except Exception as error:
                put(error)

        work = Work(self.model, search)
        self._running[work] = put
        first = await queue.get()
        if isinstance(first, StoppedError):
            raise RequestError(429, "This server is closing.")
        if isinstance(first, DataError):
            raise RequestError(400, f"This picture cannot be used: {first}.")
        if isinstance(first, Exception):
            raise first
        items = _items(first, queue, work)
        weakref.finalize(items, work.stop.set)  # also where nobody has begun to read them
        return items

    @property
    def threads(self) -> list[threading.Thread]:
        """Those at work."""
        return [work.thread for work in self._running]

    def stop(self) -> None:
        """End all that run, and begin no other."""
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
        work.stop.set()  # whoever wanted it may have gone
