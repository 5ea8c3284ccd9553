"""The request guard: hosts, origins, tokens and sizes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from starlette.responses import Response
from starlette.types import Message

from strangers.sampling.model import Model
from strangers.web.security import HEADERS, MAX_JSON_BYTES, MAX_UPLOAD_BYTES, RequestGuard, Token, is_loopback
from strangers.web.service import NamedModel, Service

from .support import Served, serving

TOKEN = "correct horse"


@pytest.fixture(scope="module")
def guarded(model: Model, trained: Path, quick_directions: None) -> Iterator[Served]:
    """A server with a token, as for other machines."""
    del quick_directions
    with serving(Service([NamedModel("tiny", model)], [trained]), token=TOKEN, host="0.0.0.0") as served:
        yield served


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "",
        "[::2]",
        "localhost.evil",
    ],
)
def test_a_foreign_host_is_refused(served: Served, host: str) -> None:
    answer = served.client.get("/", headers={"Host": host})
    assert answer.status_code in (400, 403)
    assert answer.status_code == 400 or "is not a name of this server" in answer.json()["error"]


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:9000", "LOCALHOST", "127.0.0.1:1", "[::1]:8000", "127.8.8.8"]
)
def test_names_of_this_machine_are_accepted(served: Served, host: str) -> None:
    assert served.client.get("/api/model", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["gpu-box", "gpu-box:8000", "GPU-BOX"])
def test_an_allowed_name_opens_the_page_and_others_do_not(model: Model, host: str) -> None:
    with serving(Service([NamedModel("tiny", model)]), allowed_hosts=["gpu-box"]) as served:
        headers = {"Host": host, "Origin": f"https://{host}"}
        assert served.client.get("/api/model", headers=headers).status_code == 200
        assert served.client.get("/api/model", headers={"Host": "gpu-box.evil.example"}).status_code == 403


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1", "http://localhost:1", "file://"]
)
def test_a_foreign_origin_is_refused(served: Served, origin: str) -> None:
    answer = served.client.post("/api/faces", json={"latents": [[0.0] * 100]}, headers={"Origin": origin})
    assert answer.status_code == 403
    assert "may not use" in answer.json()["error"]


def test_requests_of_the_page_itself_are_accepted(served: Served) -> None:
    headers = {"Origin": served.url, "Sec-Fetch-Site": "same-origin"}
    assert served.client.get("/api/model", headers=headers).status_code == 200


def test_a_foreign_page_cannot_embed_a_face_but_can_link_to_the_page(served: Served) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert served.client.get("/api/face/1.png", headers=foreign).status_code == 403
    assert served.client.get("/", headers=foreign | {"Sec-Fetch-Mode": "navigate"}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/model", "/api/face/1.png", "/api/none", "/api/faces?seeds=x"])
def test_every_response_has_the_security_headers(served: Served, path: str) -> None:
    answer = served.client.get(path)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    policy = answer.headers["content-security-policy"]
    # WebAssembly may be compiled, as Learn does; strings may not become code.
    assert "unsafe" not in policy.replace("'wasm-unsafe-eval'", "")
    assert "cache-control" in answer.headers
    assert "server" not in answer.headers


@pytest.mark.parametrize(
    ("path", "most"), [("/api/faces", MAX_JSON_BYTES), ("/api/invert", MAX_UPLOAD_BYTES)]
)
def test_a_body_declared_too_large_is_refused_unread(served: Served, path: str, most: int) -> None:
    for length in (most + 1, "9" * 50, "-1", "x"):
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", port_of(served)), timeout=20) as connection:
            connection.sendall(head.encode())
            answer = b"".join(iter(lambda: connection.recv(10_000), b"")).decode()
        assert answer.startswith(("HTTP/1.1 413", "HTTP/1.1 400")), answer
        assert length != most + 1 or "may have at most" in answer


def test_an_endless_body_is_refused(served: Served) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(MAX_JSON_BYTES // 2**16 + 1):
            yield b" " * 2**16

    with httpx.Client(base_url=served.url) as client, suppress(httpx.TransportError):  # it may hang up
        assert client.post("/api/faces", content=chunks()).status_code == 413
    assert served.client.get("/api/model").status_code == 200


def port_of(served: Served) -> int:
    return int(served.url.rsplit(":", 1)[1])


@pytest.mark.parametrize("wanted", ["bytes=-1-0", "bytes=0-3", "lines=1"])
def test_a_range_is_ignored(served: Served, wanted: str) -> None:
    whole, part = (served.client.get("/", headers=headers) for headers in ({}, {"Range": wanted}))
    assert (part.status_code, part.content) == (200, whole.content)


def test_the_server_survives_malformed_requests(served: Served) -> None:
    for data in (
        b"\x00\xff\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 70_000,
        b"POST /api/faces HTTP/1.1\r\n",
    ):
        with socket.create_connection(("127.0.0.1", port_of(served)), timeout=5) as connection:
            connection.sendall(data)
    assert served.client.get("/api/model").status_code == 200


def test_without_the_token_only_the_page_is_served(guarded: Served) -> None:
    assert guarded.client.get("/").status_code == 200
    for path in ("/api/model", "/api/face/1.png", "/api/runs", "/api/openapi.json", "/api/none"):
        answer = guarded.client.get(path)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "token" in answer.json()["error"]


@pytest.mark.parametrize("given", ["", "wrong", TOKEN + "x", TOKEN[:-1], "é"])
def test_a_wrong_token_opens_nothing(guarded: Served, given: str) -> None:
    bearer = {b"Authorization": f"Bearer {given or '-'}".encode()}
    assert guarded.client.get("/api/model", headers=bearer).status_code == 401
    answer = guarded.client.post("/api/session", json={"token": given})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_the_token_opens_the_api_and_its_responses_are_private(guarded: Served) -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    answer = guarded.client.get("/api/face/1.png", headers=bearer)
    assert answer.status_code == 200
    assert answer.headers["cache-control"].startswith("private")


def test_a_token_is_exchanged_for_a_cookie(guarded: Served) -> None:
    with httpx.Client(base_url=guarded.url) as browser:
        answer = browser.post("/api/session", json={"token": TOKEN})
        assert answer.status_code == 204
        assert TOKEN not in answer.headers["set-cookie"]
        assert {"HttpOnly", "SameSite=strict"} <= set(answer.headers["set-cookie"].split("; "))
        assert browser.get("/api/model").status_code == 200
    name, _ = Token(TOKEN).cookie
    assert guarded.client.get("/api/model", headers={"Cookie": f"{name}=0"}).status_code == 401


def test_a_public_server_accepts_addresses_but_not_foreign_names(guarded: Served) -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert guarded.client.get("/api/model", headers=bearer | {"Host": "192.168.1.7:8000"}).status_code == 200
    assert guarded.client.get("/api/model", headers=bearer | {"Host": "evil.example"}).status_code == 403


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("box.lan", False),
    ],
)
def test_loopback_hosts_are_recognized(host: str, answer: bool) -> None:
    assert is_loopback(host) is answer


def test_a_slow_reader_counts_until_it_has_read_the_response() -> None:
    async def answer_slowly() -> list[int]:
        guard, sent, taken = (
            RequestGuard(Response(b"face"), "127.0.0.1", None),
            list[Message](),
            asyncio.Event(),
        )

        async def receive() -> Message:
            return {"type": "http.request"}

        async def send(message: Message) -> None:  # as a server does: what is sent waits for what was sent
            if sent and sent[-1].get("body"):
                await taken.wait()
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", b"localhost")]}
        asking = asyncio.ensure_future(guard(scope, receive, send))
        await asyncio.sleep(0.01)
        before = guard.requests
        taken.set()
        await asking
        assert b"".join(message.get("body", b"") for message in sent) == b"face"
        return [before, guard.requests]

    assert asyncio.run(answer_slowly()) == [1, 0]
