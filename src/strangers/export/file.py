"""A model file half as large, its weights in 16 bits, with the card beside it."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from strangers.export.card import card, read_result
from strangers.sampling.load import BUNDLED_MODELS
from strangers.sampling.model import Model
from strangers.sampling.model_file import as_bytes
from strangers.system.files import check_outputs, signed, write_output


def export_file(model: Model, out: Path, *, result: Path | None = None, force: bool = False) -> None:
    """Write the model file `out` and its card, `out` with the ending .md. Raises StrangersError and OSError.

    result: what `strangers evaluate` wrote of this very file, so export it first, then measure it, then
    export it again: the file will have the same bytes.
    """
    check_outputs(out, out.with_suffix(".md"), kind="export", force=force)
    data = as_bytes(model.generator, model.header, half=True)
    smaller = replace(model, hash=sha256(data).hexdigest()[:16])
    measured = None if result is None else read_result(result, smaller)
    place = out.stem if out.resolve().parent == BUNDLED_MODELS else out.name
    write_output(out, data, kind="export", force=force)
    text = card(smaller, measured, place)
    write_output(out.with_suffix(".md"), signed(text, "export"), kind="export", force=force)
