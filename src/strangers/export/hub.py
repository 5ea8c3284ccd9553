"""The model as a repository of the Hugging Face hub: a folder, and putting it there."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from strangers.errors import DataError, StrangersError, UsageError
from strangers.evaluation.result import Result
from strangers.export.card import card
from strangers.export.onnx import as_onnx, checked
from strangers.files import new_folder
from strangers.images import encode_png, grid
from strangers.model_file import as_bytes
from strangers.sampling import HUB_FILE, Model, is_hub_name

GRID = "grid.png"

SHOWN = range(64)
"""Seeds of the grid: the first ones, uncurated."""


def export_hub(model: Model, out: Path, *, result: Path | None = None, repository: str | None = None) -> None:
    """Write the repository's folder, which must not exist yet. Raises StrangersError and OSError.

    result: what `strangers evaluate` wrote of this model; the card tells it, and the file goes along.
    repository: OWNER/NAME, for the card.
    """
    if repository is not None:
        _refuse_other_names(repository)
    measured = None if result is None else read_result(result, model)
    onnx = as_onnx(model)
    checked(model, onnx)
    files = {
        HUB_FILE: as_bytes(model.generator, model.header),
        "faces.onnx": onnx,
        GRID: encode_png(grid(model.sample(SHOWN), columns=8), model.provenance(SHOWN)),
        "README.md": card(model, measured, repository, picture=GRID).encode(),
    }
    if measured is not None:
        files["evaluation.json"] = (measured.model_dump_json(indent=1) + "\n").encode()
    with new_folder(out) as folder:
        for name, data in files.items():
            (folder / name).write_bytes(data)


def read_result(path: Path, model: Model) -> Result:
    """What `strangers evaluate` wrote of the model. Raises DataError, and UsageError for another's."""
    try:
        result = Result.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"The result {path} cannot be read: {error.strerror or error}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DataError(
            f"{path} is not a result of `strangers evaluate` for one model ({where}: {first['msg']})."
        ) from None
    if result.model.hash != model.hash:
        raise UsageError(
            f"{path} is of the model {result.model.hash} ({result.model.path}), but this one is "
            f"{model.hash}. Measure this one: strangers evaluate."
        )
    return result


def push_hub(folder: Path, repository: str) -> str:
    """Put a folder on the hub, as the repository OWNER/NAME; returns its address. Raises StrangersError."""
    _refuse_other_names(repository)
    from huggingface_hub import HfApi  # a network client that only this needs

    api = HfApi()
    try:
        address = api.create_repo(repository, exist_ok=True)
        api.upload_folder(repo_id=repository, folder_path=folder, commit_message="Faces, by strangers")
    except Exception as error:  # of the hub's client, its network library or the disk
        first = (str(error).strip().splitlines() or [""])[0]
        raise StrangersError(
            f"{folder} is written, but could not be put at hf:{repository} ({type(error).__name__}: "
            f"{first}); check the name, the network, and `hf auth login`."
        ) from None
    return str(address)


def _refuse_other_names(repository: str) -> None:
    if not is_hub_name(repository):
        raise UsageError(f"A repository of the hub is named OWNER/NAME, not {repository!r}.")
