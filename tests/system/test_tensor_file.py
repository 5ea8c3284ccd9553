"""Metadata of .safetensors files; other bytes are errors."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save

from strangers.system.tensor_file import MAX_TENSORS, metadata_of


def test_the_metadata_are_those_that_were_written() -> None:
    tensors = {"a": np.zeros(3)}
    assert metadata_of(save(tensors, {"name": "mine"})) == {"name": "mine"}
    assert metadata_of(save(tensors)) == {}


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"[]",
        b'{"__metadata__": 3}',
        b"no JSON",
        json.dumps(dict.fromkeys(range(MAX_TENSORS + 2))).encode(),
    ],
    ids=["nothing", "a list", "metadata of another kind", "text", "too many tensors"],
)
def test_other_bytes_are_refused(header: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (of Python's JSON too)
        metadata_of(len(header).to_bytes(8, "little") + header)
