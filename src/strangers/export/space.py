"""Export to a static Space of the Hugging Face Hub: the web page with a README that the hub reads.

Its front matter says `sdk: static` (https://huggingface.co/docs/hub/spaces-sdks-static).
"""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

from strangers.evaluation.result import Result
from strangers.export.card import card
from strangers.sampling.load import HUB_FILE
from strangers.sampling.model import Model
from strangers.sampling.model_file import as_bytes


def space_files(
    model: Model, result: Result | None = None, repository: str | None = None
) -> dict[str, bytes]:
    """Return the files of a Space besides the page: README.md and the model file, which the card names.

    result: of `strangers evaluate` on this model. repository: OWNER/NAME of the Space.
    """
    weights = as_bytes(model.generator, model.header)
    model = replace(model, hash=sha256(weights).hexdigest()[:16])
    return {"README.md": space_readme(model, result, repository).encode(), HUB_FILE: weights}


def space_readme(model: Model, result: Result | None = None, repository: str | None = None) -> str:
    """Return the README.md of a Space: the hub's settings, and the card of the model.

    result: of `strangers evaluate` on this model. repository: OWNER/NAME of the Space.
    """
    header = model.header
    settings: dict[str, Any] = {
        "title": header.title or f"Faces of {header.recipe.name}",
        "colorFrom": "blue",
        "colorTo": "green",
        "sdk": "static",
        "app_file": "index.html",
        "pinned": False,
        "license": "other",
        "short_description": "Faces of people who do not exist, drawn in your browser",
    }
    # JSON is YAML too, and quotes what needs it.
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in settings.items()]
    _, _, text = card(model, result).partition("\n---\n")
    where = f"https://huggingface.co/spaces/{repository}" if repository else "index.html"
    note = f"The page is {where}; its faces are drawn by `faces.onnx` in the visitor's browser."
    return "\n".join(["---", *lines, "---", "", note, text])
