"""Locating and reading the Inception network's weights.

The order is: the caller's file, the environment variable's file, the published file in the cache, and a
download of it into the cache.
"""

from __future__ import annotations

import http.client
import os
from hashlib import sha256
from pathlib import Path
from urllib.request import urlopen

import torch
from rich.console import Console
from rich.progress import wrap_file
from safetensors.torch import load_file
from torch import Tensor

from strangers.errors import ModelError
from strangers.system.cache import cache_folder
from strangers.system.files import remove_leftovers, sha256_of, write_atomically

URL = "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
"""SHA-256 of the published weights, 96 MB."""

CONVERT = (
    "python -c 'import sys, torch, safetensors.torch as s; "
    "s.save_file(torch.load(sys.argv[1], weights_only=True), sys.argv[2])' weights.pth weights.safetensors"
)
"""Command that converts another .pth."""

VARIABLE = "STRANGERS_INCEPTION"
"""Environment variable that names a weights file."""

TIMEOUT = 30
"""Seconds without a byte from the network."""


def find(weights: str | Path | None = None) -> Path:
    """Return the path of the weights: `weights`, else STRANGERS_INCEPTION, else the published file.

    The published file is downloaded into the cache once. Raises ModelError if there is no file.
    """
    named = weights or os.environ.get(VARIABLE)
    if not named:
        return _published()
    path = Path(named)
    if not path.is_file():
        by = "" if weights else f" {VARIABLE} names it; correct or unset it."
        raise ModelError(f"No Inception weights at {path}.{by}")
    return path


def _published() -> Path:
    """Return the published file in the cache, after downloading it if necessary."""
    path = cache_folder() / "weights" / URL.rsplit("/", 1)[1]
    try:
        if path.is_file():
            if sha256_of(path) == SHA256:
                return path
            raise ModelError(
                f"{path} is damaged or not the published file: its SHA-256 does not begin with "
                f"{SHA256[:8]}. Remove it to download it again, or put {URL} there."
            )
        data = _fetch()
        if sha256(data).hexdigest() != SHA256:
            what = "a web page" if data.lstrip().startswith(b"<") else f"{len(data):,} other bytes"
            raise OSError(f"the server sent {what} instead")
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent, path.name)
        write_atomically(path, data)
    except (OSError, http.client.HTTPException) as error:
        raise ModelError(
            f"Cannot download the Inception weights ({error}). "
            f"Download {URL} to {path}, or name the file with --weights or {VARIABLE}."
        ) from None
    return path


def _fetch() -> bytes:
    """Download the published file. Raises OSError and HTTPException."""
    console = Console(stderr=True)
    with (
        urlopen(URL, timeout=TIMEOUT) as answer,
        wrap_file(answer, answer.length or 0, description="Inception weights", console=console,
                  disable=not console.is_terminal) as file,
    ):  # fmt: skip
        return b"".join(iter(lambda: file.read(1 << 20), b""))


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
        why = str(error).strip().partition("\n")[0].rstrip(".") or "it is truncated"
        raise ModelError(f"{path} holds no weights, or is damaged: {why}. Download {URL} again.") from None
    return found
