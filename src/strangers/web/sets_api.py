"""The API of prepared sets: their description and their images."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from strangers.web.errors import error_responses
from strangers.web.faces_api import RAW, raw_response
from strangers.web.schemas import MAX_FACES, SetAnswer, SetsAnswer

router = APIRouter(prefix="/api/sets", tags=["sets"], responses=error_responses(400, 401, 403, 404, 422))


@router.get("")
def all_sets(request: Request) -> SetsAnswer:
    """List all prepared sets that the server was started with."""
    sets = request.app.state.service.sets
    return SetsAnswer(sets=[SetAnswer(id=name, **one.summary()) for name, one in sets.items()])


@router.get("/{name}/images", response_class=Response, responses=RAW)
def images(
    request: Request,
    name: str,
    first: Annotated[int, Query(ge=0, lt=2**32)] = 0,
    count: Annotated[int, Query(ge=1, le=MAX_FACES)] = 64,
) -> Response:
    """Return images of a set as raw pixels, from position `first` on; none beyond its end."""
    return raw_response(request.app.state.service.set(name).images(first, count))
