"""The API of games: which faces are photographs is told after the answer only."""

from __future__ import annotations

import numpy as np
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from strangers.web.errors import RequestError, error_responses
from strangers.web.faces_api import RAW, Served, raw_response
from strangers.web.games import FACES_PER_GAME, SHOWN_MS, Games
from strangers.web.schemas import GameAnswer, GameRequest, GamesAnswer, GuessAnswer, GuessRequest

router = APIRouter(
    prefix="/api/games", tags=["games"], responses=error_responses(400, 401, 403, 404, 409, 422, 429)
)


@router.get("")
def all_games(request: Request, service: Served) -> GamesAnswer:
    """Describe the games of the model: the photographs, and whether the host keeps answers."""
    games: Games | None = request.app.state.service.games
    if games is None:
        return GamesAnswer(photographs="", reason="", keeps_answers=False)
    reason = games.reason(service.model)
    return GamesAnswer(
        photographs="" if reason else games.title, reason=reason, keeps_answers=games.answers is not None
    )


@router.post("")
def begin(request: Request, service: Served, job: GameRequest) -> GameAnswer:
    """Begin a game of the model."""
    game = _games(request).begin(service.model, service.name, consent=job.consent)
    return GameAnswer(id=game.id, faces=FACES_PER_GAME, shown_ms=SHOWN_MS)


@router.get("/{game}/faces", response_class=Response, responses=RAW)
async def faces(request: Request, game: str) -> Response:
    """Return all faces of a game as raw pixels, in their order, photographs and generated faces alike."""
    games = _games(request)
    found = games.game(game)
    service = request.app.state.service.of_model(found.model_hash)
    seeds = [at for at, kind in zip(found.pictures, found.kinds, strict=True) if kind == "fake"]
    fakes = await service.face_cache.faces(seeds, 1.0)
    reals = await run_in_threadpool(games.photographs_of, found)
    is_real = np.array([kind == "real" for kind in found.kinds])
    pixels = np.empty((len(is_real), *reals.shape[1:]), np.uint8)
    pixels[is_real], pixels[~is_real] = reals, fakes
    return raw_response(pixels)


@router.post("/{game}/answers")
def answer(request: Request, game: str, job: GuessRequest) -> GuessAnswer:
    """Take the answer to one face, and tell what it is."""
    games = _games(request)
    kind, kept = games.answer(games.game(game), job.position, job.answer)
    return GuessAnswer(kind=kind, kept=kept)


def _games(request: Request) -> Games:
    games: Games | None = request.app.state.service.games
    if games is None:
        raise RequestError(
            404, "This server has no photographs to play with; start it with --photographs SET."
        )
    return games
