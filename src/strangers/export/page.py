"""The model as a folder that any static host serves: the page's views, drawing in the visitor's own browser.

    index.html  main.js  ...       the page, of which the views are those of `strangers serve`
    faces.json                     what the page says of the model, and the attribute directions
    faces.onnx                     the generator, weights in 16 bits where faces stay the same
    runtime/                       onnxruntime-web

Nothing is built, and nobody else is asked: the page's policy lets a browser load from its own host alone.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import strangers
from strangers.errors import StrangersError
from strangers.export.onnx import Agreement, as_onnx, checked, compare
from strangers.export.runtime import runtime_files
from strangers.sampling.model import Model
from strangers.system.files import new_folder

VIEWS = Path(strangers.__file__).parent / "web" / "static"
"""The served page, whose views this one shares."""

OWN = Path(__file__).parent / "static"
"""What this page has in place of the served page's files, or besides."""

LEVELS = 2
"""By how many levels of 255 a pixel may differ where weights are stored in 16 bits."""

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; "
    "style-src 'self'; img-src 'self' blob:; base-uri 'none'; form-action 'none'"
)
"""Policy of what a browser may do with the page: load from its own host, and run the generator."""

ABOUT = "These people do not exist. Your browser draws their faces and sends nothing to anyone."

NO_DIRECTIONS = "No attributes were looked for when this page was exported."


class Directions(Protocol):
    """The part of the directions that a page needs: names, vectors (k, latent_size) and accuracies."""

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
        half: whether weights are stored in 16 bits.
        agreement: how the page's faces agree with torch's.
        bytes: of all files together.
    """

    half: bool
    agreement: Agreement
    bytes: int

    def __str__(self) -> str:
        weights = "16-bit weights" if self.half else "32-bit weights, as 16 bits would have changed faces"
        return f"{self.bytes / 1e6:.1f} MB, {weights}; {self.agreement}"


def export_page(
    model: Model,
    out: Path,
    *,
    name: str = "",
    directions: Directions | None = None,
    runtime: Path | None = None,
) -> Exported:
    """Write the page's folder, which must not exist yet. Raises StrangersError and OSError.

    name: of the model, as the page shows it; its recipe's if empty.
    directions: the sliders of the view Explore.
    runtime: a folder with onnxruntime-web, if not the pinned one.
    """
    if out.exists():
        raise StrangersError(f"{out} exists already; choose another place or remove it first.")
    half, data, agreement = _generator(model)
    # As .js: not every host knows that an .mjs is JavaScript, and a browser runs nothing else.
    files = {
        f"runtime/{name.replace('.mjs', '.js')}": content for name, content in runtime_files(runtime).items()
    }
    files |= {name: path.read_bytes() for name, path in _page_files().items()}
    files["index.html"] = standalone_html(files["index.html"].decode(), model).encode()
    files["faces.json"] = json.dumps(facts(model, directions, name)).encode()
    files["faces.onnx"] = data
    with new_folder(out) as folder:
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
    return Exported(half, agreement, sum(map(len, files.values())))


def facts(model: Model, directions: Directions | None, name: str = "") -> dict[str, Any]:
    """Return the content of faces.json: the ONNX file, the model, and the directions."""
    header, provenance = model.header, model.provenance([])
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
        "onnx": "faces.onnx",
        "model": {
            "name": name or header.recipe.name,
            "hash": model.hash,
            "size": header.size,
            "latent": header.recipe.latent,
            "latent_size": header.recipe.latent_size,
            "recipe": header.recipe.name,
            "images_seen": header.images_seen,
            "crop": header.crop,
            "license": header.license,
        },
        "directions": described,
    }


def _generator(model: Model) -> tuple[bool, bytes, Agreement]:
    """The ONNX file, with 16-bit weights if no pixel differs by more than LEVELS."""
    half = as_onnx(model, half=True)
    agreement = compare(model, half)
    if agreement.levels <= LEVELS:
        return True, half, agreement
    whole = as_onnx(model)
    return False, whole, checked(model, whole)


def _page_files() -> dict[str, Path]:
    """Return the source of each file of the page, by name; our own stand in for the served page's."""
    return {
        path.relative_to(home).as_posix(): path
        for home in (VIEWS, OWN)
        for path in sorted(home.rglob("*"))
        if path.is_file()
    }


def standalone_html(html: str, model: Model) -> str:
    """Return index.html without the token dialog, and with a policy and the license of the faces."""
    html = re.sub(r'\s*<dialog id="token".*?</dialog>', "", html, flags=re.DOTALL)
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}" />'
    style = '<link rel="stylesheet" href="about.css" />'
    words = f"<p>{ABOUT}</p><p>{escape(model.header.license)}</p>"
    about = f'<details class="about" id="about"><summary>About</summary><div>{words}</div></details>'
    for tag, replacement in (
        ("<head>", f"<head>\n    {policy}"),
        ("</head>", f"  {style}\n  </head>"),
        ("</header>", f"  {about}\n    </header>"),
    ):
        assert html.count(tag) == 1, tag
        html = html.replace(tag, replacement)
    return html
