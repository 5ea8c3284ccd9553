"""A browser, and a page in it that must neither complain nor ask anybody else for anything.

STRANGERS_SCREENSHOTS=DIR keeps pictures of the views for the docs; with STRANGERS_SOURCES="MODEL RUN" they
show those in place of a small model that nobody trained.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from strangers.sampling.model import Model
from strangers.web.service import NamedModel, Service, open_service

from ..web.conftest import model, quick_directions  # noqa: F401 (fixtures)
from ..web.support import Served, serving, wait_until
from .support import DESKTOP, OpenPage

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

SOURCES = os.environ.get("STRANGERS_SOURCES", "").split()


@pytest.fixture(scope="session")
def site(model: Model, trained: Path, quick_directions: None) -> Iterator[Served]:  # noqa: F811
    """A server of a model, and of the same run twice, side by side."""
    del quick_directions
    service = open_service(SOURCES) if SOURCES else Service([NamedModel("tiny", model)], [trained, trained])
    with serving(service) as served:
        wait_until(lambda: served.service.model_service.finder.found.state != "searching", seconds=600)
        yield served


@pytest.fixture
def open_page(browser: Browser, site: Served) -> Iterator[OpenPage]:
    """Opens an address of the site, on a desktop or a phone, and checks at the end that all was quiet."""
    complaints: list[str] = []
    contexts = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    def on_request(request: Request, url: str) -> None:
        if not request.url.startswith((url, "blob:")):
            complaints.append(f"asked for {request.url}")

    def open_at(
        address: str, device: dict[str, Any] = DESKTOP, *, url: str = site.url, **options: Any
    ) -> Page:
        context = browser.new_context(**device, **options)
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", on_console)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: on_request(request, url))
        page.goto(f"{url}/{address}")
        return page

    open_at.complaints = complaints  # type: ignore[attr-defined]
    yield open_at
    for context in contexts:
        context.close()
    assert complaints == []
