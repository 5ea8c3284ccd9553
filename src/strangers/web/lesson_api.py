"""The API of the view Learn, which otherwise needs no server."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from strangers.web.errors import error_responses
from strangers.web.lesson import DRAWN_FACES, drawn_faces

router = APIRouter(prefix="/api", tags=["lesson"], responses=error_responses(400, 401, 403, 422))

WEBP = {200: {"description": "A sheet of 32 x 32 faces of 32 x 32 pixels.", "content": {"image/webp": {}}}}


@router.get(f"/{DRAWN_FACES}", response_class=Response, responses=WEBP)  # type: ignore[arg-type]
def faces() -> Response:
    """Return the drawn faces that the view Learn trains on."""
    return Response(
        drawn_faces(), headers={"Cache-Control": "private, max-age=86400"}, media_type="image/webp"
    )
