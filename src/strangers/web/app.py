"""The application: the API, the page's files, and the guard in front of both."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from strangers._version import __version__
from strangers.web import faces_api, games_api, lesson_api, photographs_api, runs_api, sets_api
from strangers.web.errors import RequestError, add_error_handlers, error_responses
from strangers.web.schemas import TokenBody
from strangers.web.security import RequestGuard, Token
from strangers.web.service import Service

SUFFIXES = (".css", ".html", ".js", ".svg")
"""Endings of the page's files."""

COOKIE_SECONDS = 31_536_000
"""One year."""

mimetypes.add_type("text/javascript", ".js")  # some Windows registries say text/plain, which nosniff refuses


def create_app(
    service: Service, *, host: str = "127.0.0.1", token: str | None = None, allowed_hosts: Sequence[str] = ()
) -> FastAPI:
    """Return the application that answers from `service`.

    host: the address that the server listens on.
    token: required by the API if given.
    allowed_hosts: further names of this server, as a proxy or a container gives it.
    """
    app = FastAPI(
        title="strangers",
        version=__version__,
        description='Faces of people who do not exist, by seed. Errors are returned as {"error": "..."}.',
        openapi_url="/api/openapi.json",
        docs_url=None,  # they load scripts from other hosts
        redoc_url=None,
        redirect_slashes=False,  # Starlette fails to redirect a query that is not UTF-8
    )
    app.state.service, app.state.private = service, token is not None
    app.include_router(faces_api.router)
    app.include_router(photographs_api.router)
    app.include_router(runs_api.router)
    app.include_router(sets_api.router)
    app.include_router(games_api.router)
    app.include_router(lesson_api.router)
    _add_session(app, token)
    app.mount("/", StaticFiles(packages=[("strangers.web", "static")], html=True))
    add_error_handlers(app)
    app.add_middleware(RequestGuard, host=host, token=token, allowed_hosts=allowed_hosts)
    return app


def _add_session(app: FastAPI, token: str | None) -> None:
    @app.post(
        "/api/session",
        status_code=204,
        response_class=Response,
        responses=error_responses(400, 401, 403, 422),
    )
    async def session(body: TokenBody) -> Response:
        """Exchange the token for a cookie that opens the API."""
        response = Response(status_code=204)
        if token is None:
            return response
        if not Token(token).matches(body.token):
            raise RequestError(401, "That is not the token of this server.")
        name, value = Token(token).cookie
        response.set_cookie(name, value, max_age=COOKIE_SECONDS, path="/", httponly=True, samesite="strict")
        return response


def static_files() -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yield the page's files with their paths from its root."""

    def walk(folder: Traversable, path: PurePosixPath) -> Iterator[tuple[PurePosixPath, bytes]]:
        for entry in folder.iterdir():
            if entry.is_dir():
                yield from walk(entry, path / entry.name)
            elif PurePosixPath(entry.name).suffix in SUFFIXES:
                yield path / entry.name, entry.read_bytes()

    return walk(files("strangers.web") / "static", PurePosixPath())
