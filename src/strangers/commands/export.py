"""`strangers export`: write a model as a small file, as ONNX, as a web page or as a hub repository."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Option

from strangers.commands.arguments import Force, ModelName
from strangers.commands.progress import progress_bar
from strangers.errors import UsageError
from strangers.system.streams import echo

if TYPE_CHECKING:
    from strangers.export.photographs import Photographs
    from strangers.latent.directions import Directions
    from strangers.sampling.model import Model

ONLY_FOR = {
    **dict.fromkeys(("runtime", "directions", "license", "url", "photographs"), ("page",)),
    "push": ("hub",),
    "result": ("file", "hub"),
}
"""Options that only some formats have, and these formats."""

ENDINGS = {"file": ".safetensors", "onnx": ".onnx"}
"""Suffixes of the formats that are one file."""
WithDirections = Annotated[
    bool | None,
    Option(help="page: attribute sliders; finding them takes a minute.  [default: directions]"),
]
Runtime = Annotated[
    Path | None, Option(metavar="DIR", help="page: folder with onnxruntime-web, instead of a download.")
]
Title = Annotated[str | None, Option(metavar="TEXT", help="Title of the model.")]
Author = Annotated[str | None, Option(metavar="TEXT", help="Author of the model.")]
License = Annotated[str | None, Option(metavar="TEXT", help="page: terms besides the model's.")]
Url = Annotated[
    str | None, Option(metavar="URL", help="page: where it will be, for previews of links to it.")
]
PhotographSet = Annotated[
    Path | None,
    Option(metavar="SET", help="page: photographs of the game; a prepared set whose terms are stated."),
]
ResultFile = Annotated[
    Path | None, Option(metavar="JSON", help="file, hub: result of `strangers evaluate`, for the card.")
]
Push = Annotated[
    str | None,
    Option(metavar="OWNER/NAME", help="hub: also upload it; log in first with `hf auth login`."),
]


def export(
    model: ModelName,
    *,
    to: Annotated[
        Literal["file", "onnx", "page", "hub"],
        Option(help="Format: float16 model file with its card, ONNX, web page, or Hugging Face repository."),
    ],
    out: Annotated[Path, Option(metavar="PATH", help="The file, or a new folder; page: .html for one file.")],
    directions: WithDirections = None,
    runtime: Runtime = None,
    title: Title = None,
    author: Author = None,
    license: License = None,
    url: Url = None,
    photographs: PhotographSet = None,
    result: ResultFile = None,
    push: Push = None,
    force: Force = False,
) -> None:
    """Export a model as a small file, as ONNX, as a web page, or as a Hugging Face repository."""
    words = {"license": license, "url": url}
    files = {"runtime": runtime, "photographs": photographs, "result": result}
    _check_options(to, out, {"directions": directions, "push": push, **files, **words})
    from strangers.sampling.load import load, source_name
    from strangers.system.files import check_outputs

    if to in ENDINGS:
        outputs = (out, out.with_suffix(".md")) if to == "file" else (out,)
        check_outputs(*outputs, kind="export", inputs=[model, result], force=force)
    loaded = load(model, device="cpu")
    stated = {name: value for name, value in {"title": title, "author": author}.items() if value is not None}
    header = loaded.header.model_copy(update=stated)
    loaded = replace(loaded, header=header)
    if to == "file":
        echo(_file(loaded, out, result, force=force))
    elif to == "onnx":
        echo(_onnx(loaded, out, force=force))
    elif to == "page":
        words |= {"title": header.title, "author": header.author}
        text = {field: value for field, value in words.items() if value}
        game = _photographs(photographs, loaded)
        name = source_name(model)
        echo(*_page(loaded, name, out, runtime, text, game, with_directions=directions is not False))
    else:
        echo(*_hub(loaded, out, result, push))


def _check_options(to: str, out: Path, given: Mapping[str, object]) -> None:
    """Raise UsageError for an option of another format, and for a name with the suffix of another."""
    for name, value in given.items():
        if value is not None and to not in ONLY_FOR[name]:
            raise UsageError(f"--{name} needs --to {' or '.join(ONLY_FOR[name])} (got --to {to}).")
    if to in ENDINGS and out.suffix != ENDINGS[to]:
        raise UsageError(f"--to {to} writes one file; end --out in {ENDINGS[to]} (got {out.name!r}).")


def _file(model: Model, out: Path, result: Path | None, *, force: bool) -> str:
    """Write the model file and its card. Return a message."""
    from strangers.export.file import export_file

    export_file(model, out, result=result, force=force)
    return f"Wrote {out}, {out.stat().st_size / 1e6:.1f} MB, and {out.with_suffix('.md')}, its card."


def _onnx(model: Model, out: Path, *, force: bool) -> str:
    """Write the ONNX file, and compare its faces with those of the model. Return a message."""
    from strangers.export.onnx import CHECKED, export_onnx

    agreement = export_onnx(model, out, force=force)
    return f"Wrote {out}, {out.stat().st_size / 1e6:.1f} MB: over {CHECKED} seeds it {agreement}."


def _hub(model: Model, out: Path, result: Path | None, push: str | None) -> Iterator[str]:
    """Write the repository, and upload it to `push`, if any. Yield messages."""
    from strangers.export.hub import export_hub, push_hub

    export_hub(model, out, result=result, repository=push)
    yield f"Wrote {out}; its README.md is the model card."
    if push:
        yield f"Uploaded it to {push_hub(out, push)}; load it with strangers.load('hf:{push}')."


def _photographs(path: Path | None, model: Model) -> Photographs | None:
    """Read the photographs of the game, if any. Raises UsageError and DataError."""
    from strangers.data.prepared import open_prepared
    from strangers.export.photographs import page_photographs

    return None if path is None else page_photographs(open_prepared(path), model)


def _page(
    model: Model,
    name: str,
    out: Path,
    runtime: Path | None,
    text: dict[str, str],
    photographs: Photographs | None,
    *,
    with_directions: bool,
) -> Iterator[str]:
    """Write the page. Yield messages that say how to open it."""
    from strangers.export.page import SINGLE, export_page
    from strangers.export.page_html import PageText

    found = _directions(model) if with_directions and not out.exists() else None
    exported = export_page(
        model,
        out,
        name=name,
        directions=found,
        runtime=runtime,
        text=PageText(**text),
        photographs=photographs,
    )
    yield f"Wrote {out}, {exported}."
    if out.suffix == SINGLE:
        yield "To open it: double-click it, or send it to somebody who does."
    else:
        yield f"To open it: python -m http.server --directory {out} 8000, then http://localhost:8000/"


def _directions(model: Model) -> Directions:
    """Find the attribute directions of the model, with a progress bar."""
    from strangers.latent.directions import LABELED_FACES, find_directions

    with progress_bar("attributes", LABELED_FACES) as advance:
        return find_directions(model, count=LABELED_FACES, advance=advance)
