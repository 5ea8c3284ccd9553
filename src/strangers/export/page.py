"""Export to a web page: a folder for any static host, whose faces are drawn in the visitor's browser.

    index.html  main.js  ...       the page, with views of `strangers serve`
    drawn-faces.webp               for the view Learn
    certainty.onnx                 the face detector, for a wall of the best faces
    faces.json                     description of the model, and its attribute directions
    faces.onnx                     the generator; float16 weights if faces stay the same
    photographs.png                if the host adds some, for the game
    preview.webp                   the first faces, shown until the generator is loaded
    service-worker.js              keeps the page for use without a network
    manifest.webmanifest           lets a browser install the page
    runtime/                       onnxruntime-web

Or all of it as one HTML file. There is no build step. The page loads from its own host only, as its content
security policy says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import strangers
from strangers.export.onnx import Agreement, as_onnx, checked, compare
from strangers.export.page_html import (
    ABOUT,
    MANIFEST,
    PREVIEW,
    PREVIEW_SEEDS,
    PageText,
    loading_html,
    manifest,
    service_worker,
    standalone_html,
)
from strangers.export.photographs import FILE, Photographs
from strangers.export.runtime import runtime_files
from strangers.export.single_file import single_html
from strangers.images import encode_animation, grid
from strangers.latent.rejection import DEFAULT_REJECTION, least_certainty, own_certainties, shows_best
from strangers.sampling.model import Model
from strangers.system.folders import check_folder, new_folder
from strangers.system.outputs import check_outputs, signed, write_output
from strangers.system.streams import read_regular_file
from strangers.web.lesson import DRAWN_FACES, drawn_faces

SERVED = Path(strangers.__file__).parent / "web" / "static"
"""Files of the served page, which the exported page shares."""

EXPORTED = Path(__file__).parent / "static"
"""Files that the exported page adds or replaces."""

ONNX = "faces.onnx"
CERTAINTY = "certainty.onnx"
FACTS = "faces.json"
WASM = "runtime/ort-wasm-simd-threaded.wasm"
SERVICE_WORKER = "service-worker.js"
BESIDE = ("README.md", "model.safetensors", FILE)
"""Files of a folder that the service worker does not keep: a Space's, and photographs."""

SINGLE = ".html"
"""Suffix of a page that is one file."""

LEVELS = 2
"""Maximum difference of a pixel, in levels of 255, with float16 weights."""

LESSON_ONLY = ("lesson-main.js",)
"""Files of the page that `strangers.export.lesson` writes."""

NO_DIRECTIONS = "This page was exported without attribute directions."


