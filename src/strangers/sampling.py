"""Model: a trained generator in one file, and faces from seeds.

A model file is a .safetensors with the averaged generator's weights, in whose header, under "strangers", a
JSON text says everything else that is needed to draw with it. Nothing in it is code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from strangers import __version__
from strangers.devices import choose_device
from strangers.errors import ModelError, UsageError
from strangers.files import sha256_of, write_atomically
from strangers.images import Pixels, Provenance, to_pixels
from strangers.latents import format_seeds, latents
from strangers.networks.layers import place
from strangers.recipe import Recipe, build_networks

FORMAT: Literal[1] = 1
BATCH = 64
"""Faces handed over at once: few enough for a small memory."""

GROUP = 16
"""Faces drawn at once, always. Matrix products of other heights are summed in another order, and a face that
depends on its neighbours' number is not the seed's face; 16 keep the processor about as busy as more."""

POINTERS = ("latest", "best")
"""Files of a run that hold the name of one of its checkpoints."""

LICENCE = (
    "The photographs' terms bind what is made of them. CelebA's allow non-commercial research only. "
    "Look up the terms of the set that this model was trained on."
)


class ModelHeader(BaseModel):
    """What a model file says of itself.

    Attributes:
        format: version of the file format.
        software: what trained it.
        recipe: what was trained, and how.
        images_seen: how many real images the training has shown.
        size, crop, filter: of the photographs: height and width in pixels, crop protocol, resize filter.
        data_hash: hash of the prepared set.
        licence: a note on the terms of the photographs.
        metrics: measured distances by name.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    format: Literal[1] = FORMAT
    software: str
    recipe: Recipe
    images_seen: int = Field(ge=0)
    size: int
    crop: str
    filter: str
    data_hash: str
    licence: str = LICENCE
    metrics: dict[str, JsonValue] = {}

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.size != self.recipe.size:
            raise ValueError(f"its size is {self.size}, but its recipe's is {self.recipe.size}")
        return self


@dataclass(frozen=True)
class Model:
    """A generator that draws faces.

    Attributes:
        generator: latents (n, latent_size) -> images (n, 3, size, size) in [-1, 1].
        header: what its file says of it.
        hash: the first 16 hexadecimal digits of the SHA-256 of its file.
    """

    generator: nn.Module
    header: ModelHeader
    hash: str

    @property
    def recipe(self) -> Recipe:
        """What was trained, and how."""
        return self.header.recipe

    def sample(self, seeds: Iterable[int], *, truncation: float = 1.0, batch: int = BATCH) -> Pixels:
        """The faces of `seeds`, uint8 (n, size, size, 3): the same face for a seed, whatever the others are.

        truncation: see `batches`.
        """
        faces = [faces for _, faces in self.batches(seeds, truncation=truncation, batch=batch)]
        size = self.header.size
        return np.concatenate(faces) if faces else np.zeros((0, size, size, 3), np.uint8)

    def batches(
        self, seeds: Iterable[int], *, truncation: float = 1.0, batch: int = BATCH
    ) -> Iterator[tuple[list[int], Pixels]]:
        """Seeds and their faces, at most `batch` at once, so that any number of faces needs little memory.

        truncation: what latents are multiplied by, in (0, 1]; below 1 faces are more alike and more typical.
        batch: how many faces are handed over at once; it changes none of them.
        Raises UsageError for another truncation or batch, or for a seed that is not in [0, 2**64).
        """
        if not 0 < truncation <= 1:
            raise UsageError(f"Truncation is above 0 and at most 1, not {truncation}.")
        if batch < 1:
            raise UsageError(f"A batch holds at least one face, not {batch}.")
        recipe, remaining = self.recipe, iter(seeds)
        while chosen := list(islice(remaining, batch)):
            z = latents(chosen, recipe.latent_size, recipe.latent)
            yield chosen, self.decode(z * np.float32(truncation))

    def decode(self, z: NDArray[np.float32]) -> Pixels:
        """The faces of latents (n, latent_size), uint8 (n, size, size, 3). Raises UsageError for others."""
        if z.ndim != 2 or z.shape[1] != self.recipe.latent_size:
            raise UsageError(f"Latents here are (n, {self.recipe.latent_size}), not {z.shape}.")
        return draw(self.generator, z)

    def provenance(self, seeds: Iterable[int], truncation: float = 1.0) -> Provenance:
        """What a picture of these seeds' faces should say of its origin."""
        return Provenance(
            software=f"strangers {__version__}",
            model_hash=self.hash,
            recipe=self.recipe.name,
            images_seen=self.header.images_seen,
            seeds=format_seeds(seeds),
            truncation=truncation,
        )


