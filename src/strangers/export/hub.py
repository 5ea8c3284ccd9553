"""Export to a repository of the Hugging Face Hub: write its folder, and upload it."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Literal

from strangers.errors import StrangersError, UsageError
from strangers.export.card import card, read_result
from strangers.export.onnx import as_onnx, checked
from strangers.images import encode_png, grid
from strangers.sampling.load import HUB_FILE, is_hub_name
from strangers.sampling.model import Model
from strangers.sampling.model_file import as_bytes
from strangers.system.folders import check_folder, new_folder

GRID = "grid.png"

FILES = (HUB_FILE, "faces.onnx", GRID, "README.md", "evaluation.json")
"""The files that a repository can have."""

SHOWN = range(64)
"""Seeds of the grid: the first ones, uncurated."""


def export_hub(
    model: Model,
    out: Path,
    *,
    result: Path | None = None,
    repository: str | None = None,
    force: bool = False,
) -> None:
    """Write the folder of the repository. Raises StrangersError and OSError.

    result: JSON of `strangers evaluate` for this model, for the card; it is copied to evaluation.json.
    repository: OWNER/NAME, for the card.
    force: replace a repository at `out`.
    """
    own = FILES if force else None
    check_folder(out, own)
    if repository is not None:
        _refuse_other_names(repository)
    measured = None if result is None else read_result(result, model)
    place = HUB_FILE if repository is None else f"hf:{repository}"
    weights = as_bytes(model.generator, model.header)
    model = replace(model, hash=sha256(weights).hexdigest()[:16])
    onnx = as_onnx(model)
    checked(model, onnx)
    files = {
        HUB_FILE: weights,
        "faces.onnx": onnx,
        GRID: encode_png(grid(model.sample(SHOWN), columns=8), model.provenance(SHOWN)),
        "README.md": card(model, measured, place, picture=GRID).encode(),
    }
    if measured is not None:
        facts = measured.model.model_copy(update={"hash": model.hash})
        evaluation = measured.model_copy(update={"model": facts})
        files["evaluation.json"] = (evaluation.model_dump_json(indent=1) + "\n").encode()
    with new_folder(out, own) as folder:
        for name, data in files.items():
            (folder / name).write_bytes(data)


def push_hub(folder: Path, repository: str, kind: Literal["model", "space"] = "model") -> str:
    """Upload a folder to the hub as the repository OWNER/NAME. Return its URL. Raises StrangersError.

    kind: of the repository; a Space is a static web page.
    """
    _refuse_other_names(repository)
    from huggingface_hub import HfApi  # slow to import

    api = HfApi()
    try:
        sdk = "static" if kind == "space" else None
        address = api.create_repo(repository, exist_ok=True, repo_type=kind, space_sdk=sdk)
        api.upload_folder(
            repo_id=repository,
            folder_path=folder,
            repo_type=kind,
            commit_message=f"Upload a {kind} of strangers",
        )
    except Exception as error:  # of the hub's client, its network library or the disk
        first = (str(error).strip().splitlines() or [""])[0]
        raise StrangersError(
            f"Wrote {folder}, but cannot upload it to hf:{repository} ({type(error).__name__}: {first}); "
            "check the name, the network, and `hf auth login`."
        ) from None
    return str(address)


def _refuse_other_names(repository: str) -> None:
    if not is_hub_name(repository):
        raise UsageError(f"Invalid repository {repository!r}; write it as OWNER/NAME.")
