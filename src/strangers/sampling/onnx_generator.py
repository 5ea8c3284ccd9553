"""Generators in ONNX files, drawn by onnxruntime: those that this package exports, and others."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from strangers.errors import ModelError, StrangersError, UsageError
from strangers.images import Pixels, to_pixels
from strangers.sampling.latents import Distribution, latents
from strangers.sampling.model_file import ModelHeader
from strangers.system.files import hash_of
from strangers.system.streams import read_regular_file

MISSING_EXTRA = "An .onnx generator needs onnxruntime: pip install 'strangers[export]'."

ROUNDING = 1e-3
"""Distance from [-1, 1] that counts as rounding."""


@dataclass(frozen=True)
class OnnxGenerator:
    """A generator in an ONNX file.

    Attributes:
        path: the file.
        hash: first 16 hexadecimal digits of its SHA-256.
        session: onnxruntime's.
        input: name of the latents' input, float32 (n, latent_size) or (n, latent_size, 1, 1).
        shape: of one latent.
        output: name of the pictures' output: float32 (n, 3, size, size) in [-1, 1], or uint8 (n, size, size,
            3).
        header: of a file that this package exported; None for others.
        size: height and width of the pictures.
    """

    path: Path
    hash: str
    session: Any
    input: str
    shape: tuple[int, ...]
    output: str
    header: ModelHeader | None
    size: int

    @property
    def latent(self) -> Distribution:
        """The distribution of the latents; normal where the file does not state it."""
        return "normal" if self.header is None else self.header.recipe.latent

    def batches(
        self, seeds: Iterable[int], *, truncation: float = 1.0, batch: int = 64
    ) -> Iterator[tuple[list[int], Pixels]]:
        """Yield seeds and their faces, uint8 (b, size, size, 3), at most `batch` at once.

        Raises ModelError for an output that is no pictures.
        """
        remaining = iter(seeds)
        while chosen := list(islice(remaining, batch)):
            z = latents(chosen, self.shape[0], self.latent) * np.float32(truncation)
            yield chosen, self.decode(z)

    def decode(self, z: NDArray[np.float32]) -> Pixels:
        """Return the faces of latents (n, latent_size), uint8 (n, size, size, 3). Raises ModelError."""
        [images] = self.session.run([self.output], {self.input: z.reshape(len(z), *self.shape)})
        return _pixels(self.path, images)


def load_onnx(path: Path, input_name: str | None = None) -> OnnxGenerator:
    """Open a generator in an ONNX file and draw one face to see its size.

    input_name: of the latents' input; None if the file has only one input.
    Raises ModelError for a file that is damaged or no generator, UsageError for an input that it lacks, and
    StrangersError without onnxruntime.
    """
    session, digest = _session(path)
    inputs = {found.name: found for found in session.get_inputs()}
    if input_name is not None and input_name not in inputs:
        raise UsageError(f"{path} has no input {input_name!r}; it has {', '.join(inputs)}.")
    if input_name is None and len(inputs) != 1:
        raise UsageError(
            f"{path} has several inputs; name the latents' by --onnx-input: {', '.join(inputs)}."
        )
    chosen = inputs[input_name or next(iter(inputs))]
    shape = tuple(chosen.shape[1:])
    if chosen.type != "tensor(float)" or not _is_latent(shape):
        raise ModelError(
            f"The input {chosen.name!r} of {path} must be latents, float32 (n, length) or (n, length, 1, 1) "
            f"(got {chosen.type} {tuple(chosen.shape)})."
        )
    output = session.get_outputs()[0].name
    header = _header(path, session)
    found = OnnxGenerator(path, digest, session, chosen.name, shape, output, header, 0)
    try:
        face = found.decode(latents([0, 1], shape[0], found.latent))
    except StrangersError:
        raise
    except Exception as error:  # onnxruntime documents no complete list
        why = str(error).strip().splitlines()[0]
        raise ModelError(f"{path} draws no faces from latents alone: {why}") from None
    return replace(found, size=face.shape[1])


def _is_latent(shape: tuple[object, ...]) -> bool:
    """Tell (length,) and (length, 1, 1) from other shapes; sizes that a file leaves open are strings."""
    length, *others = shape or (None,)
    return isinstance(length, int) and all(size == 1 for size in others)


def _session(path: Path) -> tuple[Any, str]:
    """Return onnxruntime's session for a file, and the file's hash.

    Raises ModelError, and StrangersError without onnxruntime.
    """
    try:
        data = read_regular_file(path)
        return new_session(data), hash_of(data)
    except StrangersError:
        raise
    except OSError as error:
        raise ModelError(f"Cannot read {path}: {error.strerror or error}.") from None
    except Exception as error:  # onnxruntime documents no complete list
        why = str(error).strip().splitlines()[0]
        raise ModelError(f"{path} is not an ONNX file that onnxruntime can run: {why}") from None


def new_session(data: bytes, threads: int = 0) -> Any:
    """Return onnxruntime's session for the bytes of a file, with telemetry off.

    threads: number of CPU threads; 0 leaves it to onnxruntime. Raises StrangersError without onnxruntime.
    """
    disable_telemetry()
    try:
        import onnxruntime
    except ImportError:
        raise StrangersError(MISSING_EXTRA) from None
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # the exception has the message
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def disable_telemetry() -> None:
    """Keep onnxruntime from reporting its use to its maker, which it does by default from version 1.29 on.

    It reads the variable when it is imported.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def _header(path: Path, session: Any) -> ModelHeader | None:
    text = session.get_modelmeta().custom_metadata_map.get("strangers")
    if text is None:
        return None
    try:
        return ModelHeader.model_validate_json(text)
    except ValueError:
        raise ModelError(f"The header of {path} is damaged, or of a newer version of strangers.") from None


def _pixels(path: Path, images: NDArray[Any]) -> Pixels:
    """Convert a generator's output to uint8 (n, size, size, 3). Raises ModelError for other outputs."""
    shape = images.shape
    if images.dtype == np.uint8 and len(shape) == 4 and shape[3] == 3 and shape[1] == shape[2]:
        return images
    if images.dtype != np.float32 or len(shape) != 4 or shape[1] != 3 or shape[2] != shape[3]:
        raise ModelError(
            f"The output of {path} must be square pictures, float32 (n, 3, size, size) in [-1, 1] or uint8 "
            f"(n, size, size, 3) (got {images.dtype} {shape})."
        )
    low, high = float(images.min()), float(images.max())
    if not (low >= -1 - ROUNDING and high <= 1 + ROUNDING) or low >= 0:
        raise ModelError(f"The pictures of {path} must be in [-1, 1] (got {low:.3g} to {high:.3g}).")
    return to_pixels(torch.from_numpy(images))
