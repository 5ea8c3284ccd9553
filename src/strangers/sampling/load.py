"""Load a model from a file, a run, the package or the Hugging Face hub."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

from torch import nn

from strangers.errors import ModelError, StrangersError, UsageError
from strangers.sampling.model import Model
from strangers.sampling.model_file import ModelHeader, read_model
from strangers.system.devices import choose_device, to_device
from strangers.system.files import hash_of
from strangers.system.streams import detail

BUNDLED_MODELS = Path(__file__).parents[1] / "models"
"""Folder of the models in the package."""


POINTERS = ("latest", "best")
"""Files of a run that hold the name of one of its checkpoints."""


HUB = "hf:"
"""Prefix of the name of a model on the Hugging Face hub."""


HUB_FILE = "model.safetensors"
"""The model file in a repository of the hub."""


def bundled() -> dict[str, Path]:
    """Return the model files in the package, by the names that `load` accepts."""
    return {path.stem: path for path in sorted(BUNDLED_MODELS.glob("*-*.safetensors"))}


@cache
def bundled_hashes() -> frozenset[str]:
    """Return the hashes of the models in the package."""
    return frozenset(hash_of(path.read_bytes()) for path in bundled().values())


def load(source: str | Path, device: str = "auto") -> Model:
    """Load a model file, a checkpoint, a run, a bundled model such as "celeba-64", or "hf:OWNER/NAME".

    Raises ModelError, and UsageError for the device and for a source that does not exist.
    """
    chosen = choose_device(device)
    try:
        name = str(source)
        if name.startswith(HUB):
            header, generator, digest = read_model(_fetched(name.removeprefix(HUB)))
        else:
            header, generator, digest = _read_newest(Path(source))
    except OSError as error:
        raise ModelError(f"The model {source} cannot be read: {error.strerror or error}.") from None
    generator = to_device(generator, chosen.value)
    detail(f"Loaded {source}, hash {digest}, on {chosen.value}: {chosen.reason}")
    return Model(generator.requires_grad_(False).eval(), header, digest)


def source_name(source: str | Path) -> str:
    """The name of a source of `load`, to show: of the run, the file, the repository or the bundled model."""
    path = Path(str(source).removeprefix(HUB))
    # os.path's answer is False also where a folder may not be searched.
    run = next((folder for folder in (path, *path.parents) if os.path.isfile(folder / "run.json")), None)
    if run is None:
        return path.name.removesuffix(".safetensors")
    return run.resolve().name


def _read_newest(source: Path) -> tuple[ModelHeader, nn.Module, str]:
    """Read the model file of `source`, while a training may replace it."""
    while True:
        named = _pointed(source)
        try:
            return read_model(model_file(source))
        except (OSError, StrangersError) as error:
            if _pointed(source) != named:
                continue
            if isinstance(error, StrangersError) and (earlier := _checkpoint_before(source, named)):
                raise ModelError(f"{error} The checkpoint before it is {earlier}.") from None
            raise


def _pointed(source: Path) -> str:
    """Return the name of the checkpoint that `source` or its file `latest` points to; empty if none."""
    pointer = source if source.name in POINTERS else source / "latest"
    return pointer.read_text(errors="replace") if pointer.is_file() else ""


def _checkpoint_before(source: Path, named: str) -> Path | None:
    """Return the newest checkpoint before the named one, in the run of `source`."""
    run = source.parent if source.name in POINTERS else source
    older = [path for path in (run / "checkpoints").glob("[0-9]*") if path.name < named.strip()]
    return max(older, default=None)


def is_hub_name(name: str) -> bool:
    """Return whether a text is OWNER/NAME."""
    return re.fullmatch(r"[\w.-]+/[\w.-]+", name) is not None


def _fetched(name: str) -> Path:
    """Return the model file of the hub repository OWNER/NAME in the hub's cache, downloaded if necessary.

    Raises UsageError and ModelError.
    """
    if not is_hub_name(name):
        raise UsageError(f"Invalid hub model '{HUB}{name}'; write it as hf:OWNER/NAME.")
    from huggingface_hub import hf_hub_download  # slow to import

    try:
        return Path(hf_hub_download(name, HUB_FILE))
    except Exception as error:  # of the hub's client, its network library or the disk
        first = (str(error).strip().splitlines() or [""])[0]
        raise ModelError(
            f"Cannot download the model {HUB}{name} ({type(error).__name__}: {first}); check the name, the "
            "network, and for private models `hf auth login`."
        ) from None


def model_file(source: Path) -> Path:
    """Return the model file of `source`: a file, a checkpoint, a run, or the `latest` or `best` of a run."""
    if source.is_file() and source.name in POINTERS and (source.parent / "checkpoints").is_dir():
        named = source.parent / "checkpoints" / source.read_text(errors="replace").strip()
        if not named.exists():
            raise ModelError(f"{source} names the checkpoint {named.name}, which does not exist.")
        source = named
    if source.is_file():
        return source
    if not source.exists():
        ours = bundled()
        if str(source) in ours:
            return ours[str(source)]
        raise UsageError(
            f"There is no model {source}: no such file or run, and not one of the bundled models "
            f"({', '.join(ours)})."
        )
    folder = source
    if (source / "latest").is_file():
        folder = source / "checkpoints" / (source / "latest").read_text(errors="replace").strip()
    path = folder / "model.safetensors"
    if path.is_file():
        return path
    if folder != source:
        raise ModelError(f"The latest checkpoint of {source}, {folder}, has no model.")
    if (source / "recipe.json").is_file() or (source / "run.json").is_file():
        raise ModelError(f"The run {source} has no checkpoint yet; train it for longer.")
    raise ModelError(f"{source} is neither a run nor a checkpoint.")
