"""`strangers export`: write a model as a small file, as ONNX, as a web page or as a hub repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Argument, Option

from strangers.commands.arguments import Force, check_texts
from strangers.commands.outcome import Outcome
from strangers.commands.progress import progress_bar
from strangers.errors import UsageError

if TYPE_CHECKING:
    from strangers.export.photographs import Photographs
    from strangers.latent.directions import Directions
    from strangers.sampling.model import Model

ONLY_FOR = {
    **dict.fromkeys(("runtime", "directions", "photographs"), ("page", "space")),
    **dict.fromkeys(("license", "url"), ("page", "space", "lesson")),
    "push": ("hub", "space"),
    "result": ("file", "hub", "space"),
}
"""Options that only some formats have, and these formats."""

ENDINGS = {"file": ".safetensors", "onnx": ".onnx"}
"""Suffixes of the formats that are one file."""
WithDirections = Annotated[
    bool | None,
    Option(help="page, space: attribute sliders; finding them takes a minute.  [default: directions]"),
]
Runtime = Annotated[
    Path | None,
    Option(metavar="DIR", help="page, space: onnxruntime-web's folder, instead of a download."),
]
Title = Annotated[str | None, Option(metavar="TEXT", help="Title of the model.")]
Author = Annotated[str | None, Option(metavar="TEXT", help="Author of the model.")]
License = Annotated[str | None, Option(metavar="TEXT", help="page, space: terms besides the model's.")]
Url = Annotated[
    str | None, Option(metavar="URL", help="page, space: where it will be, for previews of links to it.")
]
PhotographSet = Annotated[
    Path | None,
    Option(metavar="SET", help="page, space: photographs of the game: a prepared set with its terms."),
]
ResultFile = Annotated[
    Path | None,
    Option(metavar="JSON", help="file, hub, space: result of `evaluate`, for the card."),
]
Push = Annotated[
    str | None,
    Option(metavar="OWNER/NAME", help="hub, space: also upload it; log in first with `hf auth login`."),
]

MaybeModel = Annotated[
    str | None,
    Argument(metavar="MODEL", help="As in `sample`; not with --to lesson, which needs none."),
]
To = Annotated[
    Literal["file", "onnx", "page", "hub", "space", "lesson"],
    Option(
        help="Format: float16 model file with its card, ONNX, web page, the repository of a model or of a "
        "static Space on the Hugging Face hub, or the lesson: a page on which a small GAN trains."
    ),
]
Out = Annotated[
    Path,
    Option(
        "--out", "-o", metavar="PATH", help="The file, or a new folder; page, lesson: .html for one file."
    ),
]


def export(
    model: MaybeModel = None,
    *,
    to: To,
    out: Out,
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
) -> Outcome:
    """Export a model as a small file, ONNX, web page, hub repository or Space; or export the lesson."""
    words = {"license": license, "url": url}
    files = {"runtime": runtime, "photographs": photographs, "result": result}
    _check_options(to, out, {"directions": directions, "push": push, **files, **words})
    check_texts({"title": title, "author": author, **words})
    _check_model(to, model)
    if model is None:
        return _lesson(out, words | {"title": title, "author": author}, force=force)
    from strangers.sampling.load import load, source_name
    from strangers.system.outputs import check_outputs

    if to in ENDINGS:
        outputs = (out, out.with_suffix(".md")) if to == "file" else (out,)
        check_outputs(*outputs, kind="export", inputs=[model, result], force=force)
    loaded = load(model, device="cpu")
    stated = {name: value for name, value in {"title": title, "author": author}.items() if value is not None}
    header = loaded.header.model_copy(update=stated)
    loaded = replace(loaded, header=header)
    if to == "file":
        return _file(loaded, out, result, force=force)
    if to == "onnx":
        return _onnx(loaded, out, force=force)
    if to == "hub":
        return _hub(loaded, out, result, push, force=force)
    words |= {"title": header.title, "author": header.author}
    page = {
        "name": source_name(model),
        "runtime": runtime,
        "text": {field: value for field, value in words.items() if value},
        "photographs": _photographs(photographs, loaded),
        "more": _space(loaded, result, push) if to == "space" else {},
        "force": force,
    }
    return _page(loaded, out, page, push, with_directions=directions is not False)


def _check_options(to: str, out: Path, given: Mapping[str, object]) -> None:
    """Raise UsageError for an option of another format, and for a name with the suffix of another."""
    for name, value in given.items():
        if value is not None and to not in ONLY_FOR[name]:
            raise UsageError(f"--{name} needs --to {' or '.join(ONLY_FOR[name])} (got --to {to}).")
    if to == "space" and out.suffix == ".html":
        raise UsageError(f"--to space writes a folder; name one with --out (got {out.name!r}).")
    if to in ENDINGS and out.suffix != ENDINGS[to]:
        raise UsageError(f"--to {to} writes one file; end --out in {ENDINGS[to]} (got {out.name!r}).")


def _check_model(to: str, model: str | None) -> None:
    """Raise UsageError for the lesson of a model, and for any other format without one."""
    if to == "lesson" and model is not None:
        raise UsageError("--to lesson needs no MODEL; leave it out.")
    if to != "lesson" and model is None:
        raise UsageError(f"MODEL is missing: export MODEL --to {to}.")


def _file(model: Model, out: Path, result: Path | None, *, force: bool) -> Outcome:
    """Write the model file and its card."""
    from strangers.export.file import export_file

    export_file(model, out, result=result, force=force)
    card, size = out.with_suffix(".md"), out.stat().st_size
    return Outcome(
        notes=[f"Wrote {out}, {size / 1e6:.1f} MB, and {card}, its card."],
        facts={"wrote": [out, card], "bytes": size},
        next=f"strangers sample {out} --seeds 0-63 --out faces.png",
    )


def _onnx(model: Model, out: Path, *, force: bool) -> Outcome:
    """Write the ONNX file, and compare its faces with those of the model."""
    from strangers.export.onnx import CHECKED, export_onnx

    agreement = export_onnx(model, out, force=force)
    size = out.stat().st_size
    return Outcome(
        notes=[f"Wrote {out}, {size / 1e6:.1f} MB: over {CHECKED} seeds it {agreement}."],
        facts={"wrote": [out], "bytes": size, "agreement": asdict(agreement)},
        next=f"python examples/onnx_without_torch.py {out}",
    )


def _hub(model: Model, out: Path, result: Path | None, push: str | None, *, force: bool) -> Outcome:
    """Write the repository, and upload it to `push`, if any."""
    from strangers.export.hub import export_hub, push_hub
    from strangers.sampling.load import HUB_FILE

    export_hub(model, out, result=result, repository=push, force=force)
    notes = [f"Wrote {out}; its README.md is the model card."]
    address = None if push is None else push_hub(out, push)
    if address:
        notes.append(f"Uploaded it to {address}; load it with strangers.load('hf:{push}').")
    return Outcome(
        notes=notes,
        facts={"wrote": [out], "address": address},
        next=f"strangers sample {f'hf:{push}' if push else out / HUB_FILE} --seeds 0-63 --out faces.png",
    )


def _lesson(out: Path, words: dict[str, str | None], *, force: bool) -> Outcome:
    """Write the lesson, and say how to open it."""
    from strangers.export.lesson import TITLE, export_lesson
    from strangers.export.page_html import PageText

    text = PageText(**{"title": TITLE, **{field: value for field, value in words.items() if value}})
    size = export_lesson(out, text, force=force)
    how, following = _how_to_open(out)
    notes = [f"Wrote {out}, {size / 1e6:.1f} MB.", *how]
    return Outcome(notes=notes, facts={"wrote": [out], "bytes": size}, next=following)


def _how_to_open(out: Path) -> tuple[list[str], str]:
    """Return what to do with a page that is one file, or the command for one that is a folder."""
    from strangers.export.page import SINGLE

    if out.suffix == SINGLE:
        return ["To open it: double-click it, or send it to somebody who does."], ""
    return [], f"python -m http.server --directory {out} 8000, then open http://localhost:8000/"


def _photographs(path: Path | None, model: Model) -> Photographs | None:
    """Read the photographs of the game, if any. Raises UsageError and DataError."""
    from strangers.data.prepared import open_prepared
    from strangers.export.photographs import page_photographs

    return None if path is None else page_photographs(open_prepared(path), model)


def _space(model: Model, result: Path | None, push: str | None) -> dict[str, bytes]:
    """Return the files of a Space besides the page."""
    from strangers.export.card import read_result
    from strangers.export.space import space_files

    return space_files(model, None if result is None else read_result(result, model), push)


def _page(
    model: Model, out: Path, options: dict[str, Any], push: str | None, *, with_directions: bool
) -> Outcome:
    """Write the page, upload it to `push`, if any, and say how to open it."""
    from strangers.export.hub import push_hub
    from strangers.export.page import export_page
    from strangers.export.page_html import PageText

    options["text"] = PageText(**options["text"])
    is_new = options["force"] or not out.exists()
    found = _directions(model) if with_directions and is_new else None
    exported = export_page(model, out, directions=found, **options)
    notes = [f"Wrote {out}, {exported}."]
    address = None if push is None else push_hub(out, push, "space")
    if address:
        notes.append(f"Uploaded it to {address}.")
    how, following = _how_to_open(out)
    notes += how
    facts = {"wrote": [out], "bytes": exported.bytes, "agreement": asdict(exported.agreement)}
    return Outcome(notes=notes, facts=facts | {"address": address}, next=following)


def _directions(model: Model) -> Directions:
    """Find the attribute directions of the model, with a progress bar."""
    from strangers.latent.directions import LABELED_FACES, find_directions

    with progress_bar("attributes", LABELED_FACES) as advance:
        return find_directions(model, count=LABELED_FACES, advance=advance)
