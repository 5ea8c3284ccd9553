"""The API of faces: by seed, by latent, edited."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Path, Query, Request
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from strangers.errors import UsageError
from strangers.images import Pixels, encode_animation, encode_png
from strangers.latent.rejection import DEFAULT_REJECTION, first_seed, shows_best
from strangers.sampling.latents import SEEDS, parse_seeds
from strangers.web.errors import RequestError, error_responses
from strangers.web.schemas import (
    MAX_FACES,
    CertaintiesAnswer,
    DirectionsAnswer,
    Edit,
    LatentsAnswer,
    LatentsOfFaces,
    ModelAnswer,
    ModelsAnswer,
    OneLatent,
    ServedModel,
    Walk,
)
from strangers.web.service import ModelService

router = APIRouter(
    prefix="/api", tags=["faces"], responses=error_responses(400, 401, 403, 404, 409, 422, 429)
)

SeedList = Annotated[str, Query(max_length=2000, description="As in 0-15,20.", examples=["0-15"])]
Truncation = Annotated[float, Query(gt=0, le=1, allow_inf_nan=False)]
ModelHash = Annotated[
    str | None,
    Query(max_length=64, description="Selects a model; the first if absent, 409 if it is not served."),
]
RAW: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The faces one after another, row by row, three bytes (red, green, blue) per pixel.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        "headers": {
            "Faces": {"description": "Number of faces.", "schema": {"type": "integer"}},
            "Face-Size": {"description": "Height and width of each face.", "schema": {"type": "integer"}},
        },
    }
}
PNG: dict[int | str, dict[str, Any]] = {
    200: {"description": "The face, with its provenance in text chunks.", "content": {"image/png": {}}}
}


WEBP: dict[int | str, dict[str, Any]] = {
    200: {"description": "The animation, with its provenance as XMP.", "content": {"image/webp": {}}}
}


async def _model_service(request: Request, model: ModelHash = None) -> ModelService:
    service: ModelService = request.app.state.service.of_model(model)
    return service


Served = Annotated[ModelService, Depends(_model_service)]


class CacheControl:
    """Headers that let caches keep a response for ever: its ETag is the model, the rest is in the URL."""

    def __init__(self, request: Request, service: Served) -> None:
        private = request.app.state.private
        self.headers = {
            "ETag": f'"{service.model.hash}"',
            "Cache-Control": f"{'private' if private else 'public'}, max-age=31536000, immutable",
        }
        self.is_fresh = self.headers["ETag"] in request.headers.get("if-none-match", "")

    def not_modified(self) -> Response:
        return Response(status_code=304, headers=self.headers)


@router.get("/models")
async def models(request: Request) -> ModelsAnswer:
    """List all models of the server, the default one first."""
    named = request.app.state.service.models.items()
    return ModelsAnswer(
        models=[ServedModel(name=one.name, hash=key, size=one.model.header.size) for key, one in named]
    )


@router.get("/model")
async def model(service: Served) -> ModelAnswer:
    """Describe the model."""
    header, recipe = service.model.header, service.model.recipe
    return ModelAnswer(
        name=service.name, hash=service.model.hash, size=header.size, latent=recipe.latent,
        latent_size=recipe.latent_size, recipe=recipe.name, images_seen=header.images_seen, crop=header.crop,
        software=header.software, license=header.license, metrics=header.metrics, max_faces=MAX_FACES,
        first_seed=first_seed(service.model), rejected=DEFAULT_REJECTION,
        shows_best=shows_best(service.model),
    )  # fmt: skip


@router.get("/latents")
async def latents_of_seeds(service: Served, seeds: SeedList) -> LatentsAnswer:
    """Return the latents of seeds, as docs/reference/latents.md defines them."""
    z = service.model.latents(parse_seeds(seeds, MAX_FACES))
    return LatentsAnswer(latents=z.astype(float).tolist())


@router.get("/faces", response_class=Response, responses=RAW)
async def faces(
    service: Served, cache: Annotated[CacheControl, Depends()], seeds: SeedList, truncation: Truncation = 1.0
) -> Response:
    """Return the faces of seeds as raw pixels, up to 256 in one request."""
    chosen = parse_seeds(seeds, MAX_FACES)
    if cache.is_fresh:
        return cache.not_modified()
    return raw_response(await service.face_cache.faces(chosen, truncation), cache.headers)


@router.get("/certainties")
async def certainties(
    service: Served,
    cache: Annotated[CacheControl, Depends()],
    response: Response,
    seeds: SeedList,
    truncation: Truncation = 1.0,
) -> CertaintiesAnswer:
    """Return how certain the face detector is of the faces of seeds: it is least certain of broken ones."""
    chosen = parse_seeds(seeds, MAX_FACES)
    found = await service.certainties.of(chosen, truncation)
    response.headers.update(cache.headers)
    return CertaintiesAnswer(certainties=found, least=service.certainties.least)


@router.get("/face/{seed}.png", response_class=Response, responses=PNG)
async def face(
    service: Served,
    cache: Annotated[CacheControl, Depends()],
    seed: Annotated[int, Path(ge=0, lt=SEEDS)],
    truncation: Truncation = 1.0,
) -> Response:
    """Return the face of a seed as a PNG that names its model and seed."""
    if cache.is_fresh:
        return cache.not_modified()
    (pixels,) = await service.face_cache.faces([seed], truncation)
    png = await run_in_threadpool(encode_png, pixels, service.model.provenance([seed], truncation))
    return Response(png, headers=cache.headers, media_type="image/png")


@router.post("/faces", response_class=Response, responses=RAW)
async def faces_of_latents(service: Served, job: LatentsOfFaces) -> Response:
    """Return the faces of latents."""
    z = _checked(service, job.latents) * np.float32(job.truncation)
    return raw_response(await service.renderer.draw(z))


@router.post("/face.png", response_class=Response, responses=PNG)
async def face_of_latent(service: Served, job: OneLatent) -> Response:
    """Return the face of a latent as a PNG that names its model. It has no seed."""
    (pixels,) = await service.renderer.draw(_checked(service, job.latents))
    origin = replace(service.model.provenance([]), latents="chosen on the page")
    png = await run_in_threadpool(encode_png, pixels, origin)
    return Response(png, media_type="image/png")


@router.post("/walk.webp", response_class=Response, responses=WEBP)
async def walk(service: Served, job: Walk) -> Response:
    """Return the faces of latents as an endless animation, a WebP file that names its model."""
    frames = await service.renderer.draw(_checked(service, job.latents))
    origin = replace(service.model.provenance([]), latents="a walk on the page")
    webp = await run_in_threadpool(encode_animation, list(frames), 1 / job.frames_per_second, "WEBP", origin)
    return Response(webp, media_type="image/webp")


@router.get("/directions")
async def directions(service: Served) -> DirectionsAnswer:
    """Return the attribute directions. The server searches for them for half a minute after it starts."""
    found = service.finder.found
    ready = found.directions
    return DirectionsAnswer(
        state=found.state,  # type: ignore[arg-type]
        progress=found.progress,
        reason=found.reason,
        names=list(ready.names) if ready else [],
        accuracies=list(ready.accuracies) if ready else [],
        vectors=ready.vectors.astype(float).tolist() if ready else [],
    )


@router.post("/edit", response_class=Response, responses=RAW)
async def edit(service: Served, job: Edit) -> Response:
    """Return faces moved along attribute directions."""
    found = service.finder.found.directions
    if found is None:
        raise RequestError(
            409,
            service.finder.found.reason or "The directions are not ready yet; try again in half a minute.",
        )
    if (job.seeds is None) == (job.latents is None):
        raise RequestError(422, "Send either seeds or latents.")
    if job.latents is not None:
        z = _checked(service, job.latents)
    else:
        z = service.model.latents(parse_seeds(job.seeds or "", MAX_FACES))
    return raw_response(
        await service.renderer.draw(found.edit(z * np.float32(job.truncation), job.strengths))
    )


def raw_response(pixels: Pixels, headers: dict[str, str] | None = None) -> Response:
    """Return images (n, size, size, 3) as raw bytes, with their number and size in the headers."""
    sizes = {"Faces": str(len(pixels)), "Face-Size": str(pixels.shape[1])}
    return Response(pixels.tobytes(), headers=sizes | (headers or {}), media_type="application/octet-stream")


def _checked(service: ModelService, numbers: list[list[float]]) -> NDArray[np.float32]:
    """Latents (n, latent_size). Raises UsageError for others."""
    size = service.model.recipe.latent_size
    for latent in numbers:
        if len(latent) != size:
            raise UsageError(f"A latent of this model has {size} numbers, not {len(latent)}.")
    return np.array(numbers, np.float32)
