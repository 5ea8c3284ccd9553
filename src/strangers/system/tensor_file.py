"""The header of a .safetensors file, from the bytes that its tensors are read from."""

from __future__ import annotations

import json
from typing import Any

MAX_TENSORS = 10_000


def metadata_of(data: bytes) -> dict[str, Any]:
    """Return the metadata of a .safetensors file with these bytes.

    Raises ValueError or RecursionError for other bytes, and for more than MAX_TENSORS tensors.
    """
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    if not isinstance(header, dict) or not isinstance(header.get("__metadata__", {}), dict):
        raise ValueError("its header is no description of tensors")
    if len(header) > MAX_TENSORS + 1:
        raise ValueError(f"it has more than {MAX_TENSORS:,} tensors")
    metadata: dict[str, Any] = header.get("__metadata__", {})
    return metadata
