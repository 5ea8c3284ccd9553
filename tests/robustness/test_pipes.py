"""Files that are named for reading and are pipes or devices: errors, instead of a command that never ends."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strangers.data.landmarks import orientation
from strangers.errors import StrangersError
from strangers.evaluation.statistics_file import read_statistics
from strangers.evaluation.verify import read_entry
from strangers.export.card import read_result
from strangers.latent.latent_file import read_latent
from strangers.latent.photograph import read_photograph
from strangers.sampling.onnx_generator import load_onnx

UNUSED: Any = None
"""The model, which a reader uses only after the file."""

READERS: dict[str, Callable[[Path], object]] = {
    "edit --latent": read_latent,
    "evaluate STATISTICS": read_statistics,
    "evaluate ONNX": load_onnx,
    "explore --landmarks": lambda path: orientation(path, []),
    "export --evaluation": lambda path: read_result(path, UNUSED),
    "invert PHOTO": lambda path: read_photograph(path, UNUSED),
    "verify ENTRY": read_entry,
}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
@pytest.mark.parametrize("name", READERS)
def test_a_pipe_or_a_device_is_no_file_to_wait_for(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npz")
    (tmp_path / "device.npz").symlink_to("/dev/zero")
    for path in (tmp_path / "pipe.npz", tmp_path / "device.npz"):
        with pytest.raises(StrangersError, match="Not a regular file"):
            READERS[name](path)
