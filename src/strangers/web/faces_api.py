"""The API's faces: by seed, by latent, edited, found from a photograph."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Body, Depends, Path, Query, Request
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from strangers.errors import UsageError
from strangers.images import Pixels, encode_png
from strangers.latent.inversion import Inversion
from strangers.latent.ood import OOD_THRESHOLD
from strangers.sampling.latents import SEEDS, latents, parse_seeds
from strangers.web.errors import RequestError, described
from strangers.web.jobs import Item
from strangers.web.schemas import (
    MOST_FACES,
    DirectionsAnswer,
    Edit,
    LatentsAnswer,
    LatentsOfFaces,
    ModelAnswer,
    OneLatent,
)
from strangers.web.service import ModelService

router = APIRouter(prefix="/api", tags=["faces"], responses=described(400, 401, 403, 404, 422, 429))

MOST_STEPS = 1_000

SeedList = Annotated[str, Query(max_length=2000, description="As in 0-15,20.", examples=["0-15"])]
Truncation = Annotated[float, Query(gt=0, le=1, allow_inf_nan=False)]
ModelHash = Annotated[
    str | None, Query(max_length=64, description="Refuse to answer, with 409, if another model is served.")
]
RAW: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The faces one after another, three bytes (red, green, blue) a pixel, row by row.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        "headers": {
            "Faces": {"description": "How many.", "schema": {"type": "integer"}},
            "Face-Size": {"description": "Height and width of each.", "schema": {"type": "integer"}},
        },
    }
}
EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events: `photograph` {face}, as the model sees it; "
        "`ood_score` {ood_score, strange}, how far from the model's own faces; `step` {step, "
        "steps, latent, image_error, feature_error, face}, the best so far; the last one is the result. "
        "Faces are base64 of raw pixels. `failed` {error} if the search was stopped.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}
PNG: dict[int | str, dict[str, Any]] = {
    200: {"description": "The face, with its origin inside.", "content": {"image/png": {}}}
}


async def _studio(request: Request) -> ModelService:
    studio: ModelService = request.app.state.service.studio
    return studio


Served = Annotated[ModelService, Depends(_studio)]


class Kept:
    """What lets caches keep an answer for ever: it depends on the model, whose hash is in the ETag, alone."""

    def __init__(self, request: Request, studio: Served, model: ModelHash = None) -> None:
        if model is not None and model != studio.model.hash:
            raise RequestError(409, f"Another model is served now, {studio.model.hash}; load the page again.")
        private = request.app.state.private
        self.headers = {
            "ETag": f'"{studio.model.hash}"',
            "Cache-Control": f"{'private' if private else 'public'}, max-age=31536000, immutable",
        }
        self.known = self.headers["ETag"] in request.headers.get("if-none-match", "")

    def unchanged(self) -> Response:
        return Response(status_code=304, headers=self.headers)


@router.get("/model")
async def model(studio: Served) -> ModelAnswer:
    """The model that is served."""
    header, recipe = studio.model.header, studio.model.recipe
    return ModelAnswer(
        hash=studio.model.hash, size=header.size, latent=recipe.latent, latent_size=recipe.latent_size,
        recipe=recipe.name, images_seen=header.images_seen, crop=header.crop, software=header.software,
        license=header.license, metrics=header.metrics, most_faces=MOST_FACES,
    )  # fmt: skip


@router.get("/latents")
async def latents_of_seeds(studio: Served, seeds: SeedList) -> LatentsAnswer:
    """The latents of seeds, which docs/reference/latents.md defines."""
    z = latents(parse_seeds(seeds, MOST_FACES), studio.model.recipe.latent_size, studio.model.recipe.latent)
    return LatentsAnswer(latents=z.astype(float).tolist())


@router.get("/faces", response_class=Response, responses=RAW | described(409))
async def faces(
    studio: Served, kept: Annotated[Kept, Depends()], seeds: SeedList, truncation: Truncation = 1.0
) -> Response:
    """The faces of seeds, as bytes: ask for a wall in one request."""
    chosen = parse_seeds(seeds, MOST_FACES)
    if kept.known:
        return kept.unchanged()
    return _raw(await studio.gallery.faces(chosen, truncation), kept.headers)


@router.get("/face/{seed}.png", response_class=Response, responses=PNG | described(409))
async def face(
    studio: Served,
    kept: Annotated[Kept, Depends()],
    seed: Annotated[int, Path(ge=0, lt=SEEDS)],
    truncation: Truncation = 1.0,
) -> Response:
    """The face of a seed as a PNG that says where it comes from."""
    if kept.known:
        return kept.unchanged()
    (pixels,) = await studio.gallery.faces([seed], truncation)
    png = await run_in_threadpool(encode_png, pixels, studio.model.provenance([seed], truncation))
    return Response(png, headers=kept.headers, media_type="image/png")


@router.post("/faces", response_class=Response, responses=RAW)
async def faces_of_latents(studio: Served, wish: LatentsOfFaces) -> Response:
    """The faces of latents."""
    z = _checked(studio, wish.latents) * np.float32(wish.truncation)
    return _raw(await studio.drawer.draw(z))


@router.post("/face.png", response_class=Response, responses=PNG)
async def face_of_latent(studio: Served, wish: OneLatent) -> Response:
    """The face of a latent as a PNG that says that it was generated, by which model; it has no seed."""
    (pixels,) = await studio.drawer.draw(_checked(studio, wish.latents))
    origin = replace(studio.model.provenance([]), latents="chosen on the page")
    png = await run_in_threadpool(encode_png, pixels, origin)
    return Response(png, media_type="image/png")


@router.get("/directions")
async def directions(studio: Served) -> DirectionsAnswer:
    """The model's attribute directions. They are looked for when the server starts, for half a minute."""
    found = studio.finder.found
    ready = found.directions
    return DirectionsAnswer(
        state=found.state,  # type: ignore[arg-type]
        share=found.share,
        why=found.why,
        names=list(ready.names) if ready else [],
        accuracies=list(ready.accuracies) if ready else [],
        vectors=ready.vectors.astype(float).tolist() if ready else [],
    )


