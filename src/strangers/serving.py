"""The command that serves: faces, edits and trainings on a page, for a browser on this machine or another."""

from __future__ import annotations

import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from strangers.errors import UsageError

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from strangers.web.service import Service

BUNDLED = "celeba-64"


def serve(
    sources: Annotated[
        list[str] | None,
        Argument(
            metavar="[MODEL|RUN]...",
            help="A model file or a checkpoint, and runs to look at.  [default: celeba-64]",
        ),
    ] = None,
    *,
    host: Annotated[
        str, Option(metavar="ADDRESS", help="Another one opens it beyond this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, Option(metavar="N", min=0, max=65535, help="0 takes a free one.")] = 8000,
    token: Annotated[
        str | None, Option(metavar="TEXT", help="What the page asks for first; needed beyond this machine.")
    ] = None,
) -> None:
    """Serve a page to see faces, explore them, find yours among them, and watch trainings."""
    try:
        import fastapi
        import uvicorn
    except ImportError:
        raise UsageError("The page needs packages of its own: pip install 'strangers[serve]'.") from None
    del fastapi, uvicorn  # which the modules below import themselves
    from strangers.web.app import create_app
    from strangers.web.security import is_loopback
    from strangers.web.service import open_service

    if token is not None and not token.strip():
        raise UsageError("The token is empty; give one that nobody guesses, or leave --token out.")
    if token is None and not is_loopback(host):
        raise UsageError(
            f"At {host} others can reach this server: give it a --token that nobody guesses, such as "
            "what openssl rand -hex 16 prints."
        )
    with listen(host, port) as listening:
        service = open_service(sources or [BUNDLED])
        app = create_app(service, host=host, token=token)
        print(f"Open {address_of(listening, host, token)} (Ctrl-C ends the server).", flush=True)
        try:
            make_server(app, service).run(sockets=[listening])
        finally:
            if not service.close():
                _leave(sys.exception())


def _leave(error: BaseException | None) -> None:
    """End at once: a thread that is in torch's code while Python takes itself down aborts the process."""
    status: object = 0
    if error is not None:
        status = 128 + signal.SIGINT if isinstance(error, KeyboardInterrupt) else getattr(error, "code", None)
    if isinstance(status, int):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises UsageError where it cannot."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, (address, *_) = found[0]
        listening = socket.create_server((str(address), port), family=family, backlog=256)
        # An answer is written in two parts; without this the second waits 40 ms for the first's receipt.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(
            f"No server can be at {host}, port {port} ({why}): choose another --port or --host."
        ) from None


def address_of(listening: socket.socket, host: str, token: str | None) -> str:
    """What to type into a browser. A token behind the # is read by the page alone, and sent in no request."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listening.getsockname()[1]}/" + (f"#token={token}" if token else "")


def make_server(app: FastAPI, service: Service) -> uvicorn.Server:
    """A server that ends all work first when it ends: answers in the making would hold it up."""
    import uvicorn

    from strangers.web.connections import Connection

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            service.stop()
            await super().shutdown(sockets)

    config = uvicorn.Config(
        app, http=Connection, loop="asyncio", ws="none", log_config=None, access_log=False,
        server_header=False, proxy_headers=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    return Server(config)
