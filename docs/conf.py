"""Sphinx configuration of the documentation site: `make docs` builds it into build/docs.

The source folder is the repository, so that links from the documents to README.md, to the model cards and to
benchmarks/results are checked as well. The documents are plain Markdown: the table of contents lives here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

project = "strangers"
author = "the strangers authors"
copyright = "the strangers authors"

extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = [
    "docs/**.md",
    "*.md",
    "src/strangers/models/*.md",
    "benchmarks/results/*.md",
    "benchmarks/speedrun/*.md",
]
exclude_patterns = [".venv", ".git", "build", "runs", "node_modules", "**/.venv", "**/node_modules"]

nitpicky = True
myst_heading_anchors = 4
myst_links_external_new_tab = False
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = "strangers"
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["site.css"]
highlight_language = "none"
html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "monokai"

CONTENTS = {
    "Start": ["quickstart", "tutorial"],
    "How to": [
        "how-to/photographs", "how-to/few-photographs", "how-to/train", "how-to/many-processes",
        "how-to/sample-and-edit", "how-to/evaluate", "how-to/export", "how-to/serve", "how-to/python",
        "how-to/coming-from",
        "how-to/extend",
    ],
    "Reference": [
        "reference/commands", "reference/python", "reference/recipes", "reference/file-formats",
        "reference/latents", "reference/http-api", "reference/verified",
    ],
    "Explanation": [
        "explanation/seeds-and-latents", "explanation/crops", "explanation/metrics",
        "explanation/exact-resume", "explanation/celeba-terms",
    ],
    "Research": [
        "research/results", "research/fine-tuning", "research/protocols", "research/ablations",
        "research/performance", "research/reliability",
    ],
    "Evidence": ["../benchmarks/results/README", "../benchmarks/speedrun/README"],
    "Project": ["../README", "../CONTRIBUTING", "../CHANGELOG", "../SECURITY"],
    "Models": [
        f"../src/strangers/models/{card.stem}"
        for card in sorted(Path(__file__).parents[1].glob("src/strangers/models/*.md"))
    ],
}  # fmt: skip


def add_contents(app: Any, name: str, source: list[str]) -> None:
    """Append the table of contents to the index, where GitHub's readers would see it as a block of code."""
    if name == root_doc:
        for caption, pages in CONTENTS.items():
            lines = "\n".join(pages)
            source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{lines}\n```\n"
    elif name == "benchmarks/results/README":
        pages = sorted(path.stem for path in Path(app.srcdir, "benchmarks", "results").glob("*.md"))
        lines = "\n".join(page for page in pages if page != "README")
        source[0] += f"\n```{{toctree}}\n:hidden:\n\n{lines}\n```\n"


def add_entrance(app: Any, error: Exception | None) -> None:
    """Write index.html, which leads to the index in docs/."""
    if error is None and app.builder.format == "html":
        page = '<!doctype html><meta charset="utf-8"><title>strangers</title>\n'
        page += '<meta http-equiv="refresh" content="0; url=docs/index.html">\n'
        page += '<a href="docs/index.html">Documentation of strangers</a>\n'
        Path(app.outdir, "index.html").write_text(page, encoding="utf-8")


def setup(app: Any) -> None:
    app.connect("source-read", add_contents)
    app.connect("build-finished", add_entrance)
