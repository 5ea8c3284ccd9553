"""Learn: a GAN that trains in the tab. Faces come nearer, the tab stays responsive, and nothing is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from strangers.export.lesson import export_lesson
from strangers.web import lesson

from .support import DESKTOP, PHONE, OpenPage, choose_file, fits, picture_of, shoot, soon, unnamed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from ..web.support import Served

DEVICES = pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
PATIENCE = 240
"""Seconds that a busy machine may take for what takes two."""


@pytest.fixture(autouse=True, scope="module")
def few_faces() -> Iterator[None]:
    """A sheet of 64 drawn faces, so that drawing them takes no time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lesson, "COUNT", 64)
        lesson.drawn_faces.cache_clear()
        yield
    lesson.drawn_faces.cache_clear()


def number(page: Page, field: str) -> float:
    """Return a measure of the watched faces, or the number of images."""
    return float(page.locator(".learn").evaluate(f"it => it.dataset.{field} ?? NaN"))


def start(page: Page) -> None:
    """Start the training from new networks, of batches of four."""
    soon(lambda: number(page, "images") == 0, page)
    page.get_by_role("slider", name="Batch").fill("4")
    page.get_by_role("button", name="Start", exact=True).click()


def frames(page: Page) -> int:
    """Return how many frames the tab draws in half a second."""
    count: int = page.evaluate(
        """() => new Promise((resolve) => { let n = 0; const end = performance.now() + 500;
        const next = () => { n++; performance.now() < end ? requestAnimationFrame(next) : resolve(n); };
        requestAnimationFrame(next); })"""
    )
    return count


@DEVICES
def test_faces_come_nearer_while_the_tab_stays_responsive(
    open_page: OpenPage, device: dict[str, Any]
) -> None:
    page = open_page("#view=learn", device)
    start(page)
    distance = number(page, "distance")
    assert soon(lambda: number(page, "images") > 0, page, PATIENCE)
    assert frames(page) >= 3  # a training in the page's own thread would leave one or two
    assert soon(lambda: number(page, "distance") < distance - 2, page, PATIENCE)
    assert number(page, "variety") > 0.05
    page.get_by_role("img", name=re.compile("^Losses, latest: Detective [0-9.]+, Forger")).wait_for()
    page.get_by_role("img", name=re.compile("^Opinions, mean: real faces 0[0-9.]+, fake")).wait_for()
    page.get_by_role("button", name="Pause").click()
    page.wait_for_timeout(300)
    paused = number(page, "images")
    page.wait_for_timeout(800)
    assert number(page, "images") == paused
    assert fits(page)
    assert unnamed(page) == []
    shoot(page, "learn", device)
    page.get_by_role("button", name="Start over").click()
    assert soon(lambda: number(page, "images") == 0, page)


def test_experiments_set_the_sliders_and_tell_what_to_watch(open_page: OpenPage) -> None:
    page = open_page("#view=learn")
    page.get_by_role("button", name="Make it collapse").click()
    assert page.get_by_text("mode collapse").is_visible()
    rate = page.get_by_role("slider", name="Forger's learning rate")
    assert rate.get_attribute("aria-valuetext") == "0.01"
    page.get_by_role("button", name="Let the detective win").click()
    assert page.get_by_role("slider", name="Detective's steps").input_value() == "4"
    assert page.get_by_role("combobox", name="Loss").input_value() == "minimax"
    page.get_by_role("button", name="Mend it").click()
    assert page.get_by_role("slider", name="R1 penalty").input_value() == "1"


def test_it_stops_where_nobody_looks_and_own_pictures_stay_in_the_tab(
    site: Served, open_page: OpenPage
) -> None:
    page = open_page("#view=learn")
    soon(lambda: number(page, "images") == 0, page)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.method} {request.url}"))
    choose_file(page, "Use my pictures", "face.png", picture_of(site, 4))
    page.locator("figcaption", has_text="1 picture of yours").wait_for()
    start(page)
    assert soon(lambda: number(page, "images") > 0, page, PATIENCE)
    assert [request for request in sent if "/api/runs" not in request] == []
    page.get_by_role("link", name="Training").click()
    page.get_by_role("link", name="Learn").click()
    page.get_by_role("button", name="Start", exact=True).wait_for()
    page.get_by_role("button", name="Use drawn faces").click()
    page.locator("figcaption", has_text="drawn by a program").wait_for()
    assert soon(lambda: number(page, "images") == 0, page)
    assert page.get_by_role("button", name="Use drawn faces").is_hidden()


def test_the_lesson_is_one_file_that_opens_by_a_double_click(browser: Browser, tmp_path: Path) -> None:
    out = tmp_path / "lesson.html"
    size = export_lesson(out)
    assert size == out.stat().st_size < 3e6
    page = browser.new_page(**PHONE)
    page.set_default_timeout(60_000)
    complaints: list[str] = []
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.append(request.url))
    page.goto(out.as_uri())
    start(page)
    distance = number(page, "distance")
    assert soon(lambda: number(page, "distance") < distance - 2, page, PATIENCE)
    assert fits(page)
    page.close()
    own = ("blob:", "data:", out.as_uri())
    assert [complaint for complaint in complaints if not complaint.startswith(own)] == []
