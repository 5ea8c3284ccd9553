"""The model file: a generator's weights, and all that drawing with them needs, in one .safetensors.

The metadata field "strangers" is a JSON object that describes the model. It contains no code. Its last field
is a SHA-256 of the object and the tensors, which detects damage: see `with_digest`.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

import torch
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    field_validator,
    model_validator,
)
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from strangers.config import Count, explain
from strangers.data.terms import Terms
from strangers.errors import ModelError, StrangersError
from strangers.recipes.recipe import FacesRecipe, Recipe
from strangers.system.files import hash_of, write_atomically
from strangers.system.streams import read_regular_file
from strangers.system.tensor_file import metadata_of

MODEL_FORMAT: Literal[1] = 1


class ModelHeader(BaseModel):
    """Header of a model file.

    Attributes:
        format: version of the file format.
        software: program and version that trained it.
        recipe: the resolved recipe; only the part that faces need if its training is unknown here.
        images_seen: number of real images shown in training.
        size, crop, filter: of the photographs: height and width in pixels, crop protocol, resize filter.
        data_hash: hash of the prepared set.
        ancestor: name and hash of the model whose weights the training started from, or "".
        fine_tuning: one sentence about a change of the weights after the training; empty without one.
        license: name and terms of the photographs.
        title, author: of the model, as its author states them; empty if not stated.
        metrics: measured values by name.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    format: Literal[1] = MODEL_FORMAT
    software: str
    recipe: Recipe | FacesRecipe = Field(union_mode="left_to_right")
    images_seen: Count
    size: int
    crop: str
    filter: str
    data_hash: str
    ancestor: str = ""
    fine_tuning: str = ""
    license: str = str(Terms())
    title: str = ""
    author: str = ""
    metrics: dict[str, JsonValue] = {}

    @field_validator("metrics")
    @classmethod
    def _are_finite(cls, metrics: dict[str, JsonValue]) -> dict[str, JsonValue]:
        for name, value in metrics.items():
            numbers = value.values() if isinstance(value, dict) else [value]
            for number in numbers:
                # Whole numbers may exceed every float.
                if isinstance(number, int | float) and not abs(number) <= sys.float_info.max:
                    raise ValueError(f"{name} is not a finite number")
        return metrics

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.size != self.recipe.size:
            raise ValueError(f"size is {self.size}, but recipe.size is {self.recipe.size}")
        return self


def save_model(path: Path, generator: nn.Module, header: ModelHeader, *, half: bool = False) -> None:
    """Write the model file atomically. Raises OSError."""
    write_atomically(path, as_bytes(generator, header, half=half))


def as_bytes(generator: nn.Module, header: ModelHeader, *, half: bool = False) -> bytes:
    """Return the content of a model file. half: store weights as float16."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in generator.state_dict().items()}
    if half:
        tensors = {name: _halved(value) for name, value in tensors.items()}
    return bytes(save(tensors, {"strangers": with_digest(header.model_dump_json(), tensors)}))


def _halved(tensor: Tensor) -> Tensor:
    """Return the tensor as float16, or unchanged if float16 cannot represent its values.

    Values above 65504 overflow, and values below 6e-5 lose digits. A loss of digits is accepted in small
    values of a matrix, but not in a vector: each weight of a norm scales a whole channel.
    """
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    error, size = (half.float() - tensor.float()).abs(), tensor.float().abs()
    allowed = 2.0**-10 * (size if tensor.ndim == 1 else size.max())
    return half if bool((error <= allowed).all()) else tensor


def read_model(path: Path) -> tuple[ModelHeader, nn.Module, str]:
    """Return the header of a model file, its generator in float32 on the CPU, and the file's hash.

    The file is read once. It is not mapped, for the process would die if another program cut it short.
    Raises ModelError and OSError.
    """
    data = read_regular_file(path)
    header, tensors = _parse(path, data)
    whole = {
        name: value.float() if value.dtype == torch.float16 else value for name, value in tensors.items()
    }
    return header, _generator(path, header, whole), hash_of(data)


def _parse(path: Path, data: bytes) -> tuple[ModelHeader, dict[str, Tensor]]:
    """Return the header and the tensors of the model file with these bytes."""
    _refuse_other_kinds(path, data[:256])
    try:
        metadata, tensors = parse_tensors(data)
    except (SafetensorError, ValueError, RecursionError) as error:
        raise ModelError(
            f"{path} is not a model file, or is damaged ({error}). Copy or download it again."
        ) from None
    if "strangers" not in metadata:
        raise ModelError(f"{path} is a .safetensors file of another program, not a model of strangers.")
    try:
        text = verify_digest(metadata["strangers"], tensors)
    except ValueError as error:
        raise ModelError(f"{path} is damaged: {error}. Copy or download it again.") from None
    return _header(path, text), tensors


def parse_tensors(data: bytes) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Return the metadata and the tensors of a .safetensors file with these bytes.

    Raises SafetensorError, ValueError or RecursionError for other bytes, and for too many tensors.
    """
    return metadata_of(data), load(data)


def with_digest(text: str, tensors: Mapping[str, Tensor]) -> str:
    """Append the field "sha256" to the text of a JSON object: the SHA-256 of the text and the tensors.

    Each tensor, in the order of names, contributes "NAME TYPE SHAPE" as in "1.weight float32 (8, 3)", then
    its bytes.
    """
    return f'{text[:-1]}, "sha256": "{_digest(text, tensors)}"}}'


def verify_digest(text: str, tensors: Mapping[str, Tensor]) -> str:
    """Return the text without its digest; unchanged if it has none. Raises ValueError for a wrong digest."""
    seal = re.search(r', "sha256": "([^"]*)"}$', text)
    if seal is None:
        return text
    text = text[: seal.start()] + "}"
    if _digest(text, tensors) != seal[1]:
        raise ValueError("its content does not match its SHA-256")
    return text


def _digest(text: str, tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        digest.update(f"{name} {_kind(tensors[name])}".encode())
        digest.update(tensors[name].flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


_OTHER_KINDS = {
    b"<": "a web page, not the file. Download it again",
    b"version https://git-lfs": "a Git LFS pointer, not the file. Run git lfs pull",
    b"PK\x03\x04": "a zip archive or a PyTorch pickle. Models here are .safetensors files",
    b"\x80": "a Python pickle, which could execute code. Models here are .safetensors files",
}
"""Common mistakes for a model file, by their first bytes."""


def _refuse_other_kinds(path: Path, start: bytes) -> None:
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
        if version > MODEL_FORMAT:
            raise ModelError(
                f"{path} has format {version}, and this version of strangers reads up to format "
                f"{MODEL_FORMAT}; update strangers."
            )
        return ModelHeader.model_validate_json(text)
    except ValidationError as error:
        reason = explain(ModelHeader, error).rstrip(".")
    except StrangersError:
        raise
    except (ValueError, LookupError, TypeError, RecursionError):
        reason = "it is not valid JSON"
    raise ModelError(f"The header of {path} is invalid: {reason}.")


def _generator(path: Path, header: ModelHeader, tensors: dict[str, Tensor]) -> nn.Module:
    """Build the generator of the recipe with these weights."""
    misfit = f"The weights in {path} do not fit its recipe {header.recipe.name!r}"
    try:
        with torch.device("meta"):  # no memory or random numbers for weights that are replaced
            generator = header.recipe.network.generator(header.recipe.latent_size)
    except (RuntimeError, OverflowError):
        raise ModelError(f"{misfit}: its sizes are impossible.") from None
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
