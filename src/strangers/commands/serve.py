"""`strangers serve`: a web page of faces, edits and trainings."""

from __future__ import annotations

import sys
from typing import Annotated

from typer import Argument, Option

from strangers.errors import UsageError

DEFAULT_MODEL = "celeba-64"


def serve(
    sources: Annotated[
        list[str] | None,
        Argument(
            metavar="[MODEL|RUN]...",
            help="A model to show, and runs to watch.  [default: celeba-64]",
        ),
    ] = None,
    *,
    host: Annotated[
        str, Option(metavar="ADDRESS", help="Address to listen on; 0.0.0.0 for other machines.")
    ] = "127.0.0.1",
    port: Annotated[int, Option(metavar="N", min=0, max=65535, help="Port; 0 for a free one.")] = 8000,
    token: Annotated[
        str | None, Option(metavar="TEXT", help="Token that the page requires; mandatory for other machines.")
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        Option(metavar="NAME", help="Name of this server behind a proxy or in a container; repeatable."),
    ] = None,
) -> None:
    """Serve a web page of faces, edits, photographs and runs."""
    try:
        import fastapi
        import uvicorn
    except ImportError:
        raise UsageError("The page needs more packages: pip install 'strangers[serve]'.") from None
    del fastapi, uvicorn  # imported by the modules below
    from strangers.web.app import create_app
    from strangers.web.security import is_loopback
    from strangers.web.server import address_of, end_process, listen, make_server
    from strangers.web.service import open_service

    if token is not None and not token.strip():
        raise UsageError("--token is empty; pass a secret, or remove it.")
    if token is None and not is_loopback(host):
        raise UsageError(
            f"Other machines can reach {host}; pass a secret with --token, such as the output of "
            "openssl rand -hex 16."
        )
    with listen(host, port) as listening:
        service = open_service(sources or [DEFAULT_MODEL])
        app = create_app(service, host=host, token=token, allowed_hosts=allow_host or [])
        print(f"Open {address_of(listening, host, token)} (Ctrl-C stops the server).", flush=True)
        try:
            make_server(app, service).run(sockets=[listening])
        finally:
            if not service.close():
                end_process(sys.exception())
