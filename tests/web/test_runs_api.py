"""The API of runs lists them by number, and reports one that does not exist."""

from __future__ import annotations

from .support import Served


def test_runs_are_listed_as_each_is_returned(served: Served) -> None:
    (listed,) = served.client.get("/api/runs").json()["runs"]
    assert listed == served.client.get("/api/runs/1").json()
    assert listed["id"] == "1"


def test_curves_are_columns_of_one_length(served: Served) -> None:
    curves = served.client.get("/api/runs/1/log").json()
    assert len({len(column) for column in curves["columns"].values()}) == 1
    for metric in curves["metrics"].values():
        assert len(metric["images_seen"]) == len(metric["values"])


def test_an_unknown_run_is_not_found(served: Served) -> None:
    for path in ("/api/runs/9", "/api/runs/9/log", "/api/runs/9/samples/000001k.png"):
        response = served.client.get(path)
        assert response.status_code == 404
        assert "GET /api/runs lists all" in response.json()["error"]