def draw(generator: nn.Module, z: NDArray[np.float32]) -> Pixels:
    """The pictures of latents (n, latent_size), uint8 (n, size, size, 3).

    The generator must be in eval mode. A latent gives the same picture whatever the others are.
    """
    device = next(generator.parameters()).device
    groups = max(1, -(-len(z) // GROUP))
    padded = np.zeros((groups * GROUP, z.shape[1]), np.float32)
    padded[: len(z)] = z
    exact = torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)  # as on a CPU
    with torch.inference_mode(), exact:
        latent_groups = torch.from_numpy(padded).to(device).view(groups, GROUP, -1)
        pictures = [to_pixels(generator(group)) for group in latent_groups]
    return np.concatenate(pictures)[: len(z)]


def model_of(generator: nn.Module, header: ModelHeader) -> Model:
    """The model that `load` would give of what `save_model` writes. The generator must be in eval mode."""
    return Model(generator, header, hashlib.sha256(_as_bytes(generator, header)).hexdigest()[:16])


def save_model(path: Path, generator: nn.Module, header: ModelHeader) -> None:
    """Write the model file, whole or not at all. Raises OSError."""
    write_atomically(path, _as_bytes(generator, header))


def _as_bytes(generator: nn.Module, header: ModelHeader) -> bytes:
    tensors = {name: value.detach().cpu().contiguous() for name, value in generator.state_dict().items()}
    return bytes(save(tensors, {"strangers": header.model_dump_json()}))


def load(source: str | Path, device: str = "auto") -> Model:
    """The model in a model file, a checkpoint or a run. Raises ModelError, and UsageError for the device."""
    chosen = choose_device(device).value
    try:
        path = _model_file(Path(source))
        header, tensors = _read(path)
        name = sha256_of(path)[:16]
    except OSError as error:
        raise ModelError(f"The model {source} cannot be read: {error.strerror or error}.") from None
    generator = place(_generator(path, header, tensors), chosen)
    return Model(generator.requires_grad_(False).eval(), header, name)


def _model_file(source: Path) -> Path:
    """The model file that `source`, a file, a checkpoint, a run, or its `latest` or `best`, stands for."""
    if source.is_file() and source.name in POINTERS and (source.parent / "checkpoints").is_dir():
        source = source.parent / "checkpoints" / source.read_text(errors="replace").strip()
    if source.is_file():
        return source
    if not source.exists():
        raise ModelError(f"There is no model {source}: it is neither a model file nor a run's folder.")
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


def _read(path: Path) -> tuple[ModelHeader, dict[str, Tensor]]:
    """What a model file says of itself, and its tensors."""
    _refuse_other_kinds(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 (no dict)
    except (SafetensorError, ValueError) as error:
        raise ModelError(
            f"{path} is no model file, or it is cut short or damaged ({error}). Copy or download it again."
        ) from None
    if "strangers" not in metadata:
        raise ModelError(f"{path} is a .safetensors file, but not one that strangers wrote.")
    return _header(path, metadata["strangers"]), tensors


_OTHER_KINDS = {
    b"<": "a web page; the download got a page in place of the file. Download it again",
    b"version https://git-lfs": "a Git LFS pointer, not the file that it stands for. Run git lfs pull",
    b"PK\x03\x04": "a zip archive or a PyTorch pickle. Models here are .safetensors files",
    b"\x80": "a Python pickle, which could run any code. Models here are .safetensors files",
}
"""What is often found where a model file should be, by its first bytes."""


def _refuse_other_kinds(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(256)
    if not start:
        raise ModelError(f"{path} is empty.")
    if start[8:9] == b"{":  # the header of a .safetensors file, after its length
        return
    for first, what in _OTHER_KINDS.items():
        if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(first):
            raise ModelError(f"{path} is {what}.")


def _header(path: Path, text: str) -> ModelHeader:
    try:
        fields = json.loads(text)
        version = fields["format"]
        if version > FORMAT:
            raise ModelError(
                f"{path} has format {version}; this strangers reads up to format {FORMAT}: update strangers."
            )
        return ModelHeader.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        why = f"{where}: {first['msg']}" if where else first["msg"]
    except (ValueError, LookupError, TypeError, RecursionError):
        why = "it is not the JSON of a model"
    raise ModelError(f"What {path} says of itself cannot be understood: {why}.")


def _generator(path: Path, header: ModelHeader, tensors: dict[str, Tensor]) -> nn.Module:
    """The recipe's generator with these weights."""
    misfit = f"The weights in {path} do not fit its recipe {header.recipe.name!r}"
    try:
        with torch.device("meta"):  # neither memory nor random numbers are spent on weights to be replaced
            generator, _ = build_networks(header.recipe)
    except (RuntimeError, OverflowError):
        raise ModelError(f"{misfit}: no network can have its sizes.") from None
    wanted = {name: _kind(value) for name, value in generator.state_dict().items()}
    found = {name: _kind(value) for name, value in tensors.items()}
    for name in sorted(wanted.keys() | found.keys()):
        is_now, should_be = found.get(name, "absent"), wanted.get(name, "absent")
        if is_now != should_be:
            raise ModelError(f"{misfit}: {name!r} is {is_now}, but should be {should_be}.")
        if not tensors[name].isfinite().all():
            raise ModelError(f"The weights in {path} are not all finite ({name!r}): its training failed.")
    generator.load_state_dict(tensors, assign=True)
    return generator


def _kind(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
