"""`strangers serve`: a web page of faces, edits and trainings."""

from __future__ import annotations

import sys
from typing import Annotated

from typer import Argument, Option

from strangers.errors import UsageError

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
    from strangers.web.server import address_of, end_process, listen, make_server
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
                end_process(sys.exception())
