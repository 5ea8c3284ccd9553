"""The application: the API, the page's files, and the door before them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

from fastapi import FastAPI, Request
from starlette.responses import Response

from strangers._version import __version__
from strangers.web import faces_api
from strangers.web.errors import RequestError, described, handle
from strangers.web.runs_api import runs
from strangers.web.schemas import TokenBody
from strangers.web.security import RequestGuard, Token
from strangers.web.service import Service

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
A_YEAR = 31_536_000  # seconds


def create_app(service: Service, *, host: str = "127.0.0.1", token: str | None = None) -> FastAPI:
    """The application that answers from `service`, for requests to `host`, with the token if there is one."""
    app = FastAPI(
        title="strangers",
        version=__version__,
        description="Faces of people who do not exist, by seed. What is refused is refused in a sentence.",
        openapi_url="/api/openapi.json",
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # there is nowhere to go, and Starlette fails at a query that is not UTF-8
    )
    app.state.service, app.state.private = service, token is not None
    app.include_router(faces_api.router)
    app.include_router(runs)
    _add_session(app, token)
    _add_static(app)
    handle(app)
    app.add_middleware(RequestGuard, host=host, token=token)
    return app


def _add_session(app: FastAPI, token: str | None) -> None:
    @app.post(
        "/api/session", status_code=204, response_class=Response, responses=described(400, 401, 403, 422)
    )
    async def session(given: TokenBody) -> Response:
        """Give the token once, and have a cookie that opens the API from then on."""
        response = Response(status_code=204)
        if token is None:
            return response
        if not Token(token).opens(given.token):
            raise RequestError(401, "That is not the token of this server.")
        name, value = Token(token).cookie
        response.set_cookie(name, value, max_age=A_YEAR, path="/", httponly=True, samesite="strict")
        return response


@dataclass(frozen=True)
class _File:
    content: bytes
    media_type: str
    etag: str


def _add_static(app: FastAPI) -> None:
    """The page's files, read once: a path is only ever looked up among their names."""
    known = {
        str(path): _File(content, TYPES[path.suffix], f'"{hashlib.sha256(content).hexdigest()[:16]}"')
        for path, content in static_files()
    }

    @app.get("/{path:path}", include_in_schema=False)
    async def static(request: Request, path: str) -> Response:
        file = known.get(path or "index.html")
        if file is None:
            raise RequestError(404, f"There is nothing at /{path[:100]}.")
        headers = {"ETag": file.etag, "Cache-Control": "no-cache"}
        if file.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(file.content, headers=headers, media_type=file.media_type)


def static_files() -> Iterator[tuple[PurePosixPath, bytes]]:
    """The page's files, by their paths from its root."""

    def walk(folder: Traversable, path: PurePosixPath) -> Iterator[tuple[PurePosixPath, bytes]]:
        for entry in folder.iterdir():
            if entry.is_dir():
                yield from walk(entry, path / entry.name)
            elif PurePosixPath(entry.name).suffix in TYPES:
                yield path / entry.name, entry.read_bytes()

    return walk(files("strangers.web") / "static", PurePosixPath())
