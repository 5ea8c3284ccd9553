"""Connection limits: idle clients, slow readers and too many connections are cut.

The request guard limits requests. This limits connections that have not sent one, and responses that nobody
reads.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS = 512
"""Half of the files that a process may usually open."""

IDLE_SECONDS = 30
"""Time for the head of a request to arrive, and for a reader to take MIN_READ_BYTES."""

MIN_READ_BYTES = 2**18
"""Smaller responses fit into the buffers of the system."""


class Connection(H11Protocol):
    """An HTTP/1.1 connection of uvicorn that is closed when the client is idle."""

    _head_timer: asyncio.TimerHandle | None = None
    _reader_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch_head()
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._head_timer = _cancel(self._head_timer)
        self._reader_timer = _cancel(self._reader_timer)
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
        self._reader_timer = _cancel(self._reader_timer)

    def _watch_head(self) -> None:
        """Start the timer for the head of the next request, unless a request is in progress."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._head_timer = _cancel(self._head_timer)
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(IDLE_SECONDS, self.transport.abort)

    def _watch_reader(self, waiting: int) -> None:
        """Check later how many of the `waiting` bytes were read."""
        self._reader_timer = self.loop.call_later(IDLE_SECONDS, self._cut_if_unread, waiting)

    def _cut_if_unread(self, waiting: int) -> None:
        left = self.transport.get_write_buffer_size()
        if left > waiting - MIN_READ_BYTES:
            self.transport.abort()
        else:
            self._watch_reader(left)


def _cancel(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """Cancel a timer, and return None in its place."""
    if timer is not None:
        timer.cancel()
    return None
