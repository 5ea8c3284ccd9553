"""Devices, screenshots and checks of pages in a browser, and what tests see and do there."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ..web.support import Served

if TYPE_CHECKING:
    from playwright.sync_api import Page


SHOTS = os.environ.get("STRANGERS_SCREENSHOTS")


DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True,
}  # fmt: skip

OpenPage = Callable[..., "Page"]


def shoot(page: Page, view: str, device: dict[str, Any]) -> None:
    """Keep a picture of a view, where pictures are wanted: page-faces.png, page-faces-phone.png."""
    if SHOTS:
        page.wait_for_timeout(400)
        page.screenshot(path=Path(SHOTS) / f"page-{view}{'-phone' if device is PHONE else ''}.png")


def fits(page: Page) -> bool:
    """Return whether the page is no wider than the screen. (A phone's window grows with the page.)"""
    assert page.viewport_size is not None
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width <= page.viewport_size["width"]


FOCUSED = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const labels = [...(e.labels ?? [])];
  const hasRing = (it) => getComputedStyle(it).outlineStyle !== "none";
  const ring = hasRing(e) || labels.some((it) => hasRing(it) || [...it.children].some(hasRing));
  const box = (e.classList.contains("visually-hidden") ? labels[0] : e).getBoundingClientRect();
  const inside = (low, value, high) => Math.min(high - 1, Math.max(low, value));
  const x = inside(0, box.x + box.width / 2, innerWidth), y = box.y + box.height / 2;
  const top = document.elementFromPoint(x, y);
  const seen = top && (e.contains(top) || top.contains(e) || labels.some((it) => it.contains(top)));
  return [e.outerHTML.slice(0, 120), ...(ring ? [] : ["has no ring"]), ...(seen ? [] : ["is covered"])]; }"""


def walk_by_keyboard(page: Page) -> tuple[int, list[list[str]]]:
    """Go with Tab from the first control to the last one and back; return their number, and what is wrong."""
    page.locator(".skip").focus()
    steps = 0
    wrong: list[list[str]] = []
    for key in ("Tab", "Shift+Tab"):
        page.keyboard.press(key)
        while (found := page.evaluate(FOCUSED)) is not None:
            steps += 1
            if len(found) > 1:
                wrong.append(found)
            if key == "Shift+Tab" and 'class="skip"' in found[0]:
                break
            assert steps < 500, "the keyboard is trapped"
            page.keyboard.press(key)
    return steps // 2, wrong


NAMED_ROLES = {"button", "image", "link", "progressbar", "slider"}
"""Roles that need a name even if they cannot have the focus."""

CANVASES = "canvas:visible:not(button *, [role=slider] *, [aria-hidden=true], [aria-hidden=true] *)"
"""Canvases that are pictures of their own. Without a label they are not in the accessibility tree."""


def unnamed(page: Page) -> list[str]:
    """Return the roles of the controls and pictures that have no name in the accessibility tree."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    canvases: list[str] = page.locator(CANVASES).evaluate_all(
        "all => all.filter((it) => !it.ariaLabel).map(() => 'img')"
    )
    return canvases + [
        _role(node)
        for node in nodes
        if not node["ignored"]
        and (_role(node) in NAMED_ROLES or _is_focusable(node))
        and _role(node) not in ("RootWebArea", "main")
        and not node.get("name", {}).get("value")
    ]


def _role(node: dict[str, Any]) -> str:
    return str(node["role"]["value"])


def _is_focusable(node: dict[str, Any]) -> bool:
    return any(each["name"] == "focusable" and each["value"]["value"] for each in node["properties"])


SHOWN = """(c) => {
  const copy = new OffscreenCanvas(c.width, c.height).getContext("2d", {willReadFrequently: true});
  copy.drawImage(c, 0, 0);
  return [...copy.getImageData(0, 0, c.width, c.height).data].filter((_, i) => i % 4 < 3); }"""


def shown(page: Page, size: int) -> np.ndarray:
    """The pixels of the current face, once there is one: links open views that load."""
    return np.array(page.locator(".portrait-face").first.evaluate(SHOWN), np.uint8).reshape(size, size, 3)


def becomes(page: Page, wanted: np.ndarray) -> bool:
    """Return whether the current face becomes these pixels, soon."""
    page.wait_for_selector(".portrait[data-drawn]")
    return soon(lambda: np.array_equal(shown(page, len(wanted)), wanted), page)


