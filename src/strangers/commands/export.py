"""`strangers export`: a model as a file, as ONNX, as a web page or as a repository of the hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Option

from strangers.commands.arguments import Force, ModelName
from strangers.commands.progress import progress_bar
from strangers.errors import UsageError

if TYPE_CHECKING:
    from strangers.latent.directions import Directions
    from strangers.sampling.model import Model

ONLY_FOR = {"runtime": ("page",), "directions": ("page",), "push": ("hub",), "result": ("file", "hub")}
"""Which options mean something to some kinds of export alone."""

ENDINGS = {"file": ".safetensors", "onnx": ".onnx"}
"""How the names of what is one file end."""


def export(
    model: ModelName,
    *,
    to: Annotated[
        Literal["file", "onnx", "page", "hub"],
        Option(help="A model file in half precision with its card, ONNX, a web page, or a hub's repository."),
    ],
    out: Annotated[Path, Option(metavar="PATH", help="The file, or a folder that does not exist yet.")],
    directions: Annotated[
        bool | None,
        Option(help="page: with sliders for attributes, which takes a minute.  [default: with]"),
    ] = None,
    runtime: Annotated[
        Path | None, Option(metavar="DIR", help="page: onnxruntime-web, if not to be fetched.")
    ] = None,
    result: Annotated[
        Path | None, Option(metavar="JSON", help="file, hub: what `evaluate` wrote, for the card.")
    ] = None,
    push: Annotated[
        str | None, Option(metavar="OWNER/NAME", help="hub: put it there too, as `hf auth login` allows.")
    ] = None,
    force: Force = False,
) -> None:
    """Take a model away: as a small file, as ONNX, as a web page, or as a repository of the hub."""
    given = {"runtime": runtime, "directions": directions, "push": push, "result": result}
    for name, value in given.items():
        if value is not None and to not in ONLY_FOR[name]:
            raise UsageError(f"--{name} is for --to {' and '.join(ONLY_FOR[name])}, not for --to {to}.")
    if to in ENDINGS and out.suffix != ENDINGS[to]:
        raise UsageError(f"--to {to} writes one file: let --out end in {ENDINGS[to]}, not {out.name!r}.")
    from strangers.sampling.load import load, source_name
    from strangers.system.files import check_outputs

    if to in ENDINGS:
        outputs = (out, out.with_suffix(".md")) if to == "file" else (out,)
        check_outputs(*outputs, kind="export", inputs=[model, result], force=force)
    loaded = load(model, device="cpu")
    if to == "file":
        print(_file(loaded, out, result, force=force))
    elif to == "onnx":
        print(_onnx(loaded, out, force=force))
    elif to == "page":
        print(_page(loaded, source_name(model), out, runtime, with_directions=directions is not False))
    else:
        print(_hub(loaded, out, result, push))


def _file(model: Model, out: Path, result: Path | None, *, force: bool) -> str:
    """Write the model file and its card. Return what was written."""
    from strangers.export.file import export_file

    export_file(model, out, result=result, force=force)
    return f"Wrote {out}, {out.stat().st_size / 1e6:.1f} MB, and {out.with_suffix('.md')}, its card."


def _onnx(model: Model, out: Path, *, force: bool) -> str:
    """Write the ONNX file, and compare its faces with the model's. Return what was written."""
    from strangers.export.onnx import CHECKED, export_onnx

    agreement = export_onnx(model, out, force=force)
    return f"Wrote {out}, {out.stat().st_size / 1e6:.1f} MB: over {CHECKED} seeds it {agreement}."


def _hub(model: Model, out: Path, result: Path | None, push: str | None) -> str:
    """Write the repository, and upload it if `push` names one. Return what was written."""
    from strangers.export.hub import export_hub, push_hub

    export_hub(model, out, result=result, repository=push)
    written = f"Wrote {out}; README.md is the card."
    if push:
        written += f"\nUploaded it to {push_hub(out, push)}; load it by strangers.load('hf:{push}')."
    return written


def _page(model: Model, name: str, out: Path, runtime: Path | None, *, with_directions: bool) -> str:
    """Write the page. Return what was written and how to open it."""
    from strangers.export.page import export_page

    found = _directions(model) if with_directions and not out.exists() else None
    exported = export_page(model, out, name=name, directions=found, runtime=runtime)
    return (
        f"Wrote {out}, {exported}.\n"
        f"To open it: python -m http.server --directory {out} 8000, then http://localhost:8000/"
    )


def _directions(model: Model) -> Directions:
    """Return the model's attribute directions, with a progress bar while they are found."""
    from strangers.latent.directions import LABELED_FACES, find_directions

    with progress_bar("attributes", LABELED_FACES) as advance:
        return find_directions(model, count=LABELED_FACES, advance=advance)
