"""`strangers serve`: a web page of faces, edits, trainings and sets."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from strangers.errors import UsageError
from strangers.system.streams import echo

if TYPE_CHECKING:
    import socket

DEFAULT_MODEL = "celeba-64"

TOKEN_BYTES = 16
"""Random bytes of a token that the server makes."""

Sources = Annotated[
    list[str] | None,
    Argument(
        metavar="[MODEL|RUN|SET]...",
        help="Models to show, runs to watch and prepared sets to look at.  [default: celeba-64]",
    ),
]
Photographs = Annotated[
    Path | None,
    Option(metavar="SET", help="Prepared set for the game 'Photograph or stranger?'; players see it."),
]
Answers = Annotated[
    Path | None,
    Option(metavar="FILE", help="Add the answers of players who consent; for `evaluate --human`."),
]


def serve(
    sources: Sources = None,
    *,
    host: Annotated[
        str, Option(metavar="ADDRESS", help="Address to listen on; 0.0.0.0 for other machines.")
    ] = "127.0.0.1",
    port: Annotated[int, Option(metavar="N", min=0, max=65535, help="Port; 0 for a free one.")] = 8000,
    token: Annotated[
        str | None,
        Option(metavar="TEXT", help="Token that the page requires.  [default: a new one for other machines]"),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        Option(metavar="NAME", help="Name of this server behind a proxy or in a container; repeatable."),
    ] = None,
    photographs: Photographs = None,
    answers: Answers = None,
    open_browser: Annotated[bool, Option("--open", help="Open the page in this machine's browser.")] = False,
) -> None:
    """Serve a web page of faces, edits, photographs, runs and sets."""
    try:
        import fastapi
        import segno
        import uvicorn
    except ImportError:
        raise UsageError("The page needs more packages: pip install 'strangers[serve]'.") from None
    del fastapi, segno, uvicorn  # imported by the modules below
    from strangers.web.app import create_app
    from strangers.web.security import is_loopback
    from strangers.web.server import end_process, listen, make_server
    from strangers.web.service import open_service

    if token is not None and not token.strip():
        raise UsageError("--token is empty; pass a secret, or remove it.")
    if answers is not None and photographs is None:
        raise UsageError("--answers needs --photographs SET: without photographs there is no game to keep.")
    if token is None and not is_loopback(host):
        token = secrets.token_urlsafe(TOKEN_BYTES)
    with listen(host, port) as listening:
        service = open_service(sources or [DEFAULT_MODEL], photographs=photographs, answers=answers)
        try:
            app = create_app(service, host=host, token=token, allowed_hosts=allow_host or [])
            announce(listening, host, token, open_browser=open_browser)
            make_server(app, service).run(sockets=[listening])
        finally:
            if not service.close():
                end_process(sys.exception())


def announce(listening: socket.socket, host: str, token: str | None, *, open_browser: bool) -> None:
    """Print the address, with a QR code where phones can reach it, and open it if that is wanted."""
    from strangers.web.security import is_loopback
    from strangers.web.server import address_of, qr_code

    address = address_of(listening, host, token)
    if not is_loopback(host) and sys.stdout.isatty():
        # It sets the colors of the terminal, which `echo` would not.
        sys.stdout.write(qr_code(address))
    echo(f"Open {address} (Ctrl-C stops the server).")
    sys.stdout.flush()
    if open_browser:
        import webbrowser

        if not webbrowser.open(address):
            echo("No browser was found here; open the address yourself.", error=True)
