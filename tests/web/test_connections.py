"""Connections that send nothing, read nothing, or are too many."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator

import pytest

from strangers.sampling.model import Model
from strangers.web import connections
from strangers.web.service import NamedModel, Service

from .support import Served, serving, wait_until


@pytest.fixture
def impatient(
    model: Model, quick_directions: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Served, int]]:
    """A server that waits half a second, and its port."""
    del quick_directions
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.5)
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 3)
    with serving(Service([NamedModel("tiny", model)])) as served:
        yield served, int(served.url.rsplit(":", 1)[1])


def _hung_up(connection: socket.socket) -> bool:
    """Return whether the server ends the connection before ten seconds are over."""
    connection.settimeout(10)
    try:
        while connection.recv(10_000):
            pass
    except ConnectionResetError:
        pass
    return True


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HTTP/1.1\r\nHost: localho", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET"]
)
def test_an_incomplete_request_head_times_out(impatient: tuple[Served, int], sent: bytes) -> None:
    served, port = impatient
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(sent)
        assert _hung_up(connection)
    assert served.client.get("/api/model").status_code == 200


def test_a_response_that_nobody_reads_is_dropped(impatient: tuple[Served, int]) -> None:
    served, port = impatient
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.connect(("127.0.0.1", port))
        for _ in range(64):  # more than what the system keeps for both ends
            connection.sendall(b"GET /api/faces?seeds=0-255 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        state = served.server.server_state
        wait_until(lambda: bool(state.tasks) and _paused(state.connections))
        wait_until(lambda: not state.tasks and not _paused(state.connections))


def _paused(several: Iterable[object]) -> bool:
    """Return whether a reader is waited for."""
    return any(isinstance(one, connections.Connection) and one.flow.write_paused for one in list(several))


def test_too_many_connections_are_refused(impatient: tuple[Served, int]) -> None:
    _, port = impatient
    addresses = [("127.0.0.1", port)] * (connections.MAX_CONNECTIONS + 1)
    several = [socket.create_connection(address) for address in addresses]
    try:
        assert _hung_up(several[-1])
    finally:
        for connection in several:
            connection.close()
