"""Readers fed by atheris, which looks for inputs that reach code that no other has reached."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .test_poison_archives import valid_archives
from .test_poison_pictures import valid_pictures
from .test_poison_texts import SEEDS, TABLES

if importlib.util.find_spec("atheris") is None:
    pytest.skip("atheris is of the extra robustness", allow_module_level=True)

VALID: dict[str, Callable[[], dict[str, bytes]]] = {
    "pictures": valid_pictures,
    "seeds": lambda: SEEDS,
    "tables": lambda: TABLES,
    "tars": lambda: {name: data for name, data in valid_archives().items() if ".tar" in name},
    "zips": lambda: {name: data for name, data in valid_archives().items() if ".zip" in name},
}

MEMORY = 1024  # MiB, of the whole process


@pytest.mark.parametrize("name", VALID)
def test_no_input_found_by_coverage_crashes_a_reader(
    name: str, tmp_path: Path, trials: Callable[[int, int], range], tally: Callable[..., None]
) -> None:
    runs = len(trials(0, 10_000))
    if not runs:
        pytest.skip("feeding by coverage takes minutes: --robustness")
    corpus, folder = tmp_path / "corpus", tmp_path / "folder"
    for place in (corpus, folder):
        place.mkdir()
    for number, data in enumerate(VALID[name]().values()):
        (corpus / str(number)).write_bytes(data)
    script = Path(__file__).with_name("coverage_guided.py")
    options = (
        f"-runs={runs}", "-seed=1", "-max_len=65536", "-timeout=60", f"-rss_limit_mb={MEMORY}",
        "-verbosity=0",
        f"-artifact_prefix={tmp_path}/", str(corpus),
    )  # fmt: skip
    ran = subprocess.run(
        [sys.executable, str(script), name, str(folder), *options],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    tally(f"{name}, guided by coverage, {MEMORY} MiB", runs)
