"""A real server on the loopback address, and what its tests need."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import httpx
import numpy as np
import uvicorn

from strangers.latent.directions import Directions
from strangers.sampling.model import Model
from strangers.web.app import create_app
from strangers.web.server import listen, make_server
from strangers.web.service import Service

from ..support import wait_until as wait_until


class Served(NamedTuple):
    """A server, and a client of it."""

    url: str
    client: httpx.Client
    service: Service
    server: uvicorn.Server


def directions_of(model: Model, **_: object) -> Directions:
    """Two attributes, along the first two axes."""
    vectors = np.eye(model.recipe.latent_size, dtype=np.float32)[:2]
    return Directions(("Smiling", "Blond_Hair"), vectors, (0.9, 0.8), model.recipe.latent)


@contextmanager
def serving(
    service: Service,
    *,
    token: str | None = None,
    host: str = "127.0.0.1",
    allowed_hosts: Sequence[str] = (),
    keep: bool = False,
) -> Iterator[Served]:
    """Run a server in a thread until the block ends; keep: leave the service, which is shared, open."""
    listening = listen("127.0.0.1", 0)
    server = make_server(
        create_app(service, host=host, token=token, allowed_hosts=allowed_hosts),
        Service() if keep else service,
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        wait_until(lambda: server.started)
        with httpx.Client(base_url=url, timeout=300) as client:
            yield Served(url, client, service, server)
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        if not keep:
            service.close()
    assert not thread.is_alive()
