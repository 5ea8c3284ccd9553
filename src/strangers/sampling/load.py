"""Load a model from a file, a run, the package or the Hugging Face hub."""

from __future__ import annotations

import re
from pathlib import Path

from torch import nn

from strangers.errors import ModelError, UsageError
from strangers.sampling.model import Model
from strangers.sampling.model_file import ModelHeader, read_model
from strangers.system.devices import choose_device, to_device
from strangers.system.files import sha256_of

BUNDLED_MODELS = Path(__file__).parents[1] / "models"
"""Folder of the models in the package."""


POINTERS = ("latest", "best")
"""Files of a run that hold the name of one of its checkpoints."""


HUB = "hf:"
"""Prefix of the name of a model on the Hugging Face hub."""


HUB_FILE = "model.safetensors"
"""The model file in a repository of the hub."""


def bundled() -> dict[str, Path]:
    """The generators in the package, by the names that `load` knows them by."""
    return {path.stem: path for path in sorted(BUNDLED_MODELS.glob("*-*.safetensors"))}


def load(source: str | Path, device: str = "auto") -> Model:
    """The model in a model file, a checkpoint or a run, of a name in the package, or of "hf:OWNER/NAME".

    Raises ModelError, and UsageError for the device and for a name of another form.
    """
    chosen = choose_device(device).value
    try:
        name = str(source)
        if name.startswith(HUB):
            header, generator, digest = _read(_fetched(name.removeprefix(HUB)))
        else:
            header, generator, digest = _read_newest(Path(source))
    except OSError as error:
        raise ModelError(f"The model {source} cannot be read: {error.strerror or error}.") from None
    generator = to_device(generator, chosen)
    return Model(generator.requires_grad_(False).eval(), header, digest)


def source_name(source: str | Path) -> str:
    """The name of a source of `load`, to show: of the run, the file, the repository or the bundled model."""
    path = Path(str(source).removeprefix(HUB))
    run = next((folder for folder in (path, *path.parents) if (folder / "run.json").is_file()), None)
    if run is None:
        return path.name.removesuffix(".safetensors")
    return run.resolve().name


def _read_newest(source: Path) -> tuple[ModelHeader, nn.Module, str]:
    """Read the model file that `source` names, although a training may remove it meanwhile."""
    while True:
        named = _pointed(source)
        try:
            return _read(_model_file(source))
        except (OSError, ModelError) as error:
            if _pointed(source) != named:
                continue
            if isinstance(error, ModelError) and (earlier := _checkpoint_before(source, named)):
                raise ModelError(f"{error} The checkpoint before it is {earlier}.") from None
            raise


def _read(path: Path) -> tuple[ModelHeader, nn.Module, str]:
    """A model file's header, its generator, and the beginning of its hash."""
    header, generator = read_model(path)
    return header, generator, sha256_of(path)[:16]


def _pointed(source: Path) -> str:
    """Return the checkpoint that `source`, or the `latest` of a run, names now; "" if none."""
    pointer = source if source.name in POINTERS else source / "latest"
    return pointer.read_text(errors="replace") if pointer.is_file() else ""


def _checkpoint_before(source: Path, named: str) -> Path | None:
    """The newest checkpoint older than the one named, of the run that `source` or its folder is."""
    run = source.parent if source.name in POINTERS else source
    older = [path for path in (run / "checkpoints").glob("[0-9]*") if path.name < named.strip()]
    return max(older, default=None)


def is_hub_name(name: str) -> bool:
    """Return whether a text is OWNER/NAME."""
    return re.fullmatch(r"[\w.-]+/[\w.-]+", name) is not None


def _fetched(name: str) -> Path:
    """The model file of the hub's repository OWNER/NAME, in its cache. Raises UsageError and ModelError."""
    if not is_hub_name(name):
        raise UsageError(f"A model of the hub is named hf:OWNER/NAME, not '{HUB}{name}'.")
    from huggingface_hub import hf_hub_download  # a network client that only these models need

    try:
        return Path(hf_hub_download(name, HUB_FILE))
    except Exception as error:  # of the hub's client, its network library or the disk
        first = (str(error).strip().splitlines() or [""])[0]
        raise ModelError(
            f"The model {HUB}{name} could not be fetched ({type(error).__name__}: {first}); check the name, "
            "the network, and `hf auth login` for models behind a login."
        ) from None


def _model_file(source: Path) -> Path:
    """The model file that `source`, a file, a checkpoint, a run, or its `latest` or `best`, stands for."""
    if source.is_file() and source.name in POINTERS and (source.parent / "checkpoints").is_dir():
        source = source.parent / "checkpoints" / source.read_text(errors="replace").strip()
    if source.is_file():
        return source
    if not source.exists():
        ours = bundled()
        if str(source) in ours:
            return ours[str(source)]
        raise ModelError(
            f"There is no model {source}: it is neither a model file nor a run's folder, "
            f"nor a model of the package ({', '.join(ours)})."
        )
    folder = source
    if (source / "latest").is_file():
        folder = source / "checkpoints" / (source / "latest").read_text(errors="replace").strip()
    path = folder / "model.safetensors"
    if path.is_file():
        return path
    if folder != source:
        raise ModelError(f"The latest checkpoint of {source} should be {folder}, but no model is there.")
    if (source / "recipe.json").is_file():
        raise ModelError(f"{source} has no checkpoint yet; there is no model in it. Train it for longer.")
    raise ModelError(f"{source} is neither a run nor a checkpoint; there is no model in it.")
