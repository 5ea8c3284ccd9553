"""Errors of the API. Each is returned as {"error": "..."}."""

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

MAX_MESSAGE_CHARACTERS = 500
"""Longer messages, which may repeat the request, are cut."""


class RequestError(StrangersError):
    """A request that is answered with a status of 400 to 499 and a message."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, dict(headers or {})


class ErrorBody(BaseModel):
    """The body of every error."""

    error: str


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe these errors for the OpenAPI document."""
    return {status: {"model": ErrorBody, "description": HTTPStatus(status).phrase} for status in statuses}


def error_response(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error as a response. Its JSON is ASCII, since not every text can be encoded as UTF-8."""
    body = json.dumps({"error": message[:MAX_MESSAGE_CHARACTERS]})
    return Response(body, status, {"Cache-Control": "no-store"} | dict(headers or {}), "application/json")


def add_error_handlers(app: FastAPI) -> None:
    """Let the app return every error as JSON."""
    app.add_exception_handler(RequestError, _request_error)
    app.add_exception_handler(StrangersError, _product_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(Exception, _unexpected_error)


async def _request_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    return error_response(error.status, str(error), error.headers)


async def _product_error(_: Request, error: Exception) -> Response:
    return error_response(400, str(error))


async def _validation_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return error_response(422, "The body of this request is not JSON.")
    field = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    return error_response(422, f"{field or 'The request'}: {first['msg']}.")


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.scope["path"][:100]  # request.url raises for an invalid Host header
    messages = {
        404: f"There is nothing at {path}.",
        405: f"{path} does not take {request.method} requests.",
    }
    message = messages.get(error.status_code, f"{error.detail}.")
    return error_response(error.status_code, message, error.headers)


async def _unexpected_error(_: Request, error: Exception) -> Response:
    return error_response(500, f"The server failed ({type(error).__name__}); see its log.")
