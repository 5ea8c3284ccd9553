"""The API agrees with its OpenAPI document for generated requests."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from .support import Served

schemathesis = pytest.importorskip("schemathesis", reason="Schemathesis is of the extra dev")


def test_no_request_makes_the_server_fail(served: Served) -> None:
    """No answer of 500 or above, a sentence with each refusal, and only statuses that the document names."""
    from schemathesis.generation import GenerationMode

    schema = schemathesis.openapi.from_dict(served.client.get("/api/openapi.json").json())
    seen = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        seen.add(operation.path)
        known = {int(status) for status in operation.definition.raw["responses"]}
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            with suppress(Unsatisfiable):  # where there is nothing that could be wrong
                send_many(served, operation.as_strategy(generation_mode=mode), known)
    assert {"/api/faces", "/api/edit", "/api/invert", "/api/runs/{run}/log", "/api/session"} <= seen


def send_many(served: Served, cases: Any, known: set[int]) -> None:
    @settings(
        max_examples=3,
        derandomize=True,  # a defect that is found once is found every time
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def send(case: Any) -> None:
        answer = case.call(base_url=served.url)
        assert answer.status_code < 500, f"{case.method} {case.formatted_path}: {answer.text}"
        assert answer.status_code in known | {405}, f"{case.method} {case.formatted_path}: {answer.text}"
        if answer.status_code >= 400:
            assert set(json.loads(answer.text)) == {"error"}

    send()


def test_every_operation_has_a_description(served: Served) -> None:
    document = served.client.get("/api/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation.get("description") or operation["operationId"].startswith("session"), (
                method,
                path,
            )


def test_no_page_loads_scripts_from_other_hosts(served: Served) -> None:
    assert isinstance(served.client, httpx.Client)
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert served.client.get(path).status_code == 404
