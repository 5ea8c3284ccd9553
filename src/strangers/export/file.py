"""Export to a model file with float16 weights, half as large, with its model card."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from strangers.export.card import card, read_result
from strangers.sampling.load import BUNDLED_MODELS
from strangers.sampling.model import Model
from strangers.sampling.model_file import as_bytes
from strangers.system.outputs import check_outputs, signed, together, write_output


def export_file(model: Model, out: Path, *, result: Path | None = None, force: bool = False) -> None:
    """Write the model file `out`, and its card next to it as .md. Raises StrangersError and OSError.

    result: JSON of `strangers evaluate` for the exported file. To get it, export, evaluate the file, and
    export again with the result: the file keeps its bytes.
    """
    check_outputs(out, out.with_suffix(".md"), kind="export", force=force)
    data = as_bytes(model.generator, model.header, half=True)
    smaller = replace(model, hash=sha256(data).hexdigest()[:16])
    measured = None if result is None else read_result(result, smaller)
    place = out.stem if out.resolve().parent == BUNDLED_MODELS else out.name
    text = signed(card(smaller, measured, place), "export")
    with together(out):
        write_output(out, data, kind="export", force=force)
        write_output(out.with_suffix(".md"), text, kind="export", force=force)
