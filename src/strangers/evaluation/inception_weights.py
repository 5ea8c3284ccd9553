"""Weights of the Inception network: find, download and read them.

The first of these is used: the file of the caller, that of the environment variable, the published file.
"""

from __future__ import annotations

import os
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from strangers.errors import ModelError
from strangers.system.cache import cache_folder, downloaded
from strangers.system.files import sha256_of

URL = "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
"""SHA-256 of the published weights, 96 MB."""

CONVERT = (
    "python -c 'import sys, torch, safetensors.torch as s; "
    "s.save_file(torch.load(sys.argv[1], weights_only=True), sys.argv[2])' weights.pth weights.safetensors"
)
"""Command that converts another .pth."""

VARIABLE = "STRANGERS_INCEPTION"
"""Environment variable with the path of a weights file."""


def find(weights: str | Path | None = None) -> Path:
    """Return the path of the weights: `weights`, else STRANGERS_INCEPTION, else the published file.

    The published file is downloaded into the cache once. Raises ModelError for a missing file, and
    StrangersError if the download fails.
    """
    named = weights or os.environ.get(VARIABLE)
    if not named:
        return _published()
    path = Path(named)
    if not path.is_file():
        advice = "" if weights else f" Correct or unset {VARIABLE}."
        raise ModelError(f"There are no Inception weights at {path}.{advice}")
    return path


def _published() -> Path:
    """Return the published file in the cache, downloaded if necessary. Raises StrangersError."""
    path = cache_folder() / "weights" / URL.rpartition("/")[2]
    advice = f"Put the file at {path}, or pass it with --weights or {VARIABLE}."
    return downloaded(URL, SHA256, path, name="the Inception weights", advice=advice)


def read(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a .safetensors file or of the published .pth; other pickles are never opened.

    Raises ModelError.
    """
    try:
        with path.open("rb") as file:
            start = file.read(256)
        is_safetensors = start[8:9] == b"{"  # the header follows its length
        is_published = not is_safetensors and sha256_of(path) == SHA256
    except OSError as error:
        raise ModelError(f"Cannot read the weights {path}: {error.strerror or error}.") from None
    if start.lstrip().startswith(b"<") and not is_safetensors:
        raise ModelError(f"{path} is a web page, not Inception weights. Download {URL}.")
    if not is_safetensors and not is_published:
        raise ModelError(
            f"{path} is neither a .safetensors file nor the published weights, whose SHA-256 begins with "
            f"{SHA256[:8]}. It is not opened, because a pickle can execute code. Download {URL} again, or "
            f"convert weights that you trust: {CONVERT}"
        )
    try:
        found: dict[str, Tensor] = (
            load_file(path) if is_safetensors else torch.load(path, map_location="cpu", weights_only=True)
        )
    except Exception as error:  # safetensors, torch and zipfile document no complete list
        reason = str(error).strip().partition("\n")[0].rstrip(".") or "it is truncated"
        raise ModelError(f"{path} has no weights, or is damaged: {reason}. Download {URL} again.") from None
    return found
