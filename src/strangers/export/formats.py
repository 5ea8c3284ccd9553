"""export: any format from Python, by the ending of the file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from strangers.errors import UsageError
from strangers.sampling.load import load, source_name
from strangers.sampling.model import Model

Format = Literal["file", "onnx", "page", "hub"]

ENDINGS: dict[str, Format] = {".safetensors": "file", ".onnx": "onnx", ".html": "page"}
"""Formats by the ending of the file."""


def export(
    model: Model | str | Path,
    out: str | Path,
    *,
    to: Format | None = None,
    title: str | None = None,
    author: str | None = None,
    directions: bool = True,
    force: bool = False,
) -> Path:
    """Export a model, as `strangers export` does, and return the file or the folder.

    model: a model, or anything that `strangers.load` takes.
    to: "file" (.safetensors with its card), "onnx", "page" (.html, or a folder) or "hub", a folder; by the
        ending of `out` if None.
    title, author: of the model.
    directions: the page has sliders of attributes; finding them takes a minute.
    force: replace a file that is no export.
    Raises UsageError, ModelError and OSError.
    """
    path = Path(out)
    kind = to or ENDINGS.get(path.suffix.lower())
    if kind is None:
        raise UsageError(
            f"{path}: end it in {', '.join(ENDINGS)}, or pass to='page' or to='hub' for a folder."
        )
    loaded = model if isinstance(model, Model) else load(model, device="cpu")
    name = "" if isinstance(model, Model) else source_name(model)
    stated = {field: text for field, text in (("title", title), ("author", author)) if text is not None}
    loaded = replace(loaded, header=loaded.header.model_copy(update=stated))
    if kind == "file":
        from strangers.export.file import export_file

        export_file(loaded, path, force=force)
    elif kind == "onnx":
        loaded.to_onnx(path, force=force)
    elif kind == "page":
        _page(loaded, path, name, directions=directions)
    else:
        from strangers.export.hub import export_hub

        export_hub(loaded, path)
    return path


def _page(model: Model, path: Path, name: str, *, directions: bool) -> None:
    from strangers.export.page import export_page
    from strangers.export.page_html import PageText
    from strangers.latent.directions import find_directions

    found = find_directions(model) if directions else None
    stated = {"title": model.header.title, "author": model.header.author}
    text = PageText(**{field: value for field, value in stated.items() if value})
    export_page(model, path, name=name, directions=found, text=text)
