"""The application serves the files of the page and one description of its API."""

from __future__ import annotations

from fastapi.testclient import TestClient

from strangers.web.app import create_app, static_files
from strangers.web.service import Service

HOST = "http://127.0.0.1"


def test_every_file_of_the_page_is_served() -> None:
    client = TestClient(create_app(Service()), base_url=HOST)
    files = dict(static_files())
    assert {path.suffix for path in files} == {".css", ".html", ".js", ".svg"}
    for path, content in files.items():
        response = client.get(f"/{path}")
        assert response.status_code == 200, path
        assert response.content == content
    assert client.get("/").content == client.get("/index.html").content
    assert client.get("/main.js").headers["content-type"].startswith("text/javascript")


def test_the_api_is_described_and_no_page_of_documentation_is_served() -> None:
    client = TestClient(create_app(Service()), base_url=HOST)
    paths = client.get("/api/openapi.json").json()["paths"]
    assert {"/api/model", "/api/faces", "/api/runs", "/api/session"} <= paths.keys()
    assert client.get("/docs").status_code == client.get("/redoc").status_code == 404


def test_without_a_token_a_session_sets_no_cookie() -> None:
    client = TestClient(create_app(Service()), base_url=HOST)
    response = client.post("/api/session", json={"token": "x"}, headers={"Origin": HOST})
    assert response.status_code == 204
    assert "set-cookie" not in response.headers
