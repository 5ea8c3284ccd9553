"""Small screens, dialogs and messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from strangers.web.run_reader import RunReader
from strangers.web.service import open_service

from ..web.support import Served, serving
from .support import DESKTOP, PHONE, OpenPage, fits, picture_of, soon, unnamed, upload

SMALL: dict[str, Any] = {
    "viewport": {"width": 320, "height": 568}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True,
}  # fmt: skip
BOX = "(s) => { const b = document.querySelector(s).getBoundingClientRect(); return [b.top, b.bottom]; }"


def test_at_320_px_the_seed_field_is_readable_and_the_wall_is_in_sight(open_page: OpenPage) -> None:
    page = open_page("#seed=17", SMALL)
    page.wait_for_selector(".face[data-seen]")
    field = page.get_by_label("First seed")
    field.fill("4294967295")
    assert field.evaluate("it => it.scrollWidth <= it.clientWidth")
    assert fits(page)
    assert unnamed(page) == []
    page.evaluate("window.scrollTo(0, 1000)")
    page.wait_for_timeout(300)
    (_, header), (bar, _) = page.evaluate(BOX, "header"), page.evaluate(BOX, ".faces aside")
    toolbar = page.evaluate(BOX, ".toolbar")[1]
    assert bar - max(header, toolbar) > 0.6 * 568


def test_every_view_fits_320_px_and_its_tab_is_in_sight(open_page: OpenPage) -> None:
    page = open_page("#seed=17", SMALL)
    for view in ("Explore", "Photograph", "Training", "Game", "Learn", "Faces"):
        tab = page.get_by_role("link", name=view)
        tab.click()
        page.locator("nav [aria-current]", has_text=view).wait_for()
        page.locator("main h1").wait_for()
        page.wait_for_timeout(200)
        assert fits(page), view
        if view == "Learn":  # a chart without values is pointed at
            page.get_by_role("img", name="Losses, no values yet").hover()
        box = tab.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320


def test_the_last_face_is_not_covered(open_page: OpenPage) -> None:
    page = open_page("", SMALL)
    page.wait_for_selector(".face[data-seen]")
    page.get_by_label("First seed").fill("18446744073709551600")
    page.keyboard.press("Enter")
    last = page.get_by_role("button", name="Face 18446744073709551615")
    last.wait_for()
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.wait_for_timeout(300)
    box = last.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= page.evaluate(BOX, ".faces aside")[0]


def test_the_token_dialog_closes_and_can_be_opened_again(site: Served, open_page: OpenPage) -> None:
    with serving(site.service, token="sesame", keep=True) as guarded:
        page = open_page("", url=guarded.url)
        dialog = page.locator("#token")
        for how in ("Escape", "outside", "button"):
            dialog.wait_for()
            if how == "Escape":
                page.keyboard.press("Escape")
            elif how == "outside":
                page.mouse.click(5, 5)
            else:
                page.get_by_role("button", name="Close").click()
            dialog.wait_for(state="hidden")
            page.get_by_role("button", name="Try again").click()  # no dialog that comes back by itself
        page.locator("#token input").fill("sesame")
        page.get_by_role("button", name="Open").click()
        page.wait_for_selector(".face[data-seen]")
        page.close()
    complaints: list[str] = open_page.complaints  # type: ignore[attr-defined]
    complaints[:] = [line for line in complaints if "401 (Unauthorized)" not in line]  # which was provoked


def test_a_refused_upload_leaves_nothing_of_the_one_before(site: Served, open_page: OpenPage) -> None:
    page = open_page("#view=photograph")
    upload(page, "face.png", picture_of(site, 4))
    page.get_by_text("Step ").wait_for(timeout=300_000)
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Stopped.").wait_for()
    assert page.locator(".inversion").is_visible()
    upload(page, "no.png", b"no picture")
    page.get_by_text("This photograph cannot be used").wait_for()
    assert page.locator(".inversion").is_hidden()
    assert page.locator(".inversion-search [role=status]").first.inner_text() == ""
    complaints: list[str] = open_page.complaints  # type: ignore[attr-defined]
    complaints[:] = [line for line in complaints if "400 (Bad Request)" not in line]  # which was provoked


def test_no_time_is_left_where_nothing_trains(
    site: Served, open_page: OpenPage, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "recipe.json").write_bytes((trained / "recipe.json").read_bytes())
    line = {
        "images_seen": 64,
        "images_per_second": 10.0,
        "seconds": 6.4,
        "real_loss": 1.0,
        "real_accuracy": 0.5,
    }
    (tmp_path / "log.jsonl").write_text(json.dumps(line) + "\n")
    monkeypatch.setattr("strangers.web.run_reader.IDLE_SECONDS", 0)
    monkeypatch.setitem(site.service.runs, "9", RunReader(tmp_path))
    page = open_page("#view=training")
    run = page.locator(".run").last
    run.get_by_text("not training").wait_for()
    assert soon(lambda: run.get_by_text("64 of 128").is_visible(), page)
    assert run.get_by_text("Time left").count() == 0


def test_the_header_names_what_is_shown(open_page: OpenPage, trained: Path) -> None:
    with serving(open_service([str(trained)])) as served:
        page = open_page("", url=served.url)
        page.wait_for_selector(".face[data-seen]")
        assert page.locator("#model").inner_text().startswith(f"{trained.name}, 32 px")
        page.close()


@pytest.mark.parametrize("size", [SMALL, PHONE, DESKTOP], ids=["small", "phone", "desktop"])
def test_the_longest_strength_is_readable(open_page: OpenPage, size: dict[str, Any]) -> None:
    page = open_page("#view=explore&seed=17&edit=Smiling:-2.75", size)
    field = page.get_by_label("Smiling, as a number")
    assert soon(lambda: field.input_value() == "-2.75", page)
    assert field.evaluate("it => it.scrollWidth <= it.clientWidth")
