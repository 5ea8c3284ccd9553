"""Photographs over HTTP: streamed inversions, a limit, and errors for other files."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from strangers.latent.ood import OOD_THRESHOLD
from strangers.latent.photograph import as_seen
from strangers.sampling.model import Model
from strangers.web.jobs import MAX_INVERSIONS

from .support import Served, wait_until


@pytest.fixture
def picture(model: Model) -> bytes:
    """A face of the model itself, as a file."""
    file = BytesIO()
    Image.fromarray(model.sample([5])[0]).resize((80, 100)).save(file, "PNG")
    return file.getvalue()


def events(response: httpx.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    """Server-sent events as they come."""
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def test_an_inversion_streams_its_steps(served: Served, model: Model, picture: bytes) -> None:
    with served.client.stream("POST", "/api/invert?steps=21", content=picture) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        (first, photograph), (second, ood), *steps = events(answer)
    assert first == "photograph"
    seen = as_seen(picture, model)
    assert base64.b64decode(photograph["face"]) == seen.pixels.tobytes()
    assert (photograph["width"], photograph["height"], photograph["missed"]) == (80, 100, seen.missed)
    assert photograph["square"] == [0, 10, 80, 10]
    assert second == "ood_score"
    assert ood["out_of_distribution"] == (ood["ood_score"] > OOD_THRESHOLD)
    assert {name for name, _ in steps} == {"step"}
    assert [step["step"] for _, step in steps] == [10, 20, 21]
    last = steps[-1][1]
    face = model.decode(np.array([last["latent"]], np.float32))
    assert base64.b64decode(last["face"]) == face.tobytes()


def test_the_client_may_choose_the_square_that_the_model_sees(
    served: Served, model: Model, picture: bytes
) -> None:
    address = "/api/invert?steps=1&square=70,20,70.5,80"
    with served.client.stream("POST", address, content=picture) as answer:
        _, photograph = next(events(answer))
    assert photograph["square"] == [70, 20, 70.5, 80]
    expected = as_seen(picture, model, square=(70, 20, 70.5, 80)).pixels
    assert base64.b64decode(photograph["face"]) == expected.tobytes()


@pytest.mark.parametrize(
    ("square", "status", "words"),
    [("1,2,3", 422, "square"), ("nan,0,1,1", 422, "square"), ("0,0,4,0", 400, "a side of 8 to 200 px")],
)
def test_a_square_that_cannot_be_shown_is_refused(
    served: Served, picture: bytes, square: str, status: int, words: str
) -> None:
    answer = served.client.post(f"/api/invert?square={square}", content=picture)
    assert answer.status_code == status
    assert words in answer.json()["error"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"no picture", "not an image"),
        (b"\xff\xd8\xff\xe0 cut short", "cannot be used"),
        (b"P6 100000 100000 255\n", "too large"),
        (b"GIF89a" + bytes(range(256)), "cannot be used"),
    ],
)
def test_a_broken_picture_is_refused(served: Served, data: bytes, words: str) -> None:
    answer = served.client.post("/api/invert", content=data)
    assert 400 <= answer.status_code < 500
    assert words in answer.json()["error"]


def test_a_photograph_is_never_parsed_as_json(served: Served, picture: bytes) -> None:
    """Other requests would wait while 20 MiB of JSON are parsed on the event loop."""
    json_type = {"Content-Type": "application/json"}
    refused = served.client.post("/api/invert", content=b"[0]", headers=json_type)
    assert (refused.status_code, "not an image" in refused.json()["error"]) == (400, True)
    with served.client.stream("POST", "/api/invert?steps=1", content=picture, headers=json_type) as answer:
        assert answer.status_code == 200


def test_few_inversions_run_at_once_and_abandoned_ones_end(served: Served, picture: bytes) -> None:
    inversions = served.service.model_service.inversions
    wait_until(lambda: not any(thread.is_alive() for thread in inversions.threads))
    long = [
        served.client.stream("POST", "/api/invert?steps=1000", content=picture) for _ in range(MAX_INVERSIONS)
    ]
    answers = [stream.__enter__() for stream in long]
    assert [answer.status_code for answer in answers] == [200] * MAX_INVERSIONS
    one_more = served.client.post("/api/invert", content=picture)
    assert one_more.status_code == 429
    assert "try again" in one_more.json()["error"]
    for stream in long:
        stream.__exit__(None, None, None)
    wait_until(lambda: not any(thread.is_alive() for thread in inversions.threads))
    with served.client.stream("POST", "/api/invert?steps=1", content=picture) as answer:
        assert answer.status_code == 200
        assert [name for name, _ in events(answer)] == ["photograph", "ood_score", "step"]
