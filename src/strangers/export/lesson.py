"""Export of the lesson: a page on which a small GAN trains in the visitor's browser. It needs no model.

Its files are those of the exported page that the lesson's own modules import.
"""

from __future__ import annotations

from pathlib import Path

from strangers.export.page import LESSON_ONLY, SERVICE_WORKER, check_place, page_files, page_names, write_page
from strangers.export.page_html import ICON, MANIFEST, PageText, manifest, service_worker, standalone_html
from strangers.export.single_file import TRAINER, imported
from strangers.web.lesson import DRAWN_FACES, drawn_faces

TITLE = "The forger and the detective"
ABOUT = (
    "A small generative adversarial network learns to draw faces in your browser, which sends no data. "
    "A program drew the faces that it learns from."
)
MAIN = "main.js"
VIEW = "views/learn.js"
"""The only view, which is loaded when it is shown."""

FIXED = ("index.html", "style.css", "views.css", "about.css", ICON)


def export_lesson(out: Path, text: PageText | None = None, *, force: bool = False) -> int:
    """Write the page as a folder, or as one file if `out` ends in .html. Return its size in bytes.

    force: replace a page at `out`. Raises StrangersError and OSError.
    """
    own = page_names(out, SERVICE_WORKER) if force else None
    check_place(out, own)
    text = text or PageText(title=TITLE)
    sources = {name: path.read_bytes() for name, path in page_files().items()}
    sources[MAIN] = sources.pop(LESSON_ONLY[0])
    names = {*FIXED, *(name for root in (MAIN, VIEW, TRAINER) for name in imported(root, sources))}
    files = {name: sources[name] for name in sorted(names)}
    files["index.html"] = standalone_html(files["index.html"].decode(), text, ABOUT, "").encode()
    files[DRAWN_FACES] = drawn_faces()
    files[MANIFEST] = manifest(text, ABOUT)
    files[SERVICE_WORKER] = service_worker(sources[SERVICE_WORKER], files)
    return write_page(out, files, {}, own)
