"""What is refused, in one JSON sentence: {"error": "..."}."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from strangers.errors import StrangersError

LONGEST = 500
"""Characters of a sentence, which may repeat what was sent."""


class RequestError(StrangersError):
    """A request that is answered with a status of 400 to 499 and a sentence."""

    def __init__(self, status: int, sentence: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status, self.headers = status, dict(headers or {})


class ErrorBody(BaseModel):
    """What every refusal answers."""

    error: str


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These refusals, for the OpenAPI document."""
    return {status: {"model": ErrorBody, "description": HTTPStatus(status).phrase} for status in statuses}


def answer(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    """A refusal as a response; ASCII alone, so that no text can be one that has no bytes."""
    body = json.dumps({"error": sentence[:LONGEST]})
    return Response(body, status, {"Cache-Control": "no-store"} | dict(headers or {}), "application/json")


def handle(app: FastAPI) -> None:
    """Let the app answer every refusal in a sentence."""
    app.add_exception_handler(RequestError, _refused)
    app.add_exception_handler(StrangersError, _wrong)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _other)
    app.add_exception_handler(Exception, _defect)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    return answer(error.status, str(error), error.headers)


async def _wrong(_: Request, error: Exception) -> Response:
    return answer(400, str(error))


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return answer(422, "The body of this request is not JSON.")
    where = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    return answer(422, f"{where or 'The request'}: {first['msg']}.")


async def _other(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.scope["path"][:100]  # request.url raises for a Host that is none
    sentences = {
        404: f"There is nothing at {path}.",
        405: f"{request.method} is not for {path}.",
    }
    sentence = sentences.get(error.status_code, f"{error.detail}.")
    return answer(error.status_code, sentence, error.headers)


async def _defect(_: Request, error: Exception) -> Response:
    return answer(500, f"A defect of this server ({type(error).__name__}); its log says more.")
