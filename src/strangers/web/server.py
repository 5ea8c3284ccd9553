"""The HTTP server: its socket, its address and its end."""

from __future__ import annotations

import io
import os
import signal
import socket
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from strangers.errors import UsageError

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from strangers.web.service import Service


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket. Raises UsageError if the address cannot be used."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, (address, *_) = found[0]
        listening = socket.create_server((str(address), port), family=family, backlog=256)
        # A response is written in two parts; without this the second waits 40 ms for the ACK of the first.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"The server cannot listen on {host}, port {port} ({reason}): choose another --port or --host."
        ) from None


def address_of(listening: socket.socket, host: str, token: str | None) -> str:
    """Return the address to open in a browser. The token is in the fragment, which no request contains."""
    name = reachable_name(host)
    name = f"[{name}]" if ":" in name else name
    return f"http://{name}:{listening.getsockname()[1]}/" + (
        f"#token={quote(token, safe='')}" if token else ""
    )


def reachable_name(host: str) -> str:
    """Return `host`, or for 0.0.0.0 and :: the address that this machine has in its network."""
    probes = {"0.0.0.0": (socket.AF_INET, "192.0.2.1"), "::": (socket.AF_INET6, "2001:db8::1")}
    if host not in probes:
        return host
    family, elsewhere = probes[host]
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        # Of UDP, nothing is sent: the system only chooses the interface. The address is one of documentation.
        probe.connect((elsewhere, 9))
        return str(probe.getsockname()[0])
    return socket.gethostname()


def qr_code(address: str) -> str:
    """Return the QR code of an address for a terminal, white on black whatever the terminal's colors are."""
    import segno

    text = io.StringIO()
    segno.make_qr(address).terminal(text, border=2, compact=True)
    return "".join(f"\033[97;40m{line}\033[0m\n" for line in text.getvalue().splitlines())


def make_server(app: FastAPI, service: Service) -> uvicorn.Server:
    """Return a server that stops all work before it shuts down: pending responses would delay it."""
    import uvicorn

    from strangers.web.connections import Connection

    # Ctrl-C at once prevents the start.
    warnings.filterwarnings("ignore", "coroutine 'Server.serve' was never awaited", RuntimeWarning)

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Let a closed terminal (SIGHUP) end the server as SIGTERM does."""
            hang_up = getattr(signal, "SIGHUP", None)
            if hang_up is None or not callable(before := signal.getsignal(hang_up)):
                with super().capture_signals():
                    yield
                return
            signal.signal(hang_up, self.handle_exit)
            try:
                with super().capture_signals():
                    yield
            finally:
                signal.signal(hang_up, before)
            if hang_up in self._captured_signals:
                signal.raise_signal(hang_up)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            service.stop()
            await super().shutdown(sockets)

    config = uvicorn.Config(
        app, http=Connection, loop="asyncio", ws="none", log_config=None, access_log=False,
        server_header=False, proxy_headers=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    return Server(config)


def end_process(error: BaseException | None) -> None:
    """Exit at once: a thread inside torch while Python shuts down would abort the process."""
    status: object = 0
    if error is not None:
        status = 128 + signal.SIGINT if isinstance(error, KeyboardInterrupt) else getattr(error, "code", None)
    if isinstance(status, int):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