@router.post("/edit", response_class=Response, responses=RAW | described(409))
async def edit(studio: Served, wish: Edit) -> Response:
    """Faces moved along attributes."""
    found = studio.finder.found.directions
    if found is None:
        raise RequestError(
            409, studio.finder.found.why or "The directions are being looked for; ask again soon."
        )
    if (wish.seeds is None) == (wish.latents is None):
        raise RequestError(422, "Give either seeds or latents.")
    if wish.latents is not None:
        z = _checked(studio, wish.latents)
    else:
        recipe = studio.model.recipe
        z = latents(parse_seeds(wish.seeds or "", MOST_FACES), recipe.latent_size, recipe.latent)
    return _raw(await studio.drawer.draw(found.edit(z * np.float32(wish.truncation), wish.strengths)))


@router.post(
    "/invert",
    response_class=StreamingResponse,
    responses=EVENTS | described(408, 413),
)
async def invert(
    studio: Served,
    photograph: Annotated[bytes, Body(media_type="application/octet-stream", description="An image file.")],
    steps: Annotated[int, Query(ge=1, le=MOST_STEPS)] = 200,
    seed: Annotated[int, Query(ge=0, lt=2**32)] = 0,
) -> StreamingResponse:
    """Look for the latent of a photograph, which is kept in memory alone, and no longer than that takes."""
    items = await studio.inversions.begin(photograph, steps, seed)
    return StreamingResponse(_events(items), media_type="text/event-stream")


async def _events(items: AsyncIterator[Item]) -> AsyncIterator[str]:
    async for item in items:
        if isinstance(item, Inversion):
            yield _event("step", _step(item))
        elif isinstance(item, Exception):
            yield _event("failed", {"error": "The search was stopped."})
        elif isinstance(item, float):
            yield _event("strangeness", {"strangeness": item, "strange": item > OOD_THRESHOLD})
        else:
            yield _event("photograph", {"face": _base64(item)})


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


def _raw(pixels: Pixels, headers: dict[str, str] | None = None) -> Response:
    sizes = {"Faces": str(len(pixels)), "Face-Size": str(pixels.shape[1])}
    return Response(pixels.tobytes(), headers=sizes | (headers or {}), media_type="application/octet-stream")


def _checked(studio: ModelService, numbers: list[list[float]]) -> NDArray[np.float32]:
    """Latents (n, latent_size). Raises UsageError for others."""
    size = studio.model.recipe.latent_size
    for latent in numbers:
        if len(latent) != size:
            raise UsageError(f"A latent of this model has {size} numbers, not {len(latent)}.")
    return np.array(numbers, np.float32)
