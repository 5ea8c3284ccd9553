"""The package as other programs meet it: quick to import, complete, and true to its metadata."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata

import pytest

import strangers

SLOW = ("torch", "numpy", "pydantic", "matplotlib", "rich", "PIL", "huggingface_hub")


def imported(code: str) -> set[str]:
    """Which of the SLOW packages a new Python has imported after `code`."""
    ending = f"\nimport sys; print([name for name in {SLOW} if name in sys.modules], file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", code + ending], capture_output=True, text=True, check=True)
    return set(eval(result.stderr.splitlines()[-1]))


def test_import_strangers_imports_nothing_slow() -> None:
    assert imported("import strangers") == set()


def test_help_imports_nothing_slow() -> None:
    assert imported("from strangers.cli import main\nassert main(['--help']) == 0") == set()
    about_train = imported("from strangers.cli import main\nassert main(['train', '--help']) == 0")
    assert about_train <= {"pydantic"}  # typer's own way to read options


@pytest.mark.parametrize(
    "module", ["strangers.data.prepare", "strangers.data.synthetic.faces", "strangers.sampling.latents"]
)
def test_preparing_needs_no_torch(module: str) -> None:
    assert "torch" not in imported(f"import {module}")


@pytest.mark.parametrize("name", strangers.__all__)
def test_every_public_name_exists_and_is_in_dir(name: str) -> None:
    assert getattr(strangers, name) is not None
    assert name in dir(strangers)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'bogus'"):
        strangers.bogus  # noqa: B018


def test_the_version_equals_the_installed_one() -> None:
    assert strangers.__version__ == metadata.version("strangers")


def test_nothing_requires_torchvision() -> None:
    required = metadata.requires("strangers") or []
    assert not any(line.startswith("torchvision") for line in required)