class Directions(Protocol):
    """Attribute directions, as far as a page needs them: names, vectors (k, latent_size), accuracies."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def vectors(self) -> NDArray[np.float32]: ...
    @property
    def accuracies(self) -> tuple[float, ...]: ...


@dataclass(frozen=True)
class Exported:
    """Summary of an exported page.

    Attributes:
        half: True if weights are stored as float16.
        agreement: differences between the faces of the page and those of torch.
        bytes: total size of all files.
    """

    half: bool
    agreement: Agreement
    bytes: int

    def __str__(self) -> str:
        weights = "float16 weights" if self.half else "float32 weights, since float16 changes faces"
        return f"{self.bytes / 1e6:.1f} MB, {weights}; {self.agreement}"


def export_page(
    model: Model,
    out: Path,
    *,
    name: str = "",
    directions: Directions | None = None,
    runtime: Path | None = None,
    text: PageText | None = None,
    photographs: Photographs | None = None,
    more: Mapping[str, bytes] | None = None,
    force: bool = False,
) -> Exported:
    """Write the page as a folder, or as one file if `out` ends in .html.

    name: name of the model on the page; that of its recipe if empty.
    directions: for the sliders of the view Explore.
    runtime: folder with onnxruntime-web; None downloads the pinned version.
    text: title, author and license.
    photographs: for the game.
    more: other files of the folder, by name.
    force: replace a page at `out`. Raises StrangersError and OSError.
    """
    own = page_names(out, FACTS) if force else None
    check_place(out, own)
    half, data, agreement = _generator(model)
    described = facts(model, directions, name)
    described["photographs"] = None if photographs is None else photographs.facts()
    files = _files(model, data, described, runtime, text or PageText())
    if photographs is not None:
        files[FILE] = photographs.png
    return Exported(half, agreement, write_page(out, files, more or {}, own))


def page_names(out: Path, first: str) -> list[str]:
    """Return the names of the files that a page at `out` has, of any version, beginning with `first`."""
    try:
        listed = json.loads(
            read_regular_file(out / SERVICE_WORKER).partition(b"const FILES = ")[2].partition(b";")[0]
        )
    except (OSError, ValueError):
        listed = []
    return [first, *listed, SERVICE_WORKER, *BESIDE]


def check_place(out: Path, own: Sequence[str] | None) -> None:
    """Raise an error unless a page may be written at `out`; own: as for `check_folder`."""
    if out.suffix == SINGLE:
        check_outputs(out, kind="export", force=own is not None)
    else:
        check_folder(out, own)


def write_page(
    out: Path, files: dict[str, bytes], more: Mapping[str, bytes], own: Sequence[str] | None
) -> int:
    """Write the files of a page, and `more` if it is a folder. Return their size in bytes.

    own: as in `check_place`.
    """
    if out.suffix == SINGLE:
        page = signed(single_html(files).decode(), "export")
        write_output(out, page, kind="export", force=own is not None)
        return len(page)
    with new_folder(out, own) as folder:
        for path, content in (files | dict(more)).items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_bytes(content)
    return sum(map(len, (files | dict(more)).values()))


def _files(
    model: Model, onnx: bytes, described: dict[str, Any], runtime: Path | None, text: PageText
) -> dict[str, bytes]:
    """Return the files of the page by name."""
    from strangers.export.certainty import certainty_onnx  # of the extra export

    # Some hosts serve .mjs with a wrong type, which browsers refuse, so these files end in .js.
    files = {
        f"runtime/{name.replace('.mjs', '.js')}": content for name, content in runtime_files(runtime).items()
    }
    files |= {name: path.read_bytes() for name, path in page_files().items() if name not in LESSON_ONLY}
    files[ONNX] = onnx
    files[CERTAINTY] = certainty_onnx(model.header.size)
    loaded = {ONNX: len(onnx), WASM: len(files[WASM])}
    files[FACTS] = json.dumps(described | {"bytes": loaded}).encode()
    size = model.header.size
    html = files["index.html"].decode()
    megabytes = sum(loaded.values()) / 1e6
    terms = f"Terms of the photographs: {model.header.license}"
    seeds = preview_seeds(model)
    loading = loading_html(megabytes, size)
    files["index.html"] = standalone_html(html, text, ABOUT, terms, loading).encode()
    files[DRAWN_FACES] = drawn_faces()
    preview = grid(model.sample(seeds), columns=8, gap=0)
    files[PREVIEW] = encode_animation([preview], 1, "WEBP", model.provenance(seeds))
    files[MANIFEST] = manifest(text)
    worker = files.pop(SERVICE_WORKER)
    files[SERVICE_WORKER] = service_worker(worker, files)
    return files


def preview_seeds(model: Model) -> list[int]:
    """Return the seeds of the first faces that the page shows."""
    least = least_certainty(model, DEFAULT_REJECTION if shows_best(model) else 0.0)
    kept = [seed for seed, certainty in enumerate(own_certainties(model)) if certainty >= least]
    return kept[:PREVIEW_SEEDS]


def facts(model: Model, directions: Directions | None, name: str = "") -> dict[str, Any]:
    """Return the content of faces.json: the ONNX file, the model, and the directions."""
    header, provenance, own = model.header, model.provenance([]), own_certainties(model)
    described: dict[str, Any] = {
        "state": "unavailable",
        "reason": NO_DIRECTIONS,
        "names": [],
        "accuracies": [],
        "vectors": [],
    }
    if directions is not None:
        described = {
            "state": "ready",
            "names": list(directions.names),
            "accuracies": [round(accuracy, 4) for accuracy in directions.accuracies],
            "vectors": [[round(float(number), 6) for number in vector] for vector in directions.vectors],
        }
    return {
        "software": provenance.software,
        "files": {"onnx": ONNX, "wasm": WASM, "certainty": CERTAINTY},
        "model": {
            "name": header.title or name or header.recipe.name,
            "hash": model.hash,
            "size": header.size,
            "latent": header.recipe.latent,
            "latent_size": header.recipe.latent_size,
            "recipe": header.recipe.name,
            "images_seen": header.images_seen,
            "crop": header.crop,
            "license": header.license,
            "first_seed": int(own.argmax()),
            "rejected": DEFAULT_REJECTION,
            "shows_best": shows_best(model),
        },
        "certainties": own.tolist(),
        "least_certainty": least_certainty(model, DEFAULT_REJECTION),
        "directions": described,
    }


def _generator(model: Model) -> tuple[bool, bytes, Agreement]:
    """Return the ONNX file, with float16 weights if no pixel differs by more than LEVELS."""
    half = as_onnx(model, half=True)
    agreement = compare(model, half)
    if agreement.levels <= LEVELS:
        return True, half, agreement
    whole = as_onnx(model)
    return False, whole, checked(model, whole)


def page_files() -> dict[str, Path]:
    """Return the source of each file of the page by its name; EXPORTED replaces SERVED."""
    return {
        path.relative_to(home).as_posix(): path
        for home in (SERVED, EXPORTED)
        for path in sorted(home.rglob("*"))
        if path.is_file()
    }
