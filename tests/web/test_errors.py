"""Every error of the API is a small JSON object with one message."""

from __future__ import annotations

import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from strangers.errors import UsageError
from strangers.web.errors import MAX_MESSAGE_CHARACTERS, RequestError, add_error_handlers, error_response


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    add_error_handlers(app)

    @app.get("/raise/{kind}")
    def fail(kind: str) -> None:
        raise {
            "request": RequestError(429, "Too many.", {"Retry-After": "10"}),
            "usage": UsageError("Invalid seeds."),
            "bug": ZeroDivisionError("secret path /home/user"),
        }[kind]

    @app.get("/number")
    def number(value: int) -> int:
        return value

    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/raise/request", 429, "Too many."),
        ("/raise/usage", 400, "Invalid seeds."),
        ("/raise/bug", 500, "The server failed (ZeroDivisionError); see its log."),
        ("/number?value=x", 422, "value: Input should be a valid integer"),
        ("/nowhere", 404, "There is nothing at /nowhere."),
    ],
)
def test_an_error_has_a_status_and_a_message(
    client: TestClient, path: str, status: int, message: str
) -> None:
    response = client.get(path)
    assert response.status_code == status
    assert list(response.json()) == ["error"]
    assert response.json()["error"].startswith(message)
    assert response.headers["cache-control"] == "no-store"


def test_a_wrong_method_is_named(client: TestClient) -> None:
    assert client.post("/number").json() == {"error": "/number does not take POST requests."}


def test_headers_of_an_error_are_sent(client: TestClient) -> None:
    assert client.get("/raise/request").headers["retry-after"] == "10"


def test_a_message_is_short_and_ascii_even_of_half_a_surrogate_pair() -> None:
    body = bytes(error_response(400, "\ud800" + "x" * 10_000).body)
    assert body.isascii()
    assert len(json.loads(body)["error"]) == MAX_MESSAGE_CHARACTERS
