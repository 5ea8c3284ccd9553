"""Explore: what is dragged, held, played and undone is what is shown, named and saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from ..web.support import Served
from .support import (
    DESKTOP,
    PHONE,
    OpenPage,
    at,
    becomes,
    fits,
    label,
    marker,
    shown,
    soon,
    undo_steps,
    unnamed,
)

if TYPE_CHECKING:
    from playwright.sync_api import Position


def test_undo_in_the_plane_moves_the_marker(site: Served, open_page: OpenPage) -> None:
    model = site.service.model_service.model
    page = open_page("#view=explore&seed=17")
    page.wait_for_selector(".pad[data-drawn]")
    assert marker(page) == pytest.approx((0, 0), abs=0.01)
    box = page.locator(".pad").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 2, steps=8)  # to B, which is face 18
    assert becomes(page, model.sample([18])[0])
    page.mouse.up()
    assert label(page) == "Face 18"
    assert marker(page) == pytest.approx((1, 0), abs=0.01)
    page.get_by_role("button", name="Undo").click()
    assert becomes(page, model.sample([17])[0])
    assert marker(page) == pytest.approx((0, 0), abs=0.01)
    page.get_by_role("button", name="Redo").click()
    assert marker(page) == pytest.approx((1, 0), abs=0.01)
    assert undo_steps(page) == 1  # the drag is one


def test_a_held_key_is_one_undo_step(open_page: OpenPage) -> None:
    page = open_page("#view=explore&seed=17")
    page.wait_for_selector(".pad[data-drawn]")
    slider = page.get_by_label("Smiling", exact=True)
    for control in (slider, page.locator(".pad"), page.get_by_label("Position")):
        control.focus()
        for _ in range(5):
            page.keyboard.down("ArrowRight")  # again while it is held: a repetition
        page.keyboard.up("ArrowRight")
    assert undo_steps(page) == 3
    assert slider.input_value() == "0"


def test_a_dragged_slider_is_one_undo_step(open_page: OpenPage) -> None:
    page = open_page("#view=explore&seed=17")
    slider = page.get_by_label("Smiling", exact=True)
    box = slider.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 9, box["y"] + box["height"] / 2, steps=10)
    page.mouse.up()
    assert float(slider.input_value()) > 2
    assert undo_steps(page) == 1


def test_undo_during_a_walk_returns_to_the_face_before_it(site: Served, open_page: OpenPage) -> None:
    model = site.service.model_service.model
    page = open_page("#view=explore&seed=17")
    page.wait_for_selector(".pad[data-drawn]")
    page.get_by_role("button", name="Play").click()
    assert soon(lambda: int(page.get_by_label("Position").input_value()) > 3, page)
    page.get_by_role("button", name="Undo").click()
    assert becomes(page, model.sample([17])[0])
    page.get_by_role("button", name="Play").wait_for()
    assert page.get_by_label("Position").input_value() == "0"
    assert marker(page) == pytest.approx((0, 0), abs=0.01)


def test_caption_link_and_download_of_a_walk_are_of_what_is_shown(site: Served, open_page: OpenPage) -> None:
    page = open_page("#view=explore&seed=17")
    page.wait_for_selector(".pad[data-drawn]")
    page.get_by_role("button", name="Play").click()
    assert soon(lambda: label(page) == "Face 17 + Face 18", page)
    assert soon(lambda: "mix=17,18,19" in at(page), page)  # while it plays
    page.get_by_role("button", name="Pause").click()
    assert soon(lambda: marker(page)[0] > 0, page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download PNG").click()
    saved = np.asarray(Image.open(download.value.path())).astype(int)
    assert np.abs(shown(page, len(saved)).astype(int) - saved).max() <= 1
    page.wait_for_timeout(600)
    frame, link = shown(page, len(saved)), at(page)
    again = open_page(link)
    again.wait_for_selector(".portrait[data-drawn]")
    assert soon(lambda: np.abs(shown(again, len(saved)).astype(int) - frame).max() <= 1, again)
    page.get_by_role("button", name="Undo").click()
    assert becomes(page, site.service.model_service.model.sample([17])[0])


def test_the_plane_follows_the_chosen_face(site: Served, open_page: OpenPage) -> None:
    page = open_page("#view=explore&seed=17")
    page.get_by_text("the plane through Face 17, Face 18 and Face 19").wait_for()
    page.get_by_role("link", name="Faces").click()
    page.get_by_role("button", name="Face 5", exact=True).click()
    page.get_by_role("button", name="Explore").click()
    page.get_by_text("the plane through Face 5, Face 6 and Face 7").wait_for()
    page.get_by_text("From Face 5 to Face 6 to Face 7 and back to Face 5.").wait_for()
    assert marker(page) == pytest.approx((0, 0), abs=0.01)
    page.get_by_role("button", name="Use current face at C").click()
    page.get_by_text("the plane through Face 5, Face 6 and Face 5").wait_for()
    page.get_by_role("link", name="Faces").click()
    page.get_by_role("button", name="Face 3", exact=True).click()
    page.get_by_role(
        "button", name="Explore"
    ).click()  # corners that were chosen stay, and say whose they are
    page.get_by_text("the plane through Face 5, Face 6 and Face 5").wait_for()
    assert page.locator(".point").is_hidden()
    page.get_by_role("button", name="Around the current face").click()
    page.get_by_text("the plane through Face 3, Face 4 and Face 5").wait_for()
    assert soon(lambda: page.locator(".point").is_visible(), page)


def test_an_edited_face_can_be_a_corner(open_page: OpenPage) -> None:
    page = open_page("#view=explore&seed=17&edit=Smiling:2")
    page.wait_for_selector(".pad[data-drawn]")
    page.wait_for_selector("text=Face 17 (edited)")
    page.get_by_role("button", name="Use current face at B").click()
    page.get_by_text("the plane through Face 17, Face 17 (edited) and Face 19").wait_for()
    assert marker(page) == pytest.approx((1, 0), abs=0.01)
    page.get_by_role("button", name="Undo").click()
    assert soon(lambda: at(page) == "#view=explore&seed=17&edit=Smiling:2", page)


def test_hold_to_compare(site: Served, open_page: OpenPage) -> None:
    model = site.service.model_service.model
    page = open_page("#view=explore&seed=17&edit=Smiling:3")
    page.wait_for_selector("text=Face 17 (edited)")
    page.wait_for_timeout(500)
    edited = shown(page, 32)
    hold = page.get_by_role("button", name="Hold to compare")
    hold.hover()
    page.mouse.down()
    assert becomes(page, model.sample([17])[0])
    assert label(page) == "Without edits"
    page.mouse.up()
    assert becomes(page, edited)
    hold.focus()
    page.keyboard.down("Space")
    assert becomes(page, model.sample([17])[0])
    page.keyboard.up("Space")
    assert becomes(page, edited)


def test_sliders_are_typed_and_reset_by_a_double_click(open_page: OpenPage) -> None:
    page = open_page("#view=explore&seed=17")
    slider = page.get_by_label("Smiling", exact=True)
    field = page.get_by_label("Smiling, as a number")
    for typed, value in (("1,25", "1.25"), ("nonsense", "1.25"), ("99", "3"), ("-0.5", "-0.5")):
        field.fill(typed)
        field.press("Enter")
        assert soon(lambda value=value: at(page).endswith(f"edit=Smiling:{value}"), page)  # type: ignore[misc]
    low, high = (slider.evaluate(f"it => +it.style.getPropertyValue('--{end}')") for end in ("low", "high"))
    assert (low, high) == pytest.approx((2.5 / 6, 0.5))  # the bar begins at zero, not at the end
    slider.dblclick()
    assert soon(lambda: at(page) == "#view=explore&seed=17", page)
    assert field.input_value() == "0.0"
    slider.dblclick()  # which changes nothing, as nonsense does not, and leaves no undo step
    assert undo_steps(page) == 4


def test_a_double_click_beside_the_thumb_is_one_undo_step(open_page: OpenPage) -> None:
    page = open_page("#view=explore&seed=17&edit=Smiling:2")
    slider = page.get_by_label("Smiling", exact=True)
    assert soon(lambda: slider.input_value() == "2", page)
    box = slider.bounding_box()
    assert box is not None
    place: Position = {"x": box["width"] / 4, "y": box["height"] / 2}
    other: Position = {"x": 3 * place["x"], "y": place["y"]}
    slider.dblclick(position=place)  # its first click moves the thumb there
    assert slider.input_value() == "0"
    page.get_by_role("button", name="Undo").click()
    assert slider.input_value() == "2"
    assert page.get_by_role("button", name="Undo").is_disabled()
    page.get_by_role("button", name="Redo").click()
    assert slider.input_value() == "0"
    slider.dblclick(position=place)  # back to where it began
    assert undo_steps(page) == 1
    slider.click(position=place)
    page.wait_for_timeout(600)  # so that the next click is not the second of a double click
    slider.click(position=other)
    assert undo_steps(page) == 2


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_favorites_are_kept_and_history_returns(
    site: Served, open_page: OpenPage, device: dict[str, object]
) -> None:
    model = site.service.model_service.model
    page = open_page("#seed=17", device)
    page.wait_for_selector(".face[data-seen]")
    page.get_by_role("button", name="Favorite", exact=True).click()
    page.get_by_text("Added to favorites.").wait_for()
    page.get_by_role("button", name="Face 5", exact=True).click()
    strip = page.get_by_role("group", name="Favorites and history")
    assert soon(lambda: strip.get_by_role("button", name="Face").count() == 2, page)
    assert soon(lambda: at(page) == "#seed=5", page)  # a later write would undo the next line
    page.goto(page.url.split("#")[0] + "#seed=8")
    page.reload()
    page.wait_for_selector(".portrait[data-drawn]")
    strip.get_by_role("button", name="Face 8").wait_for()  # chosen, and so in the history
    strip.get_by_role("button", name="Face 17").click()  # kept over a reload
    assert becomes(page, model.sample([17])[0])
    assert page.get_by_role("button", name="Favorite", exact=True).get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="Favorite", exact=True).click()
    page.get_by_text("Removed from favorites.").wait_for()
    strip.get_by_role("button", name="Face 8").click()  # of the history
    assert becomes(page, model.sample([8])[0])
    assert fits(page)
    assert unnamed(page) == []


def test_similar_faces_are_near_and_have_links(open_page: OpenPage) -> None:
    page = open_page("#view=explore&seed=17")
    page.wait_for_selector(".similar-grid[data-drawn]")
    page.get_by_role("button", name="Similar face 3").click()
    assert soon(lambda: label(page).startswith("Face 17 + Face "), page)
    assert soon(lambda: "at=0.35,0" in at(page), page)
    page.get_by_role("button", name="Undo").click()
    assert soon(lambda: at(page) == "#view=explore&seed=17", page)


def test_the_r_key_shows_a_random_face(open_page: OpenPage) -> None:
    page = open_page("#seed=17")
    page.wait_for_selector(".portrait[data-drawn]")
    for view in ("Faces", "Explore", "Faces"):
        page.get_by_role("link", name=view).click()
        page.locator("#views [aria-current]", has_text=view).wait_for()  # a view that loads has no keys yet
        before = label(page)
        page.keyboard.press("r")
        assert soon(lambda before=before: label(page) != before, page)  # type: ignore[misc]
    before = label(page)
    page.get_by_label("First seed").press("r")  # typed, not asked for
    page.wait_for_timeout(300)
    assert label(page) == before


def test_held_attributes_are_in_the_link(open_page: OpenPage) -> None:
    page = open_page("#view=explore&seed=17")
    page.get_by_label("Hold Blond Hair").check()
    page.get_by_label("Smiling", exact=True).fill("1")
    assert soon(lambda: at(page) == "#view=explore&seed=17&edit=Smiling:1&hold=Blond_Hair", page)
    page.reload()
    assert soon(lambda: page.get_by_label("Hold Blond Hair").is_checked(), page)
    page.get_by_role("button", name="Reset").click()
    assert soon(lambda: at(page) == "#view=explore&seed=17", page)
