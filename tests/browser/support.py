"""Devices, screenshots and checks of pages in a browser."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    """Whether the page is no wider than the screen."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


NAMELESS = """() => [...document.querySelectorAll("button, input, canvas, img, a, [role=slider], progress")]
  .filter((e) => e.checkVisibility() && !e.closest("[aria-hidden=true], .face"))
  .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || e.alt || e.labels?.length
    || e.closest("button, [role=slider]")))
  .map((e) => e.outerHTML.slice(0, 120))"""


def nameless(page: Page) -> list[str]:
    """What a screen reader could not name."""
    found: list[str] = page.evaluate(NAMELESS)
    return found
