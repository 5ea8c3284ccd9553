"""The API of photographs: the nearest face that the model can draw, searched for before the client's eyes."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from strangers.images import Pixels
from strangers.latent.inversion import Inversion
from strangers.latent.ood import OOD_THRESHOLD
from strangers.latent.photograph import SeenPhotograph, Square
from strangers.web.errors import RequestError, error_responses
from strangers.web.faces_api import Served
from strangers.web.jobs import Item

router = APIRouter(
    prefix="/api", tags=["photographs"], responses=error_responses(400, 401, 403, 404, 409, 422, 429)
)

MAX_STEPS = 1_000

SquareText = Annotated[
    str | None,
    Query(
        pattern=r"^-?\d{1,6}(\.\d{1,6})?(,-?\d{1,6}(\.\d{1,6})?){3}$",
        description="The part of the photograph that the model sees: x and y of the upper left and the upper "
        "right corner of a square, in pixels of the upright photograph. By default the largest face.",
        examples=["10,20,110,20"],
    ),
]

EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events: `photograph` {face, width, height, square, missed}, the "
        "photograph as the model sees it, its size, the upper left and the upper right corner of the square "
        "that is shown, "
        "and whether a face was looked for in vain; "
        "`ood_score` {ood_score, out_of_distribution}, how far from the model's own faces; `step` {step, "
        "steps, latent, image_error, feature_error, face}, the best so far; the last one is the result. "
        "Faces are base64 of raw pixels. `failed` {error} if the search was stopped.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.post(
    "/invert",
    response_class=StreamingResponse,
    responses=EVENTS | error_responses(408, 413),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "An image file.",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def invert(
    service: Served,
    request: Request,
    steps: Annotated[int, Query(ge=1, le=MAX_STEPS)] = 200,
    seed: Annotated[int, Query(ge=0, lt=2**32)] = 0,
    square: SquareText = None,
) -> StreamingResponse:
    """Find the latent of a photograph, which stays in memory and is dropped when the search ends."""
    photograph = await request.body()  # as bytes: FastAPI would parse a body that calls itself JSON
    if not photograph:
        raise RequestError(422, "The body is empty: send an image file.")
    items = await service.inversions.begin(photograph, steps, seed, _square(square))
    return StreamingResponse(_events(items), media_type="text/event-stream")


async def _events(items: AsyncIterator[Item]) -> AsyncIterator[str]:
    async for item in items:
        if isinstance(item, Inversion):
            yield _event("step", _step(item))
        elif isinstance(item, Exception):
            yield _event("failed", {"error": "The search was stopped."})
        elif isinstance(item, float):
            yield _event("ood_score", {"ood_score": item, "out_of_distribution": item > OOD_THRESHOLD})
        else:
            yield _event("photograph", _photograph(item))


def _square(text: str | None) -> Square | None:
    """Return the square of a query that matched its pattern."""
    if text is None:
        return None
    left, top, right, upper = map(float, text.split(","))
    return left, top, right, upper


def _photograph(seen: SeenPhotograph) -> dict[str, Any]:
    width, height = seen.size
    square = seen.corners[:2].round(2).ravel().tolist()
    return {
        "face": _base64(seen.pixels), "width": width, "height": height, "square": square,
        "missed": seen.missed,
    }  # fmt: skip


def _step(item: Inversion) -> dict[str, Any]:
    return {
        "step": item.step,
        "steps": item.steps,
        "latent": item.latent.astype(float).tolist(),
        "image_error": item.image_error,
        "feature_error": item.feature_error,
        "face": _base64(item.face),
    }


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def _base64(pixels: Pixels) -> str:
    return base64.b64encode(pixels.tobytes()).decode()
