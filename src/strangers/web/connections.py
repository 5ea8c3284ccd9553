"""Connections that end: of those who send nothing, who take nothing, or who are too many.

The door bounds requests. This bounds what is no request yet, and answers that nobody reads.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS = 512
"""At the same time: half of what a process may usually open."""

PATIENCE = 30
"""Seconds in which a request's head must have come, and in which a reader must take LEAST of what waits."""

LEAST = 2**18
"""Bytes; what is less is taken at once by whoever reads."""


class Connection(H11Protocol):
    """One client's connection, as uvicorn has it, and cut where it would stay for ever."""

    _for_head: asyncio.TimerHandle | None = None
    _for_reader: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch_head()
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._for_head = _stopped(self._for_head)
        self._for_reader = _stopped(self._for_reader)
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch_head()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch_head()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        super().resume_writing()
        self._for_reader = _stopped(self._for_reader)

    def _watch_head(self) -> None:
        """Let the time for the next request's head run, from where there is none under way."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._for_head = _stopped(self._for_head)
        elif self._for_head is None:
            self._for_head = self.loop.call_later(PATIENCE, self.transport.abort)

    def _watch_reader(self, waiting: int) -> None:
        """Look again later how much of so many bytes has been taken."""
        self._for_reader = self.loop.call_later(PATIENCE, self._cut_if_unread, waiting)

    def _cut_if_unread(self, waiting: int) -> None:
        left = self.transport.get_write_buffer_size()
        if left > waiting - LEAST:
            self.transport.abort()
        else:
            self._watch_reader(left)


def _stopped(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """No timer any more."""
    if timer is not None:
        timer.cancel()
    return None
