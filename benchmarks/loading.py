"""Time how soon an exported page shows faces, and teaches, over a slow network.

    strangers export celeba-64 --to page --out page
    .venv/bin/python benchmarks/loading.py page --record loading.json

A server on loopback that does not compress, the network of Chromium's developer tools, a phone's screen. Each
time begins with the request of the page, in a browser without a cache, and is a median.
"""

from __future__ import annotations

import argparse
import functools
import json
import shutil
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

from strangers.system.files import write_atomically
from strangers.system.machine import processor_name, versions

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BROWSERS = ("chromium-headless-shell", "chromium")

LATENCY = 50
"""Delay of the network, in milliseconds."""

FACES = """() => {
  const preview = document.querySelector(".preview");
  return preview !== null && preview.complete && preview.naturalWidth > 0; }"""
LEARN = "() => document.querySelector('.learn')?.dataset.images === '0'"
TRAINS = "() => Number(document.querySelector('.learn')?.dataset.images) > 0"


class Handler(SimpleHTTPRequestHandler):
    """A static host of many requests per connection."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *values: object) -> None:
        """Print nothing."""

    def handle(self) -> None:
        """Serve until the browser closes the connection."""
        with suppress(ConnectionError):
            super().handle()


def main() -> None:
    parser = argparse.ArgumentParser(description="Time an exported page over a slow network.")
    parser.add_argument("page", type=Path, help="folder of an exported page")
    parser.add_argument("--kilobytes", type=float, default=50, help="per second")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--record", type=Path, default=Path("loading.json"))
    arguments = parser.parse_args()
    path = next(filter(None, map(shutil.which, BROWSERS)))
    found: dict[str, list[float]] = {"faces": [], "learn": [], "training": []}
    with host(arguments.page) as url, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        version = browser.version
        for _ in range(arguments.repeats):
            for name, seconds in visit(browser, url, arguments.kilobytes).items():
                found[name].append(round(seconds, 1))
        browser.close()
    record = {
        "kilobytes_per_second": arguments.kilobytes, "latency_ms": LATENCY,
        "page_bytes": sum(file.stat().st_size for file in arguments.page.rglob("*") if file.is_file()),
        "seconds": {name: statistics.median(values) for name, values in found.items()}, "all": found,
        "browser": version, "processor": processor_name(), "versions": versions(),
    }  # fmt: skip
    print(json.dumps(record["seconds"]))
    write_atomically(arguments.record, (json.dumps(record, indent=1) + "\n").encode())


@contextmanager
def host(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback, and yield its address."""
    handler = functools.partial(Handler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def visit(browser: Browser, url: str, kilobytes: float) -> dict[str, float]:
    """Return the seconds until the first faces, until Learn can start, and until it trains."""
    seconds = {}
    with slow_page(browser, kilobytes) as page:
        seconds["faces"] = until(page, FACES, open_page(page, url))
    with slow_page(browser, kilobytes) as page:
        start = open_page(page, url + "#view=learn")
        seconds["learn"] = until(page, LEARN, start)
        page.get_by_role("button", name="Start", exact=True).click()
        seconds["training"] = until(page, TRAINS, start)
    return seconds


@contextmanager
def slow_page(browser: Browser, kilobytes: float) -> Iterator[Page]:
    """Yield a page of a phone without a cache, over a slow network."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    network: dict[str, Any] = {
        "offline": False, "latency": LATENCY,
        "downloadThroughput": 1000 * kilobytes, "uploadThroughput": 1000 * kilobytes,
    }  # fmt: skip
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", network)
    yield page
    context.close()


def open_page(page: Page, url: str) -> float:
    """Request a page, and return the time of the request."""
    start = time.monotonic()
    page.goto(url, wait_until="commit")
    return start


def until(page: Page, condition: str, start: float) -> float:
    """Wait until a function in the page returns true, and return the seconds since `start`."""
    page.wait_for_function(condition, timeout=120_000, polling=50)
    return time.monotonic() - start


if __name__ == "__main__":
    main()
