"""Faces over HTTP: the same as in Python, alone or together, and cacheable."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from pydantic import BaseModel, ValidationError

from strangers.data.face_detection import certainties
from strangers.images import read_provenance
from strangers.latent.rejection import DEFAULT_REJECTION, least_certainty
from strangers.sampling.latents import latents
from strangers.sampling.model import Model
from strangers.web.schemas import Edit, LatentsOfFaces

from .support import Served, directions_of


def pixels(response: httpx.Response) -> np.ndarray:
    """The faces of a raw answer."""
    assert response.status_code == 200, response.text
    count, size = int(response.headers["faces"]), int(response.headers["face-size"])
    return np.frombuffer(response.content, np.uint8).reshape(count, size, size, 3)


def test_the_page_and_all_its_files_are_served(served: Served) -> None:
    page = served.client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    for name in ("app.js", "main.js", "http-source.js", "views/explore.js", "style.css", "icon.svg"):
        assert served.client.get(f"/{name}").status_code == 200, name
    again = served.client.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_model_describes_itself(served: Served, model: Model) -> None:
    data = served.client.get("/api/model").json()
    assert data["hash"] == model.hash
    assert (data["size"], data["latent_size"], data["latent"]) == (32, 100, "normal")


def test_faces_of_seeds_equal_those_of_python(served: Served, model: Model) -> None:
    answer = served.client.get(
        "/api/faces", params={"seeds": "3,0-4,18446744073709551615", "truncation": 0.7}
    )
    seeds = [3, 0, 1, 2, 3, 4, 2**64 - 1]
    assert np.array_equal(pixels(answer), model.sample(seeds, truncation=0.7))


def test_certainties_are_those_of_the_detector(served: Served, model: Model) -> None:
    answer = served.client.get("/api/certainties", params={"seeds": "14-18,15", "truncation": 1})
    found, seeds = answer.json(), [14, 15, 16, 17, 18, 15]
    np.testing.assert_allclose(found["certainties"], certainties(model.sample(seeds)), atol=1e-6)
    assert found["least"] == least_certainty(model, DEFAULT_REJECTION)
    assert model.hash in answer.headers["etag"]
    other = served.client.get("/api/certainties?seeds=14&truncation=0.5").json()["certainties"]
    np.testing.assert_allclose(other, certainties(model.sample([14], truncation=0.5)), atol=1e-6)
    described = served.client.get("/api/model").json()
    assert (described["rejected"], described["shows_best"]) == (DEFAULT_REJECTION, False)


def test_a_png_is_the_face_and_has_its_provenance(served: Served, model: Model, tmp_path: Path) -> None:
    answer = served.client.get("/api/face/17.png", params={"truncation": 0.5})
    (tmp_path / "17.png").write_bytes(answer.content)
    assert np.array_equal(
        np.asarray(Image.open(BytesIO(answer.content))), model.sample([17], truncation=0.5)[0]
    )
    origin = read_provenance(tmp_path / "17.png")
    assert (origin.model_hash, origin.seeds, origin.truncation) == (model.hash, "17", 0.5)


@pytest.mark.parametrize("path", ["/api/face/17.png", "/api/faces?seeds=0-3"])
def test_caches_may_keep_a_face_for_ever(served: Served, model: Model, path: str) -> None:
    answer = served.client.get(path)
    assert model.hash in answer.headers["etag"]
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    again = served.client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    joint = "&" if "?" in path else "?"
    assert served.client.get(f"{path}{joint}model={model.hash}").status_code == 200
    other = served.client.get(f"{path}{joint}model=0123")
    assert other.status_code == 409
    assert "reload the page" in other.json()["error"]


def test_latents_of_seeds_draw_the_faces_of_seeds(served: Served, model: Model) -> None:
    data = served.client.get("/api/latents?seeds=5,6").json()["latents"]
    assert np.array_equal(np.array(data, np.float32), latents([5, 6], 100, "normal"))
    answer = served.client.post("/api/faces", json={"latents": data, "truncation": 0.7})
    assert np.array_equal(pixels(answer), model.sample([5, 6], truncation=0.7))


def test_the_png_of_a_latent_says_that_it_was_generated(served: Served, model: Model, tmp_path: Path) -> None:
    z = latents([5], 100, "normal")
    answer = served.client.post("/api/face.png", json={"latents": z.tolist()})
    (tmp_path / "face.png").write_bytes(answer.content)
    origin = read_provenance(tmp_path / "face.png")
    assert (origin.model_hash, origin.seeds, origin.latents) == (model.hash, "", "chosen on the page")
    assert np.array_equal(np.asarray(Image.open(BytesIO(answer.content))), model.decode(z)[0])


def test_edits_equal_those_of_python(served: Served, model: Model) -> None:
    strengths = {"Smiling": 1.5, "Blond_Hair": -2.0}
    job = {"seeds": "3,4", "strengths": strengths, "truncation": 0.8}
    z = directions_of(model).edit(latents([3, 4], 100, "normal") * np.float32(0.8), strengths)
    assert np.array_equal(pixels(served.client.post("/api/edit", json=job)), model.decode(z))


def test_directions_have_their_vectors(served: Served, model: Model) -> None:
    data = served.client.get("/api/directions").json()
    assert (data["state"], data["names"]) == ("ready", ["Smiling", "Blond_Hair"])
    assert np.array_equal(np.array(data["vectors"], np.float32), directions_of(model).vectors)


def test_many_clients_get_the_faces_that_each_would_get_alone(served: Served, model: Model) -> None:
    served.service.model_service.face_cache._kept.clear()

    def ask(number: int) -> bool:
        if number % 3 == 0:  # the same wall for many, another truncation for each third
            seeds, truncation = list(range(40)), 0.9
        else:
            seeds, truncation = list(range(number, number + number % 5 + 1)), 1.0
        with httpx.Client(base_url=served.url, timeout=60) as client:
            words = {"seeds": ",".join(map(str, seeds)), "truncation": str(truncation)}
            return np.array_equal(pixels(client.get("/api/faces", params=words)), wanted(seeds, truncation))

    def wanted(seeds: list[int], truncation: float) -> np.ndarray:
        return model.sample(seeds, truncation=truncation)

    with ThreadPoolExecutor(32) as crowd:
        assert all(crowd.map(ask, range(64)))


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/faces?seeds=", 400, "Invalid seeds"),
        ("/api/faces?seeds=x", 400, "Invalid seeds"),
        ("/api/faces?seeds=5-2", 400, "is reversed"),
        ("/api/faces?seeds=0-256", 400, "more than 256"),
        ("/api/faces?seeds=0-9999999", 400, "more than 256"),
        ("/api/faces?seeds=18446744073709551616", 400, "Invalid seed"),
        ("/api/faces?seeds=" + "1," * 1001, 422, "at most 2000"),
        ("/api/faces", 422, "seeds"),
        ("/api/faces?seeds=1&truncation=0", 422, "truncation"),
        ("/api/faces?seeds=1&truncation=1.01", 422, "truncation"),
        ("/api/faces?seeds=1&truncation=nan", 422, "truncation"),
        ("/api/face/x.png", 422, "seed"),
        ("/api/face/-1.png", 422, "seed"),
        ("/api/face/18446744073709551616.png", 422, "seed"),
        ("/api/face/" + "9" * 5000 + ".png", 422, "seed"),
        ("/api/nothing", 404, "/api/nothing"),
        ("/../../etc/passwd", 404, "nothing at"),
        ("/%2e%2e/app.py", 404, "nothing at"),
        ("/views/../../app.py", 404, "nothing at"),
    ],
)
def test_a_wrong_request_is_answered_with_a_message(
    served: Served, path: str, status: int, words: str
) -> None:
    answer = served.client.get(path)
    assert answer.status_code == status
    assert words in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/api/faces", b"{", "JSON"),
        ("/api/faces", b"\xff\xfe", ""),
        ("/api/faces", b"[" * 100_000, ""),
        ("/api/faces", b'{"latents": []}', "at least 1"),
        ("/api/faces", b'{"latents": [[1, 2]]}', "100 numbers, not 2"),
        ("/api/faces", b'{"latents": [[NaN]]}', ""),
        ("/api/faces", b'{"latents": [[1e400]]}', ""),
        ("/api/faces", b'{"latents": [[' + b"1" * 5000 + b"]]}", ""),
        ("/api/faces", b'{"latents": [["\\ud800"]]}', ""),
        ("/api/faces", b'{"latents": ' + str([[0]] * 257).encode() + b"}", "256"),
        ("/api/faces", b'{"more": 1, "latents": [[0]]}', "more"),
        ("/api/edit", b'{"seeds": "1"}', "strengths"),
        ("/api/edit", b'{"strengths": {}}', "either seeds or latents"),
        ("/api/edit", b'{"seeds": "1", "strengths": {"\\ud800": 1}}', "no direction"),
        ("/api/edit", b'{"seeds": "1", "strengths": {"Smiling": 1e9}}', "Smiling"),
        ("/api/session", b'{"token": 7}', "token"),
    ],
)
def test_a_wrong_body_is_answered_with_a_message(served: Served, path: str, body: bytes, words: str) -> None:
    answer = served.client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert words in answer.json()["error"]


@pytest.mark.parametrize(
    ("message", "body"),
    [
        (LatentsOfFaces, b'{"latents":[' + b",".join([b"[" + b'"",' * 4095 + b'""]'] * 256) + b"]}"),
        (Edit, b"{" + b",".join(b'"%d":1' % number for number in range(300_000)) + b"}"),
        (Edit, b'{"strengths":{' + b",".join(b'"%d":""' % number for number in range(300_000)) + b"}}"),
    ],
)
def test_a_body_with_many_mistakes_costs_little(message: type[BaseModel], body: bytes) -> None:
    with pytest.raises(ValidationError) as caught:
        message.model_validate(json.loads(body))
    assert caught.value.error_count() <= 101


def test_a_wrong_method_is_answered_under_an_invalid_host(served: Served) -> None:
    for method, status in (("OPTIONS", 405), ("PUT", 405)):
        answer = served.client.request(method, "/api/session", headers={"Host": "[::1"})
        assert (answer.status_code, answer.json()) == (
            status,
            {"error": f"/api/session does not take {method} requests."},
        )
