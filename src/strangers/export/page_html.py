"""The exported page's index.html: the served page's, with a policy, descriptions and terms."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from hashlib import sha256
from html import escape

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; "
    "style-src 'self'; img-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'none'"
)
"""Content security policy: load from the page's own host, and run WebAssembly."""

ABOUT = "These people do not exist. Your browser draws their faces and sends no data."

ICON = "icon.svg"
MANIFEST = "manifest.webmanifest"
PREVIEW = "preview.webp"
PREVIEW_SEEDS = 64
PREVIEW_TEXT = f"{PREVIEW_SEEDS} faces of people who do not exist"


@dataclass(frozen=True)
class PageText:
    """The words of the page about itself.

    Attributes:
        title: the page's name.
        author: who published it; not named if empty.
        license: the terms of the page, besides those of the model.
        url: where it will be published, for services that show a preview of links.
    """

    title: str = "strangers"
    author: str = ""
    license: str = ""
    url: str = ""


def standalone_html(html: str, text: PageText, about: str, terms: str, loading: str = "") -> str:
    """Return index.html without the token dialog, and with a policy, descriptions and terms.

    about: what the page is. terms: of the model; empty without one.
    loading: HTML that is shown until the page can draw, with the picture PREVIEW.
    """
    html = re.sub(r'\s*<dialog id="token".*?</dialog>', "", html, flags=re.DOTALL)
    html = re.sub(r'\s*<meta name="description"[^>]*>', "", html)
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}" />'
    note = '<p class="note">Loading…</p>'
    for tag, replacement in (
        ("<head>", f"<head>\n    {policy}"),
        ("<title>strangers</title>", f"<title>{escape(text.title)}</title>"),
        ("</head>", f"  {_descriptions(text, about, with_preview=bool(loading))}\n  </head>"),
        ('<p class="wordmark">strangers</p>', f'<p class="wordmark">{escape(text.title)}</p>'),
        ("</header>", f"  {_about(text, about, terms)}\n    </header>"),
        (note, loading or note),
    ):
        assert html.count(tag) == 1, tag
        html = html.replace(tag, replacement)
    return html


def loading_html(megabytes: float, size: int) -> str:
    """Return the note of what is loaded, and the first faces, `size` pixels each, until it is."""
    side = 8 * size
    return (
        f'<p id="loading" class="note">Loading the generator: {megabytes:.1f} MB, once.</p>\n      '
        f'<img class="preview" src="{PREVIEW}" width="{side}" height="{side}" '
        f'alt="{PREVIEW_TEXT}" />'
    )


def _descriptions(text: PageText, about: str, *, with_preview: bool) -> str:
    """Return the elements that describe the page to search engines, link previews and home screens."""
    place = text.url.rstrip("/") + "/" if text.url else ""
    named = {"description": about, "author": text.author, "application-name": text.title}
    shared = {
        "og:type": "website",
        "og:title": text.title,
        "og:description": about,
        "og:url": place,
    }
    if with_preview:
        shared["og:image"] = place + PREVIEW
        shared["og:image:alt"] = PREVIEW_TEXT
    lines = [f'<meta name="{name}" content="{escape(value)}" />' for name, value in named.items() if value]
    lines += [
        f'<meta property="{name}" content="{escape(value)}" />' for name, value in shared.items() if value
    ]
    lines += ['<link rel="stylesheet" href="about.css" />', f'<link rel="manifest" href="{MANIFEST}" />']
    return "\n    ".join(lines)


def _about(text: PageText, about: str, terms: str) -> str:
    """Return the element with what the page is, who published it, and its terms."""
    author = f"Published by {text.author}." if text.author else ""
    paragraphs = "".join(f"<p>{escape(part)}</p>" for part in (about, author, text.license, terms) if part)
    return f'<details class="about" id="about"><summary>About</summary><div>{paragraphs}</div></details>'


def manifest(text: PageText, about: str = ABOUT) -> bytes:
    """Return the web app manifest, with which a browser can install the page."""
    return json.dumps(
        {
            "name": text.title,
            "short_name": text.title[:12],
            "description": about,
            "start_url": "./",
            "display": "standalone",
            "background_color": "#131316",
            "theme_color": "#131316",
            "icons": [{"src": ICON, "sizes": "any", "type": "image/svg+xml"}],
        }
    ).encode()


def service_worker(source: bytes, files: dict[str, bytes]) -> bytes:
    """Return the service worker for these files: their names, a hash of their contents, and its source."""
    digest = sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name} {len(content)} ".encode() + content)
    kept = json.dumps(["./", *sorted(files)])
    return f'const FILES = {kept};\nconst HASH = "{digest.hexdigest()[:16]}";\n'.encode() + source
