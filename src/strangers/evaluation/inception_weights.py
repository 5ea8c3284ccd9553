"""Where the Inception network's weights come from, and how they are read.

They are looked for where the caller says, where the environment says, and in the cache, in this order; only
then is the published file fetched into the cache.
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
"""The published weights, 96 MB."""

CONVERT = (
    "python -c 'import sys, torch, safetensors.torch as s; "
    "s.save_file(torch.load(sys.argv[1], weights_only=True), sys.argv[2])' weights.pth weights.safetensors"
)
"""How a .pth of somebody's becomes a file that is read here."""

VARIABLE = "STRANGERS_INCEPTION"
"""The environment variable that may name a file of weights."""

TIMEOUT = 30  # seconds without a byte from the network


def find(weights: str | Path | None = None) -> Path:
    """The file of weights: the one named, or else the one that STRANGERS_INCEPTION names, or else the
    published one in the cache, which is fetched where it is absent.

    Raises ModelError where there is none.
    """
    named = weights or os.environ.get(VARIABLE)
    if not named:
        return _published()
    path = Path(named)
    if not path.is_file():
        by = "" if weights else f" {VARIABLE} names it; correct that, or unset it."
        raise ModelError(f"There is no file of the Inception network's weights at {path}.{by}")
    return path


def _published() -> Path:
    """The published file in the cache, fetched if it is absent."""
    path = cache_folder() / "weights" / URL.rsplit("/", 1)[1]
    try:
        if path.is_file():
            if sha256_of(path) == SHA256:
                return path
            raise ModelError(
                f"{path} is not the published file, or it is damaged: its SHA-256 does not begin with "
                f"{SHA256[:8]}. Remove it, and it is fetched again, or put {URL} there."
            )
        data = _fetch()
        if sha256(data).hexdigest() != SHA256:
            what = "a web page" if data.lstrip().startswith(b"<") else f"{len(data):,} other bytes"
            raise OSError(f"{what} came in its place")
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent, path.name)
        write_atomically(path, data)
    except (OSError, http.client.HTTPException) as error:
        raise ModelError(
            f"The Inception network's weights could not be fetched into the cache ({error}). "
            f"Fetch {URL} and put it at {path}, or name it with --weights or {VARIABLE}."
        ) from None
    return path


def _fetch() -> bytes:
    """The published file's bytes, from the network. Raises OSError and HTTPException."""
    console = Console(stderr=True)
    with (
        urlopen(URL, timeout=TIMEOUT) as answer,
        wrap_file(answer, answer.length or 0, description="Inception weights", console=console,
                  disable=not console.is_terminal) as file,
    ):  # fmt: skip
        return b"".join(iter(lambda: file.read(1 << 20), b""))


def read(path: Path) -> dict[str, Tensor]:
    """The tensors in a .safetensors, or in the published .pth; any other pickle is left unread.

    Raises ModelError.
    """
    try:
        with path.open("rb") as file:
            start = file.read(256)
        is_safetensors = start[8:9] == b"{"  # of the header, after its length
        is_published = not is_safetensors and sha256_of(path) == SHA256
    except OSError as error:
        raise ModelError(f"The weights {path} cannot be read: {error.strerror or error}.") from None
    if start.lstrip().startswith(b"<") and not is_safetensors:
        raise ModelError(f"{path} is a web page in place of the Inception network's weights. Fetch {URL}.")
    if not is_safetensors and not is_published:
        raise ModelError(
            f"{path} is neither a .safetensors file nor the published weights, whose SHA-256 begins with "
            f"{SHA256[:8]}, so it is not read: a pickle could be code. Fetch {URL} again, or convert weights "
            f"that you trust: {CONVERT}"
        )
    try:
        found: dict[str, Tensor] = (
            load_file(path) if is_safetensors else torch.load(path, map_location="cpu", weights_only=True)
        )
    except Exception as error:  # of safetensors, torch or zipfile, whose number is not told anywhere
        why = str(error).strip().partition("\n")[0].rstrip(".") or "it is cut short"
        raise ModelError(f"{path} holds no weights, or is damaged: {why}. Fetch {URL} again.") from None
    return found
