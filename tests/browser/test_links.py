"""Every face has a link, and a link shows the same face again, whatever else is in it."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest

from strangers.sampling.latents import latents

from ..web.support import Served
from .support import (
    DESKTOP,
    MALFORMED,
    PHONE,
    OpenPage,
    at,
    becomes,
    explains,
    fits,
    follow,
    label,
    marker,
    shown,
    soon,
)


def test_an_edit_survives_a_reload(site: Served, open_page: OpenPage) -> None:
    page = open_page("#view=explore&seed=17")
    page.get_by_label("Smiling", exact=True).fill("1.5")
    assert soon(lambda: at(page) == "#view=explore&seed=17&edit=Smiling:1.5", page)
    studio = site.service.model_service
    assert studio.finder.found.directions is not None
    z = latents([17], studio.model.recipe.latent_size, studio.model.recipe.latent)
    edited = studio.model.decode(studio.finder.found.directions.edit(z, {"Smiling": 1.5}))[0]
    page.reload()
    page.wait_for_selector(".portrait[data-drawn]")
    assert soon(lambda: np.abs(shown(page, len(edited)).astype(int) - edited).max() <= 1, page)
    assert label(page) == "Face 17 (edited)"
    assert page.get_by_label("Smiling", exact=True).input_value() == "1.5"


@pytest.mark.parametrize(
    ("link", "device"),
    [
        ("#seed=17&truncation=0.7", DESKTOP),
        ("#seed=17&truncation=0.7&edit=Smiling:-1.25,Blond_Hair:3", PHONE),
        ("#mix=17,18,19&at=0.25,0.5", DESKTOP),
        ("#view=explore&mix=17,18@0.5,19&at=1,0.125&edit=Smiling:0.4", PHONE),
        (f"#view=explore&latent={'AACAPwAA' * 66}AACAPw", DESKTOP),
    ],
    ids=["truncation", "edit", "mix", "explore", "latent"],
)
def test_a_link_is_kept_and_shows_the_same_face(
    open_page: OpenPage, link: str, device: dict[str, object]
) -> None:
    page = open_page(link, device)
    page.wait_for_selector(".portrait[data-drawn]")
    page.wait_for_timeout(600)  # the address is rewritten after at most 0.4 s
    assert at(page) == link
    assert fits(page)
    before = shown(page, 32)
    page.reload()
    page.wait_for_selector(".portrait[data-drawn]")
    assert becomes(page, before)
    assert at(page) == link


def test_an_address_that_the_visitor_has_just_changed_is_not_written_over(open_page: OpenPage) -> None:
    page = open_page("#seed=17")
    page.wait_for_selector(".portrait[data-drawn]")
    page.get_by_role("button", name="Face 5", exact=True).click()
    leave = "location.hash = '#seed=8'; dispatchEvent(new PageTransitionEvent('pagehide'))"
    page.evaluate(leave)  # before the page can follow it
    assert soon(lambda: label(page) == "Face 8", page)
    assert at(page) == "#seed=8"


def test_a_face_without_a_seed_has_a_link(site: Served, open_page: OpenPage) -> None:
    model = site.service.model_service.model
    z = latents([23], model.recipe.latent_size, model.recipe.latent)
    page = open_page(f"#latent={base64url(z.tobytes())}")
    assert becomes(page, model.sample([23])[0])
    assert label(page) == "Face from a link"
    page.get_by_role("link", name="Explore").click()
    page.wait_for_selector(".pad[data-drawn]")
    assert at(page) == f"#view=explore&latent={base64url(z.tobytes())}"
    assert marker(page) == pytest.approx((0, 0), abs=0.01)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@pytest.mark.parametrize(
    ("asked", "shown_as"), [("2", 1.0), ("0", 0.05), ("-1", 0.05), ("x", 1.0), ("1e9", 1.0)]
)
def test_truncation_out_of_range_is_clamped(
    site: Served, open_page: OpenPage, asked: str, shown_as: float
) -> None:
    page = open_page(f"#seed=17&truncation={asked}")
    assert becomes(page, site.service.model_service.model.sample([17], truncation=shown_as)[0])
    wanted = "#seed=17" + ("" if shown_as == 1 else f"&truncation={shown_as}")
    assert soon(lambda: at(page) == wanted, page)
    assert page.get_by_label("Truncation", exact=True).input_value() == str(shown_as).removesuffix(".0")


def test_a_malformed_link_is_explained_and_a_face_is_shown(open_page: OpenPage) -> None:
    page = open_page(MALFORMED[0][0])
    page.wait_for_selector(".portrait[data-drawn]")
    page.wait_for_selector(".face[data-seen]")
    for number, (link, words) in enumerate(MALFORMED):
        if number:
            follow(page, link)
        assert explains(page, words), link[:80]
        assert soon(lambda: bool(re.fullmatch("#seed=[0-9]+(&edit=Smiling:1)?", at(page))), page), link[:80]
        assert re.fullmatch(r"Face [0-9]+( \(edited\))?", label(page)), link[:80]


def test_the_first_of_a_repeated_field_counts(open_page: OpenPage) -> None:
    page = open_page("#seed=17&seed=18&view=faces&view=explore")
    page.wait_for_selector(".portrait[data-drawn]")
    assert soon(lambda: at(page) == "#seed=17", page)


def test_back_shows_what_the_address_names(site: Served, open_page: OpenPage) -> None:
    model = site.service.model_service.model
    page = open_page("#seed=17")
    page.wait_for_selector(".portrait[data-drawn]")
    page.get_by_role("link", name="Explore").click()
    page.wait_for_selector(".pad[data-drawn]")
    page.get_by_role("button", name="Play").click()
    assert soon(lambda: "+" in label(page), page)  # a mix
    page.go_back()
    assert becomes(page, model.sample([17])[0])
    page.wait_for_timeout(600)
    assert at(page) == "#seed=17"
    assert page.title() == "Faces · strangers"
    page.go_forward()
    page.wait_for_selector(".pad")
    page.wait_for_timeout(600)
    assert "view=explore" in at(page)
    assert page.title() == "Explore · strangers"


def test_a_copied_link_is_acknowledged(open_page: OpenPage) -> None:
    page = open_page("#seed=17&truncation=0.5", permissions=["clipboard-read", "clipboard-write"])
    page.wait_for_selector(".portrait[data-drawn]")
    region = page.locator(".toast.notice")  # there before its text, or screen readers would not announce it
    assert region.evaluate("it => [it.textContent, it.checkVisibility()]") == ["", True]
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("Link copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").endswith("/#seed=17&truncation=0.5")


def test_a_download_is_acknowledged(open_page: OpenPage) -> None:
    page = open_page("#seed=17&edit=Smiling:1")
    page.wait_for_selector(".portrait[data-drawn]")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download PNG").click()
    assert download.value.suggested_filename == "face-17-edited.png"
    page.get_by_text("Saved as face-17-edited.png.").wait_for()