def soon(true: Callable[[], bool], page: Page, seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        page.wait_for_timeout(50)
    return True


def at(page: Page) -> str:
    """Return the fields of the address."""
    return str(page.evaluate("location.hash"))


MALFORMED = [
    ("#seed=-5", "A seed is a whole number"),
    ("#seed=18446744073709551616", "A seed is a whole number"),
    ("#seed=1e5", "A seed is a whole number"),
    ("#seed=17&truncation=x", "A truncation is a number from 0.05 to 1"),
    ("#seed=17&edit=Smiling", "An edit is an attribute and a number"),
    ("#seed=17&edit=No_Such_Thing:1", "no attribute direction for No_Such_Thing"),
    ("#seed=17&edit=__proto__:1", "no attribute direction for __proto__"),
    ("#seed=17&edit=Smiling:1&hold=constructor", "no attribute direction for constructor"),
    (f"#seed=17&edit={','.join(f'x{i}:1' for i in range(5000))}", "for x0, x1, x2 and others"),
    ("#edit=Smiling:1", "This link has no face"),
    ("#latent=AACAPw", "another model's"),  # one number
    ("#latent=!!", "damaged"),
    ("#latent=AACAfw", "damaged"),  # infinity
    (f"#latent={'A' * 200_000}", "another model's"),
    (f"#latent={'AADIQgAAyEIAAMhC' * 33}AADIQg", "damaged"),  # 100 times 100: too long
    ("#mix=17&at=0.5", "two or three faces"),
    ("#mix=17,18,19&at=x", "two or three faces"),
    (f"#mix={'17,' * 5000}17&at=0.5", "two or three faces"),
    ("#v=99&seed=17", "newer version"),
    ("#seed=17&wall=worst", "best faces or all"),
    ("#model=__proto__&seed=17", "model of this link is not here"),
    ("#%E0%A4%A&&&=&seed", "A seed is a whole number"),
    ("#view=nowhere", 'no view "nowhere"'),
]
"""Links, and what the page says of them."""


def follow(page: Page, link: str) -> None:
    """Go to a link on the same page, which says nothing at first."""
    page.evaluate(
        "link => { document.querySelector('[role=alert]').textContent = ''; location.hash = link; }", link
    )


def explains(page: Page, words: str) -> bool:
    """Return whether the page soon reports an error with these words."""
    alert = page.get_by_role("alert")
    return soon(lambda: words in (alert.text_content() or ""), page)


def picture_of(site: Served, seed: int) -> bytes:
    """A face of the model, as a file that somebody might have."""
    file = BytesIO()
    face = Image.fromarray(site.service.model_service.model.sample([seed])[0])
    face.resize((200, 200), Image.Resampling.BICUBIC).save(file, "PNG")
    return file.getvalue()


ASK = """it => it.addEventListener("click", (event) => {
  event.preventDefault(); it.dataset.asked = "yes"; }, {once: true})"""


def choose_file(page: Page, name: str, file: str, data: bytes) -> None:
    """Press the button with a name, which asks for picture files, and choose one."""
    field = page.locator("input[type=file]")
    field.evaluate(ASK)
    page.get_by_role("button", name=name).press("Enter")
    assert field.get_attribute("data-asked") == "yes"
    field.set_input_files({"name": file, "mimeType": "image/png", "buffer": data})


def upload(page: Page, file: str, data: bytes) -> None:
    choose_file(page, "Drop a picture here, or choose one", file, data)


def touch(page: Page, *points: tuple[float, float]) -> None:
    """Move a finger over the screen from point to point, as the browser hears it from a touch screen."""
    session = page.context.new_cdp_session(page)

    def send(kind: str, *at: dict[str, float]) -> None:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(at)})

    (x, y), *others = points
    send("touchStart", {"x": x, "y": y})
    for to_x, to_y in others:
        for step in range(1, 9):
            send("touchMove", {"x": x + (to_x - x) * step / 8, "y": y + (to_y - y) * step / 8})
        x, y = to_x, to_y
    send("touchEnd")
    session.detach()


def label(page: Page) -> str:
    """The label of the current face."""
    return page.locator(".portrait-label").inner_text()


def marker(page: Page) -> tuple[float, float]:
    """Return where the marker is on the plane, from 0 to 1 along each side."""
    x, y = page.evaluate(
        """() => { const box = (s) => document.querySelector(s).getBoundingClientRect();
        const [m, p] = [box(".point"), box(".pad")];
        return [(m.x + m.width / 2 - p.x) / p.width, (m.y + m.height / 2 - p.y) / p.height]; }"""
    )
    return ((x - 1 / 12) / (5 / 6), (y - 1 / 12) / (5 / 6))


def undo_steps(page: Page) -> int:
    """Click Undo as often as it can be clicked, and return how often that was."""
    undo = page.get_by_role("button", name="Undo")
    steps = 0
    while undo.is_enabled():
        undo.click()
        steps += 1
    return steps
