"""Published weights of feature networks: find, download and read them.

The first of these is used: the file of the caller, that of the environment variable, the published file.
"""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load
from torch import Tensor

from strangers.errors import ModelError, UsageError
from strangers.system.cache import cache_folder, downloaded
from strangers.system.streams import read_regular_file

CONVERT = (
    "python -c 'import sys, torch, safetensors.torch as s; "
    "s.save_file(torch.load(sys.argv[1], weights_only=True), sys.argv[2])' weights.pth weights.safetensors"
)
"""Command that converts another .pth."""


@dataclass(frozen=True)
class PublishedWeights:
    """Weights of a network, as its authors published them.

    Attributes:
        network: its name, as in "Inception".
        url: of the file.
        sha256: of the file, as 64 hexadecimal digits.
        file: name of the file in the cache.
        option: of the commands that take another file; "" for none.
    """

    network: str
    url: str
    sha256: str
    file: str
    option: str = ""

    @property
    def variable(self) -> str:
        """The environment variable with the path of a weights file."""
        return f"STRANGERS_{self.network.upper()}"

    def find(self, weights: str | Path | None = None) -> Path:
        """Return the path of the weights: `weights`, else that of the variable, else the published file.

        The published file is downloaded into the cache once. Raises UsageError for a missing file, and
        StrangersError if the download fails.
        """
        named = weights or os.environ.get(self.variable)
        if not named:
            return self._published()
        path = Path(named)
        if not path.exists():
            advice = "" if weights else f" Correct or unset {self.variable}."
            raise UsageError(f"There are no {self.network} weights at {path}.{advice}")
        return path

    def _published(self) -> Path:
        """Return the published file in the cache, downloaded if necessary. Raises StrangersError."""
        path = cache_folder() / "weights" / self.file
        ways = " or ".join(filter(None, (self.option, self.variable)))
        advice = f"Put the file at {path}, or pass it with {ways}."
        return downloaded(self.url, self.sha256, path, name=f"the {self.network} weights", advice=advice)

    def read(self, path: Path) -> tuple[dict[str, Tensor], str]:
        """Return the tensors of a file, and the first 16 digits of its SHA-256.

        The file is .safetensors or the published one; other pickles are never opened. Raises ModelError.
        """
        try:
            data = read_regular_file(path)
        except OSError as error:
            raise ModelError(f"Cannot read the weights {path}: {error.strerror or error}.") from None
        is_safetensors = data[8:9] == b"{"  # the header follows its length
        digest = hashlib.sha256(data).hexdigest()
        is_published = not is_safetensors and digest == self.sha256
        if data[:256].lstrip().startswith(b"<") and not is_safetensors:
            raise ModelError(f"{path} is a web page, not {self.network} weights. Download {self.url}.")
        if not is_safetensors and not is_published:
            raise ModelError(
                f"{path} is neither a .safetensors file nor the published weights, whose SHA-256 begins with "
                f"{self.sha256[:8]}. It is not opened, because a pickle can execute code. Download "
                f"{self.url} again, or convert weights that you trust: {CONVERT}"
            )
        try:
            found: dict[str, Tensor] = (
                load(data)
                if is_safetensors
                else torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
            )
        except Exception as error:  # safetensors, torch and zipfile document no complete list
            reason = str(error).strip().partition("\n")[0].rstrip(".") or "it is truncated"
            raise ModelError(
                f"{path} has no weights, or is damaged: {reason}. Download {self.url} again."
            ) from None
        return found, digest[:16]
